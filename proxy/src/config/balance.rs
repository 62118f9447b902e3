//! How an upstream's addresses are chosen, checked, ejected and asked again.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::uri::PathAndQuery;
use toml::Spanned;

use super::problems::Problems;
use super::raw::{RawEjection, RawHealth, RawRetries, Text};
use crate::upstream::{Address, Balance, Ejection, HealthCheck, Retries};

/// Most checks or failures in a row that a file may ask for.
const MAX_IN_A_ROW: u32 = 1000;
/// Most retries of one request.
const MAX_RETRIES: u32 = 5;
/// Shortest time between rounds of checks.
const MIN_EVERY: Duration = Duration::from_millis(10);

// What is wrong is noted, and then nothing is compiled in the end; so each of these goes on with the default.

pub(super) fn balance(raw: Option<&Text>, problems: &mut Problems<'_>) -> Balance {
    let Some(word) = raw else {
        return Balance::default();
    };
    let known = Balance::WORDS.iter().find(|(name, _)| name == word.get_ref()).map(|&(_, balance)| balance);
    if known.is_none() {
        problems.unknown(word, "way to balance", Balance::WORDS.iter().map(|&(name, _)| name));
    }
    known.unwrap_or_default()
}

pub(super) fn health(raw: &RawHealth, problems: &mut Problems<'_>) -> HealthCheck {
    let every = problems.duration_or(raw.every.as_ref(), HealthCheck::EVERY).unwrap_or(HealthCheck::EVERY);
    let timeout = problems.duration_or(raw.timeout.as_ref(), HealthCheck::TIMEOUT).unwrap_or(HealthCheck::TIMEOUT);
    if every < MIN_EVERY {
        problems.error_at_key(raw.every.as_ref(), "`every` must be at least 10ms", None);
    }
    if timeout.is_zero() {
        problems.error_at_key(raw.timeout.as_ref(), "a timeout of zero would fail every check", None);
    }
    let mut in_a_row = |key, given, usual| within(key, given, 1..=MAX_IN_A_ROW, usual, problems);
    let healthy_after = in_a_row("healthy_after", raw.healthy_after.as_ref(), HealthCheck::HEALTHY_AFTER);
    let unhealthy_after = in_a_row("unhealthy_after", raw.unhealthy_after.as_ref(), HealthCheck::UNHEALTHY_AFTER);
    HealthCheck { path: health_path(&raw.path, problems), every, timeout, healthy_after, unhealthy_after }
}

pub(super) fn ejection(raw: Option<&RawEjection>, problems: &mut Problems<'_>) -> Ejection {
    let usual = Ejection::default();
    let Some(raw) = raw else {
        return usual;
    };
    let after = within("after", raw.after.as_ref(), 0..=MAX_IN_A_ROW, usual.after, problems);
    let duration = problems.duration_or(raw.duration.as_ref(), usual.duration).unwrap_or(usual.duration);
    if duration.is_zero() {
        let help = Some("to eject nothing, write `after = 0`".to_owned());
        problems.error_at_key(raw.duration.as_ref(), "an ejection of no duration is none", help);
    }
    Ejection { after, duration }
}

pub(super) fn retries(
    raw: &Spanned<RawRetries>,
    addresses: Option<&[Address]>,
    problems: &mut Problems<'_>,
) -> Retries {
    let usual = Retries::default();
    if let Some([only]) = addresses
        && only.host.parse::<std::net::IpAddr>().is_ok()
    {
        let help = Some("a retry goes to another address of the upstream".to_owned());
        problems.warn(raw, "`retries` has no effect with one address", help);
    }
    let raw = raw.get_ref();
    Retries {
        most: within("most", raw.most.as_ref(), 1..=MAX_RETRIES, usual.most, problems),
        budget_percent: within("budget_percent", raw.budget_percent.as_ref(), 0..=100, usual.budget_percent, problems),
    }
}

/// The number, where one is given.
fn within(
    key: &str,
    given: Option<&Spanned<u32>>,
    bounds: RangeInclusive<u32>,
    usual: u32,
    problems: &mut Problems<'_>,
) -> u32 {
    let Some(given) = given else {
        return usual;
    };
    if !bounds.contains(given.get_ref()) {
        problems.error(given, format!("`{key}` must be from {} to {}", bounds.start(), bounds.end()), None);
    }
    *given.get_ref()
}

