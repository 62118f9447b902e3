//! Traffic Server, without the manager that restarts it.

use super::{Setup, installed};
use crate::edge::EdgeError;
use crate::stack::Program;

const CONFIGS: [&str; 5] =
    ["ip_allow.yaml", "records.config", "remap.config", "ssl_multicert.config", "storage.config"];
/// Files that must be there and may say nothing.
const EMPTY: [&str; 3] = ["plugin.config", "cache.config", "hosting.config"];

pub(super) fn program(setup: &Setup) -> Result<Program, EdgeError> {
    for name in CONFIGS {
        setup.place_file(&format!("trafficserver/{name}"), &format!("etc/{name}"))?;
    }
    for name in EMPTY {
        let path = setup.place.join("etc").join(name);
        std::fs::write(&path, "").map_err(EdgeError::file(&path))?;
    }
    for folder in ["run", "log", "var", "share", "cache"] {
        let path = setup.place.join(folder);
        std::fs::create_dir_all(&path).map_err(EdgeError::file(&path))?;
    }
    let root = setup.place_file("trafficserver/runroot.yaml", "runroot.yaml")?;
    let program = Program::new("ats", installed("traffic_server", "trafficserver")?, setup.data);
    Ok(program.args([format!("--run-root={}", root.display())]).folder(&setup.place))
}
