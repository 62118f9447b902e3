//! The edges' configurations: the shipped one, with what a run needs changed line by line.

use std::net::SocketAddr;
use std::path::Path;

use super::error::{ProveError, system};
use crate::stack::workspace_root;

const SHIPPED: &str = "config/proxy.toml";

/// A promise that is broken on purpose, to see that the checker finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Break {
    /// Edges go on serving the catalog while they are cut off.
    ServeCutOff,
    /// Edges hear of no purge and keep what they have for five seconds.
    FixedTtl,
}

/// What an edge's configuration is made of.
#[derive(Debug, Clone)]
pub(super) struct EdgePlan<'a> {
    pub(super) origins: &'a [SocketAddr],
    /// The folder of its disk tier, where it has one.
    pub(super) disk: Option<&'a Path>,
    /// Whether it serves the old, labelled, while it is cut off from everything.
    pub(super) serve_for: bool,
    pub(super) broken: Option<Break>,
}

/// Its text.
pub(super) fn edge(plan: &EdgePlan<'_>) -> Result<String, ProveError> {
    let path = workspace_root()?.join(SHIPPED);
    let text = std::fs::read_to_string(&path).map_err(system(format!("read {}", path.display())))?;
    change(text, plan)
}

fn change(mut text: String, plan: &EdgePlan<'_>) -> Result<String, ProveError> {
    let origins: Vec<String> = plan.origins.iter().map(|address| format!("\"{address}\"")).collect();
    replace(
        &mut text,
        "addresses = [\"${ORIGIN_ADDRESS:-127.0.0.1:9000}\"]",
        &format!("addresses = [{}]", origins.join(", ")),
    )?;
    replace(&mut text, "[listen]\n", "[listen]\nh2c = true\n")?;
    // The files of this run change under their names.
    replace(&mut text, "on_disconnect = \"serve\"", "on_disconnect = \"revalidate\"")?;
    replace(&mut text, "# The catalog, as the API tells it.\n", BY_ORIGIN)?;
    if !plan.serve_for {
        replace(&mut text, "serve_for = \"5m\"\n", "")?;
    }
    if let Some(folder) = plan.disk {
        let disk = format!(
            "max_object = \"8MiB\"\n\n[cache.disk]\npath = \"{}\"\nsize = \"256MiB\"\nadmission = \"all\"\n",
            folder.display()
        );
        replace(&mut text, "max_object = \"8MiB\"\n", &disk)?;
    }
    match plan.broken {
        None => {}
        Some(Break::ServeCutOff) => {
            replace(&mut text, "on_disconnect = \"revalidate\"", "on_disconnect = \"serve\"")?;
        }
        Some(Break::FixedTtl) => {
            replace(&mut text, "edge_ttl = \"4h\"", "edge_ttl = \"5s\"")?;
            replace(&mut text, "negative_ttl = \"4h\"", "negative_ttl = \"5s\"")?;
            replace(&mut text, "edge_ttl = \"30d\"", "edge_ttl = \"5s\"")?;
            for line in
                ["[feed]\n", "redis = \"${REDIS_URL:-}\"\n", "token = \"${INTERNAL_TOKEN}\"\n", SPEAKS, FEED_URL]
            {
                replace(&mut text, line, "")?;
            }
        }
    }
    Ok(text)
}

const SPEAKS: &str = "speaks_epochs = true\n";
const FEED_URL: &str = "url = \"${FEED_URL:-http://127.0.0.1:9001}\"\n";

/// Variants are stored for each site that asks, as the origin's `Vary: Origin` says, and not by the rule's `cors`.
const BY_ORIGIN: &str = "[[rules]]
name = \"by-origin\"
action = \"cache\"
paths = [\"/store/product-variants/**\"]
edge_ttl = \"4h\"
negative_ttl = \"4h\"
key = { query = \"all\", headers = [\"x-publishable-api-key\", \"x-medusa-locale\"] }
vary = { origin = \"exact\" }
compression = {}
on_disconnect = \"revalidate\"

# The catalog, as the API tells it.
";

/// Every occurrence, of which there must be one.
fn replace(text: &mut String, line: &str, by: &str) -> Result<(), ProveError> {
    if !text.contains(line) {
        return Err(ProveError::Config { file: SHIPPED.to_owned(), line: line.to_owned() });
    }
    *text = text.replace(line, by);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_configuration_has_all_that_is_changed() {
        let shipped = std::fs::read_to_string(workspace_root().unwrap().join(SHIPPED)).unwrap();
        let origins = ["10.0.0.1:9000".parse().unwrap(), "10.0.0.2:9000".parse().unwrap()];
        for broken in [None, Some(Break::ServeCutOff), Some(Break::FixedTtl)] {
            let plan = EdgePlan { origins: &origins, disk: Some(Path::new("/tmp/x")), serve_for: false, broken };
            let text = change(shipped.clone(), &plan).unwrap();
            assert!(text.contains("10.0.0.2:9000") && text.contains("[cache.disk]") && !text.contains("serve_for = "));
            assert_eq!(text.contains("on_disconnect = \"serve\""), broken == Some(Break::ServeCutOff));
            assert_eq!(text.contains("[feed]"), broken != Some(Break::FixedTtl));
        }
    }
}
