//! Collects what is wrong with a file, each with its line.

use std::fmt::Display;
use std::time::Duration;

use toml::Spanned;
use vitrine_shared::config::{ConfigError, Source, nearest};

use super::units;

/// What was found so far.
#[derive(Debug)]
pub(super) struct Problems<'s> {
    source: &'s Source,
    errors: Vec<ConfigError>,
    warnings: Vec<ConfigError>,
}

impl<'s> Problems<'s> {
    pub(super) fn new(source: &'s Source) -> Self {
        Self { source, errors: Vec::new(), warnings: Vec::new() }
    }

    /// Something that cannot stand, at a value's place.
    pub(super) fn error<T>(&mut self, at: &Spanned<T>, message: impl Into<String>, help: Option<String>) {
        self.errors.push(self.source.error_at(at.span().start, message, help));
    }

    /// As [`Problems::error`], where the value may be absent: then the file as a whole is meant.
    pub(super) fn error_at_key<T>(
        &mut self,
        at: Option<&Spanned<T>>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        match at {
            Some(at) => self.error(at, message, help),
            None => self.whole(message, help),
        }
    }

    /// Something that is wrong with the file as a whole.
    pub(super) fn whole(&mut self, message: impl Into<String>, help: Option<String>) {
        self.errors.push(ConfigError { help, ..ConfigError::whole(self.source.file(), message) });
    }

    /// Something that is allowed but probably not meant.
    pub(super) fn warn<T>(&mut self, at: &Spanned<T>, message: impl Into<String>, help: Option<String>) {
        self.warnings.push(self.source.error_at(at.span().start, message, help));
    }

    /// Parses a value, or notes why it cannot be.
    pub(super) fn parse<T, E: Display>(
        &mut self,
        value: &Spanned<String>,
        what: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        parse(value.get_ref())
            .map_err(|error| self.error(value, format!("`{}` is not {what}", value.get_ref()), Some(error.to_string())))
            .ok()
    }

    pub(super) fn duration(&mut self, value: &Spanned<String>) -> Option<Duration> {
        self.parse(value, "a duration", units::duration)
    }

    /// The default where nothing is given; `None` where what is given is wrong.
    pub(super) fn duration_or(&mut self, value: Option<&Spanned<String>>, default: Duration) -> Option<Duration> {
        value.map_or(Some(default), |value| self.duration(value))
    }

    pub(super) fn size_or(&mut self, value: Option<&Spanned<String>>, default: u64) -> Option<u64> {
        value.map_or(Some(default), |value| self.parse(value, "a size", units::size))
    }

    /// Notes a word that is none of the valid ones, with the nearest.
    pub(super) fn unknown<'v>(
        &mut self,
        value: &Spanned<String>,
        what: &str,
        valid: impl IntoIterator<Item = &'v str>,
    ) {
        let valid: Vec<&str> = valid.into_iter().collect();
        let help = match nearest(value.get_ref(), valid.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if valid.is_empty() => "there is none".to_owned(),
            None => format!("one of {}", valid.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")),
        };
        self.error(value, format!("unknown {what} `{}`", value.get_ref()), Some(help));
    }

    pub(super) fn line_of<T>(&self, at: &Spanned<T>) -> usize {
        self.source.line_at(at.span().start)
    }

    /// The result, where nothing is wrong, with the warnings; else all errors, in the order of their lines.
    pub(super) fn finish<T>(mut self, result: Option<T>) -> Result<(T, Vec<ConfigError>), Vec<ConfigError>> {
        match result {
            Some(result) if self.errors.is_empty() => Ok((result, self.warnings)),
            _ => {
                self.errors.sort_by_key(|error| error.line);
                Err(self.errors)
            }
        }
    }
}
