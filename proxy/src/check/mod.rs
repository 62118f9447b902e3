//! `vitrine-proxy check`: all that is wrong, or probably not meant, in a configuration file.

use std::fmt;
use std::path::Path;

use vitrine_shared::config::{ConfigError, Source};

use crate::cases;
use crate::config::Config;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The proxy starts with it, but it is probably not meant.
    Warning,
    /// The proxy does not start with it, and a reload keeps the configuration that it has.
    Error,
}

/// One thing found in a file; printed as `file:line: error: what (way out)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is, and where.
    pub error: ConfigError,
}

/// What was found, and how many cases hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What was found in the file and, where that is right, in its cases.
    pub findings: Vec<Finding>,
    /// Cases that came out as expected, of all; absent where there is no file of cases, or none could be looked at.
    pub cases: Option<(usize, usize)>,
}

/// Checks a file; nothing is found in one that is right. `env` gives the values of `${NAME}`.
pub fn check(file: &Path, env: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    findings(Config::load(file, env))
}

/// As [`check`], and then runs the cases: those of `file_of_cases`, or of the file [beside](cases::beside) the configuration
/// where there is one.
pub fn check_with_cases(file: &Path, file_of_cases: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Checked {
    let config = match Config::load(file, &env) {
        Ok(config) => config,
        Err(errors) => return Checked { findings: findings(Err(errors)), cases: None },
    };
    let beside = cases::beside(file);
    let Some(place) = file_of_cases.or_else(|| beside.exists().then_some(&*beside)) else {
        return Checked { findings: findings(Ok(config)), cases: None };
    };
    let report = match Source::read(place, &env) {
        Ok(source) => cases::run(&config, &source),
        Err(error) => cases::Report { errors: vec![ConfigError { help: None, ..error }], ..cases::Report::default() },
    };
    let mut found = findings(Ok(config));
    found.extend(report.errors.into_iter().map(|error| Finding { severity: Severity::Error, error }));
    let held = (report.cases > 0).then(|| (report.cases - report.failed, report.cases));
    Checked { findings: found, cases: held }
}

/// As [`check`], of a source that was read already.
#[cfg(test)]
pub(crate) fn check_source(source: &Source) -> Vec<Finding> {
    findings(Config::of_source(source))
}

/// Whether the proxy would not start.
pub fn has_errors(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

fn findings(result: Result<Config, Vec<ConfigError>>) -> Vec<Finding> {
    let (severity, found) = match result {
        Ok(config) => (Severity::Warning, config.warnings),
        Err(errors) => (Severity::Error, errors),
    };
    found.into_iter().map(|error| Finding { severity, error }).collect()
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{}: {severity}: {}", self.error.place(), self.error.said())
    }
}

#[cfg(test)]
mod tests;
