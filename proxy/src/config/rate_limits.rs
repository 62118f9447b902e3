//! `[rate_limits.NAME]`: how many requests a caller has.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;
use vitrine_shared::config::nearest;

use super::problems::Problems;
use super::raw::{RawBy, RawRateLimit, Text};
use crate::config::names::{at, cookie_name, header_name, networks, parameter_name, word};
use crate::rate::{Counted, Limit, Part};
use crate::rules::{LimitIndex, NAME_HELP, Rule, valid_name};

/// Most limits of a file: each that tells callers apart takes memory of its own.
const MAX_LIMITS: usize = 64;
/// Longest period.
const MAX_PER: Duration = Duration::from_hours(24);
/// Longest time until an empty bucket is full again.
const MAX_FILLING: Duration = Duration::from_hours(30 * 24);
/// What a limit is by, without the names.
const BY: [&str; 6] = ["address", "host", "header:", "cookie:", "query:", "all"];
/// All callers together.
const ALL: &str = "all";

/// The limits of a file, with the places of their names.
#[derive(Debug)]
pub(super) struct RateLimits {
    names: Vec<Text>,
    compiled: Vec<Limit>,
}

impl RateLimits {
    /// The limits, in the order of their places.
    pub(super) fn list(&self) -> Vec<Limit> {
        self.compiled.clone()
    }

    /// The places of the limits that a rule names; what is wrong is noted.
    pub(super) fn find(&self, named: &[Text], problems: &mut Problems<'_>) -> Box<[LimitIndex]> {
        let mut found = Vec::with_capacity(named.len());
        for name in named {
            match self.names.iter().position(|known| known.get_ref() == name.get_ref()) {
                Some(place) if found.contains(&LimitIndex::new(place)) => {
                    problems.error(name, format!("the rate limit `{}` is named twice", name.get_ref()), None);
                }
                Some(place) => found.push(LimitIndex::new(place)),
                None => problems.unknown(name, "rate limit", self.names.iter().map(|name| name.get_ref().as_str())),
            }
        }
        found.into()
    }

    pub(super) fn warn_of_unused(&self, rules: &[Rule], problems: &mut Problems<'_>) {
        for (place, name) in self.names.iter().enumerate() {
            if !rules.iter().any(|rule| rule.rate_limits.contains(&LimitIndex::new(place))) {
                problems.warn(name, format!("rate limit `{}` is named by no rule", name.get_ref()), None);
            }
        }
    }
}

pub(super) fn compile(raw: BTreeMap<Text, Spanned<RawRateLimit>>, problems: &mut Problems<'_>) -> RateLimits {
    let mut limits = RateLimits { names: Vec::new(), compiled: Vec::new() };
    if raw.len() > MAX_LIMITS {
        problems.whole(format!("more than {MAX_LIMITS} rate limits"), Some("rules can share a limit".to_owned()));
    }
    for (name, entry) in raw {
        if !valid_name(name.get_ref()) {
            problems.error(&name, format!("`{}` is not a name", name.get_ref()), Some(NAME_HELP.into()));
        }
        // One that is wrong has noted it, so that nothing is compiled in the end and no place matters.
        limits.compiled.extend(one(name.get_ref(), entry.get_ref(), problems));
        limits.names.push(name);
    }
    limits
}

fn one(name: &str, raw: &RawRateLimit, problems: &mut Problems<'_>) -> Option<Limit> {
    let by = by(raw.by.as_ref(), problems);
    let requests = at_least_one("requests", &raw.requests, problems);
    let per = problems.duration(&raw.per);
    let burst = raw.burst.as_ref().map_or(requests, |burst| at_least_one("burst", burst, problems));
    let count = word(raw.count.as_ref(), "count", &[("all", Counted::All), ("upstream", Counted::Upstream)], problems);
    let except = raw.except.as_ref().map(|texts| networks(texts.get_ref(), problems)).unwrap_or_default();
    let (by, requests, per, burst) = (by?, requests?, per?, burst?);
    if per.is_zero() || per > MAX_PER {
        problems.error(&raw.per, "`per` must be longer than nothing and at most a day", None);
    } else if per.saturating_mul(burst) / requests > MAX_FILLING {
        let message = "`burst` is what a caller gets in more than 30 days";
        let help = "a bucket that is never full again is no limit: make `burst` smaller, or `requests` larger";
        problems.error_at_key(raw.burst.as_ref(), message, Some(help.to_owned()));
    }
    Some(Limit {
        name: name.into(),
        by,
        requests,
        per,
        burst,
        count: count?,
        except: except.into(),
        dry_run: raw.dry_run,
    })
}

