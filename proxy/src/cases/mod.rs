//! Cases: requests and responses beside a rules file, each with what must come of it.
//!
//! They are decided by the functions that the running edge uses, without a network and without state: so they say what is cached,
//! under which key and for how long, and not whether something is in the cache.

mod exchange;
mod expect;
pub mod raw;
mod told;

use std::path::{Path, PathBuf};

use toml::Spanned;
use vitrine_shared::config::{ConfigError, Source, nearest};

use exchange::{Request, Response, Unreadable};
use expect::Mismatches;
use raw::{Lines, RawCase, RawCases};
use told::Told;

use crate::config::Config;

/// How many cases were looked at, and what did not come out as expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// All cases of the file.
    pub cases: usize,
    /// Those in which something differs.
    pub failed: usize,
    /// What differs, in the order of its lines; or why the file cannot be read.
    pub errors: Vec<ConfigError>,
}

/// The file of cases that stands beside a configuration, by its name: `proxy.cases.toml` beside `proxy.toml`.
pub fn beside(config: &Path) -> PathBuf {
    config.with_extension("cases.toml")
}

/// Runs the cases of a file.
pub fn run(config: &Config, source: &Source) -> Report {
    let raw: RawCases = match source.parse() {
        Ok(raw) => raw,
        Err(error) => return Report { errors: vec![error], ..Report::default() },
    };
    let mut report = Report { cases: raw.cases.len(), ..Report::default() };
    let built: Vec<Built<'_>> = raw.cases.iter().map(|case| Built::of(case.get_ref(), config)).collect();
    for (index, one) in built.iter().enumerate() {
        let mut mismatches = Mismatches::of(source, one.case.name.get_ref());
        if built[..index].iter().any(|earlier| earlier.case.name == one.case.name) {
            mismatches.wrong(&one.case.name, "another case has this name", None);
        }
        one.run(config, &built, &mut mismatches);
        report.failed += usize::from(!mismatches.found.is_empty());
        report.errors.extend(mismatches.found);
    }
    report.errors.sort_by_key(|error| error.line);
    report
}

/// A case with its messages, where they can be made.
struct Built<'r> {
    case: &'r RawCase,
    messages: Result<(Request, Option<Response>), Unreadable>,
}

impl<'r> Built<'r> {
    fn of(case: &'r RawCase, config: &Config) -> Self {
        let response = || case.response.as_ref().map(Response::of).transpose();
        let messages = Request::of(&case.request, config).and_then(|request| Ok((request, response()?)));
        Self { case, messages }
    }

    fn run(&self, config: &Config, all: &[Self], mismatches: &mut Mismatches<'_>) {
        let (request, response) = match &self.messages {
            Ok((request, response)) => (request, response.as_ref()),
            Err(Unreadable(place, message, help)) => {
                mismatches.wrong(place, message, Some((*help).to_owned()));
                return;
            }
        };
        let expect = self.case.expect.get_ref();
        if expect.is_empty() {
            mismatches.wrong(&self.case.expect, "it expects nothing", Some("such as action = \"cache\"".to_owned()));
        }
        mismatches.compare(expect, &Told::of(config, request, response), config);
        let own = told::key(config, request, response);
        for (names, same) in [(&expect.same_as, true), (&expect.differs_from, false)] {
            let Some(names) = names else { continue };
            if own.is_none() {
                mismatches.wrong(names, "its request is not answered from the cache", None);
                continue;
            }
            for name in names.get_ref().iter() {
                let Some(other) = find(all, name, names, mismatches) else { continue };
                // Both by this response: it says what tells variants apart.
                if (told::key(config, other, response) == own) != same {
                    let message = if same { "is answered by another object" } else { "is answered by the same object" };
                    mismatches.wrong(names, format_args!("`{name}` {message}"), None);
                }
            }
        }
    }
}

fn find<'b>(
    all: &'b [Built<'_>],
    name: &str,
    place: &Spanned<Lines>,
    mismatches: &mut Mismatches<'_>,
) -> Option<&'b Request> {
    let names = || all.iter().map(|one| one.case.name.get_ref().as_str());
    if let Some(other) = all.iter().find(|one| one.case.name.get_ref() == name) {
        return other.messages.as_ref().ok().map(|(request, _)| request);
    }
    let near = nearest(name, names()).map(|near| format!("did you mean `{near}`?"));
    mismatches.wrong(place, format_args!("unknown case `{name}`"), near);
    None
}

#[cfg(test)]
mod tests;
