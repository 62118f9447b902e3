//! Collects what is wrong with a file, each with its line.

use std::fmt::Display;
use std::time::Duration;

use toml::Spanned;
use vitrine_shared::config::{ConfigError, Source, nearest};

use super::units;

/// Most errors, and most warnings, that are told: each has its place looked up in the whole file, and nobody reads thousands.
const MAX_TOLD: usize = 100;

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
        let source = self.source;
        push(&mut self.errors, || source.error_at(at.span().start, message, help));
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
        let source = self.source;
        push(&mut self.errors, || ConfigError { help, ..ConfigError::whole(source.file(), message) });
    }

    /// Something that is allowed but probably not meant.
    pub(super) fn warn<T>(&mut self, at: &Spanned<T>, message: impl Into<String>, help: Option<String>) {
        let source = self.source;
        push(&mut self.warnings, || source.error_at(at.span().start, message, help));
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
                if self.errors.len() == MAX_TOLD {
                    let message = format!("no more than {MAX_TOLD} errors are told at once");
                    self.errors.push(ConfigError::whole(self.source.file(), message));
                }
                Err(self.errors)
            }
        }
    }
}

fn push(told: &mut Vec<ConfigError>, error: impl FnOnce() -> ConfigError) {
    if told.len() < MAX_TOLD {
        told.push(error());
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_file_of_mistakes_is_told_in_part() {
        // Each mistake parses the file once more to name its key, so that thousands of them would take minutes.
        let rules: String = "[[rules]]\nname = \"?\"\naction = \"\"\npaths = [\"x\"]\n".repeat(5_000);
        let text =
            format!("[listen]\nhttp = \"h\"\nops = \"127.0.0.1:2\"\n[upstreams.o]\naddresses = [\"h:1\"]\n{rules}");
        let source = Source::of(Path::new("p.toml"), &text, |_| None).unwrap();
        let errors = crate::config::Config::of_source(&source).unwrap_err();
        assert_eq!((errors.len(), errors[0].line), (MAX_TOLD + 1, Some(2)));
        assert!(errors[MAX_TOLD].message.contains("no more than"));
    }
}