fn at_least_one(key: &str, given: &Spanned<u32>, problems: &mut Problems<'_>) -> Option<u32> {
    if *given.get_ref() == 0 {
        let help = "to refuse all requests, let no rule match them";
        problems.error(given, format!("`{key}` must be at least 1"), Some(help.to_owned()));
        return None;
    }
    Some(*given.get_ref())
}

fn by(raw: Option<&Spanned<RawBy>>, problems: &mut Problems<'_>) -> Option<Box<[Part]>> {
    let Some(raw) = raw else { return Some([Part::Address].into()) };
    let words = match raw.get_ref() {
        RawBy::One(word) if word == ALL => return Some(Box::default()),
        RawBy::One(word) => std::slice::from_ref(word),
        RawBy::Several(words) => words,
    };
    if words.is_empty() {
        problems.error(raw, "`by` is empty", Some(format!("for all callers together write \"{ALL}\"")));
        return None;
    }
    let mut parts = Vec::with_capacity(words.len());
    for word in words {
        let part = part(&at(raw, word), problems)?;
        if parts.contains(&part) {
            problems.error(raw, format!("`{word}` is named twice"), None);
        }
        parts.push(part);
    }
    Some(parts.into())
}

fn part(word: &Text, problems: &mut Problems<'_>) -> Option<Part> {
    let (kind, name) = word.get_ref().split_once(':').unwrap_or((word.get_ref(), ""));
    let place = at(word, name);
    match (kind, name) {
        ("address", "") => Some(Part::Address),
        ("host", "") => Some(Part::Host),
        ("header", _) => match problems.parse(&place, "a header's name", header_name)? {
            http::header::COOKIE => {
                problems.error(
                    word,
                    "`header:cookie` is every cookie at once",
                    Some("name one: \"cookie:NAME\"".into()),
                );
                None
            }
            http::header::HOST => Some(Part::Host),
            name => Some(Part::Header(name)),
        },
        ("cookie", _) => problems.parse(&place, "a cookie's name", cookie_name).map(Part::Cookie),
        ("query", _) => problems.parse(&place, "a parameter's name", parameter_name).map(Part::Query),
        (ALL, "") => {
            problems.error(word, "`all` stands alone", Some(format!("write by = \"{ALL}\"")));
            None
        }
        _ => {
            let near = nearest(kind, BY.iter().map(|word| word.trim_end_matches(':')));
            let near = near.and_then(|near| BY.iter().find(|word| word.trim_end_matches(':') == near));
            let help = near.map_or_else(
                || "one of `address`, `host`, `header:NAME`, `cookie:NAME`, `query:NAME`, or `all`".to_owned(),
                |near| format!("did you mean `{near}{}`?", if near.ends_with(':') { "NAME" } else { "" }),
            );
            problems.error(word, format!("unknown value of `by` `{}`", word.get_ref()), Some(help));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::{load, told};

    /// A rule under the limit `l`, which has these keys on line 11.
    fn with(keys: &str) -> String {
        let rule = "[[rules]]\nname = \"r\"\npaths = [\"/**\"]\naction = \"pass\"\nrate_limits = [\"l\"]\n";
        format!("{rule}[rate_limits.l]\n{keys}")
    }

    #[test]
    fn a_limit_is_compiled_with_its_defaults() {
        let config = load(&with("requests = 100\nper = \"10s\"")).unwrap();
        let expected = Limit {
            name: "l".into(),
            by: [Part::Address].into(),
            requests: 100,
            per: Duration::from_secs(10),
            burst: 100,
            count: Counted::All,
            except: Box::default(),
            dry_run: false,
        };
        assert_eq!(*config.rate_limits, *std::slice::from_ref(&expected));
        assert_eq!(config.rules.rate_limits(0), [LimitIndex::new(0)]);
        let by = |word: &str| {
            let config = load(&with(&format!("by = {word}\nrequests = 1\nper = \"1s\""))).unwrap();
            config.rate_limits[0].by.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        for (word, expected) in [
            ("\"all\"", ""),
            ("\"header:X-Api-Key\"", "header:x-api-key"),
            ("\"header:Host\"", "host"),
            ("[\"address\", \"host\", \"cookie:sid\", \"query:k%65y\"]", "address host cookie:sid query:key"),
        ] {
            assert_eq!(by(word), expected, "{word}");
        }
        let keys =
            "requests = 9\nper = \"1s\"\nburst = 3\ncount = \"upstream\"\nexcept = [\"10.0.0.0/8\"]\ndry_run = true";
        let said = Limit {
            requests: 9,
            per: Duration::from_secs(1),
            burst: 3,
            count: Counted::Upstream,
            except: ["10.0.0.0/8".parse().unwrap()].into(),
            dry_run: true,
            ..expected
        };
        assert_eq!(*load(&with(keys)).unwrap().rate_limits, [said]);
    }

    #[test]
    fn mistakes_name_their_line_and_the_way_out() {
        for (keys, expected) in [
            (
                "requests = 0\nper = \"1s\"",
                "12: `requests` must be at least 1: to refuse all requests, let no rule match them",
            ),
            (
                "burst = 0\nrequests = 1\nper = \"1s\"",
                "12: `burst` must be at least 1: to refuse all requests, let no rule match them",
            ),
            ("per = \"0s\"\nrequests = 1", "12: `per` must be longer than nothing and at most a day: "),
            ("per = \"25h\"\nrequests = 1", "12: `per` must be longer than nothing and at most a day: "),
            (
                "burst = 31\nrequests = 1\nper = \"1d\"",
                "12: `burst` is what a caller gets in more than 30 days: a bucket that is never full again is no limit: make \
                 `burst` smaller, or `requests` larger",
            ),
            (
                "by = \"adress\"\nrequests = 1\nper = \"1s\"",
                "12: unknown value of `by` `adress`: did you mean `address`?",
            ),
            (
                "by = \"headers:x\"\nrequests = 1\nper = \"1s\"",
                "12: unknown value of `by` `headers:x`: did you mean `header:NAME`?",
            ),
            (
                "by = \"cookie:\"\nrequests = 1\nper = \"1s\"",
                "12: `` is not a cookie's name: letters, digits and -_.; capitals matter",
            ),
            (
                "by = \"header:cookie\"\nrequests = 1\nper = \"1s\"",
                "12: `header:cookie` is every cookie at once: name one: \"cookie:NAME\"",
            ),
            ("by = []\nrequests = 1\nper = \"1s\"", "12: `by` is empty: for all callers together write \"all\""),
            ("by = [\"all\"]\nrequests = 1\nper = \"1s\"", "12: `all` stands alone: write by = \"all\""),
            ("by = [\"host\", \"host\"]\nrequests = 1\nper = \"1s\"", "12: `host` is named twice: "),
            (
                "count = \"misses\"\nrequests = 1\nper = \"1s\"",
                "12: unknown value of `count` `misses`: one of `all`, `upstream`",
            ),
        ] {
            assert_eq!(told(load(&with(keys)).unwrap_err()), [expected], "{keys}");
        }
    }

    #[test]
    fn rules_name_limits_that_there_are() {
        let limit = "requests = 1\nper = \"1s\"";
        let error = |names: &str| told(load(&with(limit).replace("[\"l\"]", names)).unwrap_err());
        assert_eq!(error("[\"k\"]"), ["10: unknown rate limit `k`: did you mean `l`?"]);
        assert_eq!(error("[\"l\", \"l\"]"), ["10: the rate limit `l` is named twice: "]);
        let unused = load(&with(limit).replace("[\"l\"]", "[]")).unwrap();
        assert_eq!(told(unused.warnings), ["11: rate limit `l` is named by no rule: "]);
        let many = |text: String, number| text + &format!("[rate_limits.n{number}]\nrequests = 1\nper = \"1s\"\n");
        let many = (0..=MAX_LIMITS).fold(String::new(), many);
        assert!(told(load(&many).unwrap_err())[0].contains("more than 64 rate limits: rules can share a limit"));
    }
}
