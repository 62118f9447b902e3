//! The origin and the edges of one run, and their settings.

use super::LauncherError;
use super::backing::Backing;
use super::ports::Ports;
use crate::stack::{DataDir, EdgeSettings, OriginSettings, Secrets, Service, StackError, edge_launch, origin_launch};

/// The origin's settings for this run.
pub(crate) fn origin_settings(ports: &Ports, backing: &Backing, secrets: &Secrets) -> OriginSettings {
    let visitors = ports.edges.first().map_or(ports.origin.address, |(visitors, _)| visitors.address);
    OriginSettings {
        listen: ports.origin.address,
        internal_listen: ports.origin_internal.address,
        database_url: backing.database_url.clone(),
        redis_url: backing.redis_url.clone(),
        s3: backing.files.clone(),
        media_base_url: std::env::var("MEDIA_BASE_URL").unwrap_or_else(|_| format!("http://{visitors}/static")),
        secrets: secrets.clone(),
    }
}

/// Starts the origin.
pub(crate) async fn start_origin(settings: &OriginSettings, data: &DataDir) -> Result<Service, LauncherError> {
    let launch = origin_launch("origin".to_owned(), "serve", settings, None)?;
    Ok(Service::start(launch, format!("http://{}/health/ready", settings.listen), data).await?)
}

/// Starts the edges, all at once.
pub(crate) async fn start_edges(
    ports: &Ports,
    backing: &Backing,
    secrets: &Secrets,
    data: &DataDir,
) -> Result<Vec<Service>, LauncherError> {
    let mut edges = Vec::new();
    for (index, (visitors, operators)) in ports.edges.iter().enumerate() {
        let settings = EdgeSettings {
            listen: visitors.address,
            ops_listen: operators.address,
            ops_token: secrets.ops_token.clone(),
            origin_address: ports.origin.address.to_string(),
            media_address: backing.media_address.clone(),
            media_bucket: backing.files.bucket.clone(),
            media_prefix: std::env::var("MEDIA_PREFIX").unwrap_or_else(|_| format!("/{}", backing.files.bucket)),
            redis_url: backing.redis_url.clone(),
            feed_url: format!("http://{}", ports.origin_internal.address),
            internal_token: secrets.internal_token.clone(),
            edge_id: format!("edge-{index}"),
        };
        let launch = edge_launch(settings.edge_id.clone(), &settings, None)?;
        let ready = format!("http://{}/health/ready", settings.ops_listen);
        edges.push(Service::spawn(launch, ready, data)?);
    }
    let all = futures_util::future::join_all(edges.iter_mut().map(Service::ready)).await;
    all.into_iter().collect::<Result<Vec<()>, StackError>>()?;
    Ok(edges)
}
