//! The demo shop: its tables and its products, made by the origin's own commands.

use std::path::PathBuf;

use super::LauncherError;
use super::logs::{Follower, say};
use crate::stack::{DataDir, Launch, OriginSettings, StackError, origin_launch};

const PRODUCTS: u32 = 1_000;

/// Migrates, and loads the shop unless this data folder's database has it.
pub(crate) async fn prepare(
    settings: &OriginSettings,
    data: &DataDir,
    products: Option<u32>,
    own_database: bool,
) -> Result<(), LauncherError> {
    run(origin_launch("migrate".to_owned(), "migrate", settings, None)?, data).await?;
    let marker = marker(data);
    if own_database && let Some(loaded) = loaded(&marker)? {
        if products.is_some_and(|wanted| wanted != loaded) {
            say(
                "seed",
                &format!("the shop was made with {loaded} products and stays so; `make clean-data` forgets it"),
            );
        }
        return Ok(());
    }
    let products = products.unwrap_or(PRODUCTS);
    let mut launch = origin_launch("seed".to_owned(), "seed", settings, None)?;
    launch.args.extend(["--products".to_owned(), products.to_string()]);
    run(launch, data).await?;
    if own_database {
        std::fs::write(&marker, format!("{products}\n")).map_err(|source| StackError::Io {
            doing: "write",
            path: marker,
            source,
        })?;
    }
    Ok(())
}

async fn run(launch: Launch, data: &DataDir) -> Result<(), LauncherError> {
    let follower = Follower::start(&launch.name, &data.log(&launch.name));
    let ended = launch.run_to_end(data).await;
    follower.finish().await;
    Ok(ended?)
}

fn marker(data: &DataDir) -> PathBuf {
    data.root().join("seeded")
}

/// With how many products the shop was made. A marker that was cut short counts as none: loading again does no harm.
fn loaded(marker: &PathBuf) -> Result<Option<u32>, StackError> {
    match std::fs::read_to_string(marker) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StackError::Io { doing: "read", path: marker.clone(), source }),
    }
}
