//! `HAProxy`.

use super::{Setup, installed};
use crate::edge::EdgeError;
use crate::stack::Program;

pub(super) fn program(setup: &Setup) -> Result<Program, EdgeError> {
    let config = setup.place_file("haproxy/haproxy.cfg", "haproxy.cfg")?;
    // -db: in the foreground, without a master process.
    let program = Program::new("haproxy", installed("haproxy", "haproxy")?, setup.data);
    Ok(program.args(["-db".into(), "-f".into(), config]))
}
