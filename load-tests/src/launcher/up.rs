//! `vitrine up`: the shop with all it needs, until Ctrl-C.

use std::process::ExitCode;

use super::backing::{Backing, Given};
use super::lock::LockedData;
use super::logs::{Follower, say};
use super::ports::Ports;
use super::signals::StopSignals;
use super::supervise::Shop;
use super::{LauncherError, UpArguments, edges, env_file, seed};
use crate::stack::{DataDir, Secrets, end_leftovers, find_binary};

pub(crate) async fn run(arguments: UpArguments) -> Result<ExitCode, LauncherError> {
    let mut stop = StopSignals::listen()?;
    let locked = LockedData::take(&arguments.data.folder()?)?;
    let data = locked.data();
    for name in end_leftovers(&data.pids()) {
        say(&name, "was left over from a run that was killed; ended it");
    }
    let read = |name: &str| std::env::var(name).ok();
    let ports = Ports::read(arguments.edges, read)?;
    ports.require_free()?;
    let given = Given::read(read)?;
    find_binary("vitrine-origin", "VITRINE_ORIGIN_BIN")?;
    find_binary("vitrine-proxy", "VITRINE_PROXY_BIN")?;
    set_old_logs_aside(data);

    // Dropping a start that was given up ends what it had started.
    let (mut shop, followers) = tokio::select! {
        _ = stop.next() => {
            say("vitrine", "stopped before it was ready");
            return Ok(ExitCode::from(130));
        }
        started = start(&arguments, &ports, given, data) => started?,
    };
    shop.watch(&mut stop).await;
    say("vitrine", "stopping");
    shop.stop().await;
    drop(followers);
    let _ = std::fs::remove_file(data.root().join("vitrine.env"));
    say("vitrine", "stopped");
    Ok(ExitCode::SUCCESS)
}

async fn start(
    arguments: &UpArguments,
    ports: &Ports,
    given: Given,
    data: &DataDir,
) -> Result<(Shop, Vec<Follower>), LauncherError> {
    let secrets = Secrets::load_or_generate(&data.root().join("secrets.env"))?;
    let own_database = given.own_database();
    let backing = Backing::start(given, data, &secrets).await?;
    let settings = edges::origin_settings(ports, &backing, &secrets);
    seed::prepare(&settings, data, arguments.products, own_database).await?;
    let mut followers = vec![Follower::start("origin", &data.log("origin"))];
    let origin = edges::start_origin(&settings, data).await?;
    followers.extend((0..ports.edges.len()).map(|index| {
        let name = format!("edge-{index}");
        Follower::start(&name, &data.log(&name))
    }));
    let edges = edges::start_edges(ports, &backing, &secrets, data).await?;
    announce(ports, &backing, &secrets, data)?;
    Ok((Shop { edges, origin, backing }, followers))
}

fn announce(ports: &Ports, backing: &Backing, secrets: &Secrets, data: &DataDir) -> Result<(), LauncherError> {
    let urls: Vec<_> = ports.edges.iter().map(|(visitors, _)| format!("http://{}", visitors.address)).collect();
    let ops: Vec<_> = ports.edges.iter().map(|(_, operators)| format!("http://{}", operators.address)).collect();
    let origin = format!("http://{}", ports.origin.address);
    let path = data.root().join("vitrine.env");
    let first = |urls: &[String]| urls.first().cloned().unwrap_or_default();
    let mut variables = vec![
        ("PROXY_URL", first(&urls)),
        ("ORIGIN_URL", origin.clone()),
        ("OPS_URL", first(&ops)),
        ("OPS_TOKEN", secrets.ops_token.clone()),
        ("PUBLISHABLE_KEY", secrets.publishable_key.clone()),
        ("ADMIN_EMAIL", secrets.admin_email.clone()),
        ("ADMIN_PASSWORD", secrets.admin_password.clone()),
        ("DATABASE_URL", backing.database_url.clone()),
        ("REDIS_URL", backing.redis_url.clone()),
        ("S3_ENDPOINT", backing.files.endpoint.clone()),
    ];
    if urls.len() > 1 {
        variables.push(("EDGE_URLS", urls.join(" ")));
    }
    env_file::write(&path, &variables)?;
    say("vitrine", "ready");
    for (url, ops) in urls.iter().zip(&ops) {
        say("edge", &format!("{url}  operations: {ops}"));
    }
    say("origin", &origin);
    say("vitrine", &format!("in another terminal: . {}", shown(&path)));
    say("vitrine", &format!("logs: {}   stop: Ctrl-C", shown(&data.logs())));
    Ok(())
}

/// A path as somebody in the current folder would write it.
fn shown(path: &std::path::Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&current).unwrap_or(path).display().to_string()
}

/// Logs of the run before stay once, so that a crash can be looked into.
fn set_old_logs_aside(data: &DataDir) {
    let Ok(entries) = std::fs::read_dir(data.logs()) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.extension().is_some_and(|extension| extension == "log") {
            let _ = std::fs::rename(&path, path.with_extension("log.before"));
        }
    }
}