fn health_path(path: &Text, problems: &mut Problems<'_>) -> Box<str> {
    let text = path.get_ref().as_str();
    if !text.starts_with('/') || text.contains('#') || text.parse::<PathAndQuery>().is_err() {
        let help = Some("it begins with `/`, such as \"/health\"".to_owned());
        problems.error(path, format!("`{text}` is not a path"), help);
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use vitrine_shared::config::Source;

    use super::*;
    use crate::config::Config;

    fn load(keys: &str) -> Result<Config, Vec<String>> {
        let text = format!(
            "[listen]\nhttp = \"127.0.0.1:1\"\nops = \"127.0.0.1:2\"\n\
             [upstreams.o]\naddresses = [\"10.0.0.1:80\", \"10.0.0.2:80\"]\n{keys}\n"
        );
        let source = Source::of(Path::new("p.toml"), &text, |_| None).unwrap();
        Config::of_source(&source).map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let config = load("").unwrap();
        let plain = &config.upstreams[0];
        assert_eq!((plain.balance, &plain.health, plain.retries), (Balance::RoundRobin, &None, None));
        assert_eq!(plain.ejection, Ejection { after: 5, duration: Duration::from_secs(10) });
        let config =
            load("balance = \"hash\"\nhealth = { path = \"/up?deep=1\" }\nejection = {}\nretries = {}").unwrap();
        let said = &config.upstreams[0];
        assert_eq!((said.balance, said.ejection), (Balance::Hash, Ejection::default()));
        assert_eq!(said.retries, Some(Retries { most: 1, budget_percent: 20 }));
        let check = said.health.as_ref().unwrap();
        assert_eq!(
            (&*check.path, check.every, check.timeout),
            ("/up?deep=1", Duration::from_secs(5), Duration::from_secs(2))
        );
        assert_eq!((check.healthy_after, check.unhealthy_after), (2, 3));
        assert!(config.warnings.is_empty());
    }

    #[test]
    fn mistakes_name_their_key_and_the_way_out() {
        for (keys, expected) in [
            (
                "balance = \"least_request\"",
                "balance`: unknown way to balance `least_request` (did you mean `least_requests`?)",
            ),
            (
                "health = { path = \"up\" }",
                "health.path`: `up` is not a path (it begins with `/`, such as \"/health\")",
            ),
            (
                "health = { path = \"/a b\" }",
                "health.path`: `/a b` is not a path (it begins with `/`, such as \"/health\")",
            ),
            ("health = { path = \"/\", every = \"1ms\" }", ": `every` must be at least 10ms"),
            (
                "health = { path = \"/\", timeout = \"0s\" }",
                "health.timeout`: a timeout of zero would fail every check",
            ),
            ("health = { path = \"/\", healthy_after = 0 }", ": `healthy_after` must be from 1 to 1000"),
            ("health = { path = \"/\", unhealthy_after = 1001 }", ": `unhealthy_after` must be from 1 to 1000"),
            (
                "ejection = { duration = \"0s\" }",
                "ejection.duration`: an ejection of no duration is none (to eject nothing, write `after = 0`)",
            ),
            ("ejection = { after = 1001 }", ": `after` must be from 0 to 1000"),
            ("retries = { most = 0 }", ": `most` must be from 1 to 5"),
            ("retries = { budget_percent = 101 }", ": `budget_percent` must be from 0 to 100"),
            (
                "tag_headers = [\"Cache Tag\"]",
                "tag_headers`: `Cache Tag` is not a header (expected the name of a response header, such as \"Surrogate-Key\")",
            ),
        ] {
            let errors = load(keys).unwrap_err();
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(errors[0].contains("p.toml:6:") && errors[0].ends_with(expected), "{keys}: {errors:?}");
        }
    }

    #[test]
    fn retries_with_one_address_are_probably_not_meant() {
        let text = "[listen]\nhttp = \"127.0.0.1:1\"\nops = \"127.0.0.1:2\"\n[upstreams.o]\naddresses = [\"ADDRESS\"]\nretries = {}\n";
        for (address, warnings) in [("10.0.0.1:80", 1), ("a-name-may-have-several:80", 0)] {
            let source = Source::of(Path::new("p.toml"), &text.replace("ADDRESS", address), |_| None).unwrap();
            assert_eq!(Config::of_source(&source).unwrap().warnings.len(), warnings, "{address}");
        }
    }
}
