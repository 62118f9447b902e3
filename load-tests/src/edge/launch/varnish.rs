//! Varnish.

use std::ffi::OsString;

use super::{Setup, installed};
use crate::edge::EdgeError;
use crate::stack::Program;

pub(super) fn program(setup: &Setup) -> Result<Program, EdgeError> {
    let vcl = setup.place_file("varnish/default.vcl", "default.vcl")?;
    let parameters = setup.place_file("varnish/parameters.txt", "parameters.txt")?;
    let parameters = std::fs::read_to_string(&parameters).map_err(EdgeError::file(&parameters))?;
    let work = setup.place.join("work");
    let mut args: Vec<OsString> = vec!["-F".into(), "-j".into(), "none".into(), "-n".into(), work.into()];
    args.extend(["-f".into(), vcl.into()]);
    // The second address is for those who know that it speaks h2; Varnish takes both on each.
    for address in [setup.addresses.http, setup.addresses.h2c] {
        args.extend(["-a".into(), address.to_string().into()]);
    }
    args.extend(["-s".into(), format!("malloc,{}", setup.budget).into()]);
    for line in parameters.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        args.extend(["-p".into(), line.into()]);
    }
    Ok(Program::new("varnish", installed("varnishd", "varnish")?, setup.data).args(args))
}
