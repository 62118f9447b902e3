//! `vitrine-proxy check`

use std::path::Path;
use std::process::ExitCode;

use vitrine_proxy::check::{check_with_cases, has_errors};

pub(super) fn run(file: &Path, cases: Option<&Path>) -> ExitCode {
    let checked = check_with_cases(file, cases, super::variable);
    for finding in &checked.findings {
        println!("{finding}");
    }
    match checked.cases {
        Some((passed, all)) if passed == all => println!("{all} cases passed"),
        Some((passed, all)) => println!("{passed} of {all} cases passed"),
        None if checked.findings.is_empty() => println!("nothing is wrong; there are no cases beside it"),
        None => {}
    }
    if has_errors(&checked.findings) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
