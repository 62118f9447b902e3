//! `vitrine-proxy check`: all that is wrong, or probably not meant, in a configuration file.

use std::fmt;
use std::path::Path;

use vitrine_shared::config::{ConfigError, Source};

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

/// Checks a file; nothing is found in one that is right. `env` gives the values of `${NAME}`.
pub fn check(file: &Path, env: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    findings(Config::load(file, env))
}

/// As [`check`], of a source that was read already.
pub fn check_source(source: &Source) -> Vec<Finding> {
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
