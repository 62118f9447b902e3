//! `vitrine-proxy check`

use std::path::Path;
use std::process::ExitCode;

use vitrine_proxy::check::{check, has_errors};

pub(super) fn run(file: &Path) -> ExitCode {
    let findings = check(file, super::variable);
    for finding in &findings {
        println!("{finding}");
    }
    if has_errors(&findings) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
