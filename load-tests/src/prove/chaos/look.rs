//! Looks at the shop, and pulls at what has no process of its own.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::error::{ProveError, system};
use super::super::shop::Shop;
use crate::stack::connect;

const LIMIT: Duration = Duration::from_secs(2);

/// The origin that leads the relay; `None` where none says so.
pub(in crate::prove) async fn leader(shop: &Shop) -> Option<usize> {
    for (index, origin) in shop.origins.iter().enumerate() {
        let text = get(&format!("http://{}/metrics", origin.inner), "").await.unwrap_or_default();
        if text.lines().any(|line| line.contains("relay_leads") && line.ends_with(" 1")) {
            return Some(index);
        }
    }
    None
}

/// What an edge says of itself.
pub(in crate::prove) async fn status(shop: &Shop, edge: usize) -> Option<Value> {
    let text = get(&format!("http://{}/status", shop.edges[edge].inner), &shop.secrets.ops_token).await?;
    serde_json::from_str(&text).ok()
}

/// The body of a 200.
pub(in crate::prove) async fn get(url: &str, token: &str) -> Option<String> {
    let request = reqwest::Client::new().get(url).bearer_auth(token).timeout(LIMIT);
    request.send().await.ok()?.error_for_status().ok()?.text().await.ok()
}

/// Empties Redis.
pub(super) async fn flush_redis(shop: &Shop) -> Result<(), ProveError> {
    let url = shop.redis.url();
    let (password, address) = url.trim_start_matches("redis://:").split_once('@').unwrap_or_default();
    let address = address.trim_end_matches("/0").to_owned();
    let work = async {
        let mut stream = TcpStream::connect(&address).await?;
        stream.write_all(format!("AUTH {password}\r\nFLUSHALL\r\n").as_bytes()).await?;
        let mut answer = [0; 10];
        stream.read_exact(&mut answer).await.map(|_| answer == *b"+OK\r\n+OK\r\n")
    };
    match tokio::time::timeout(LIMIT, work).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Err(error)) => Err(system("flush Redis")(error)),
        _ => Err(system("flush Redis")(std::io::Error::other("it did not say OK"))),
    }
}

/// Ends the relay's connection to the database.
pub(super) async fn terminate_relay(shop: &Shop) -> Result<(), ProveError> {
    let statement =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'vitrine-relay%'";
    let mut connection = connect(&shop.database_url()).await?;
    let ended: Vec<bool> = sqlx::query_scalar(statement).fetch_all(&mut connection).await?;
    if ended.is_empty() {
        return Err(ProveError::Setup("no relay is connected to the database".to_owned()));
    }
    Ok(())
}
