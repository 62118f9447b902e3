//! Ours: the program beside this one, with `peers/vitrine/proxy.toml`.

use super::Setup;
use crate::edge::EdgeError;
use crate::stack::{Program, find_binary};

/// Whether it follows a feed and keeps a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feed {
    Followed,
    None,
}

/// The part of the configuration that is left out without a feed.
const FEED: &str = "[feed]\nurl = \"http://${BENCH_FEED}\"\ntoken = \"bench\"\n";

pub(super) fn program(setup: &Setup, feed: Feed) -> Result<Program, EdgeError> {
    let config = setup.place_file("vitrine/proxy.toml", "proxy.toml")?;
    if feed == Feed::None {
        let text = std::fs::read_to_string(&config).map_err(EdgeError::file(&config))?;
        let without = text.replacen(FEED, "", 1);
        if without == text {
            return Err(EdgeError::Answer(format!("{} has no part {FEED:?}", config.display())));
        }
        std::fs::write(&config, without).map_err(EdgeError::file(&config))?;
    }
    if setup.on_disk {
        let disk = setup.place_file("vitrine/disk.toml", "disk.toml")?;
        let both = [&config, &disk].map(|path| std::fs::read_to_string(path).map_err(EdgeError::file(path)));
        let [config_text, disk_text] = both;
        std::fs::write(&config, config_text? + &disk_text?).map_err(EdgeError::file(&config))?;
    }
    let env = [
        ("BENCH_HTTP", setup.addresses.http.to_string()),
        ("BENCH_TLS", setup.addresses.tls.to_string()),
        ("BENCH_CERTIFICATE", setup.certificate.chain.display().to_string()),
        ("BENCH_KEY", setup.certificate.key.display().to_string()),
        ("BENCH_OPS", setup.addresses.ops.to_string()),
        ("BENCH_OPS_TOKEN", setup.ops_token.clone()),
        ("BENCH_CACHE", setup.cache.display().to_string()),
        ("BENCH_BUDGET", setup.budget.to_string()),
        ("BENCH_ORIGIN", setup.origin.to_string()),
        ("BENCH_FEED", setup.feed.to_string()),
        // Access logs are off everywhere.
        ("VITRINE_LOG", "warn".to_owned()),
    ];
    let program = Program::new("vitrine", find_binary("vitrine-proxy", "VITRINE_PROXY_BIN")?, setup.data);
    let program = program.args(["run", "--config"]).args([config]);
    Ok(program.env(env.map(|(name, value)| (name.to_owned(), value))).folder(&setup.place))
}
