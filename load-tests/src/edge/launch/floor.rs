//! The floor: this program in another role.

use std::path::Path;

use super::Setup;
use crate::edge::EdgeError;
use crate::stack::Program;

pub(super) fn program(setup: &Setup) -> Result<Program, EdgeError> {
    let own = std::env::current_exe().map_err(EdgeError::file(Path::new("/proc/self/exe")))?;
    let listen = setup.addresses.http.to_string();
    Ok(Program::new("floor", own, setup.data).args(["edge-floor".to_owned(), "--listen".to_owned(), listen]))
}
