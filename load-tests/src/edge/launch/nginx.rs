//! nginx.

use super::{Setup, installed};
use crate::edge::EdgeError;
use crate::stack::Program;

pub(super) fn program(setup: &Setup) -> Result<Program, EdgeError> {
    let config = setup.place_file("nginx/nginx.conf", "nginx.conf")?;
    let program = Program::new("nginx", installed("nginx", "nginx-light")?, setup.data);
    Ok(program.args(["-p".into(), setup.place.clone(), "-c".into(), config, "-e".into(), "stderr".into()]))
}
