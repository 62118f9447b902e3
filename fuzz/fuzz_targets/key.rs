//! Targets and keys: one spelling for what means the same, and a key of its own for whatever the upstream is asked otherwise.
//!
//! Input: a line of choices, a line with a host, two lines with targets, one request's fields, an empty line, the other's.
#![no_main]

use http::{HeaderMap, HeaderName};
use libfuzzer_sys::fuzz_target;
use vitrine_fuzz::{Choices, fields, line, section};
use vitrine_proxy::glob::Glob;
use vitrine_proxy::key::{KeyHeader, KeyParts, KeySpec, MAX_TARGET, QuerySpec, Scheme, Select, Target, X_DEVICE_CLASS};
use vitrine_proxy::policy::fill_fields;
use vitrine_proxy::rules::CacheSettings;

fuzz_target!(|data: &[u8]| {
    let (choices, rest) = line(data);
    let (host, rest) = line(rest);
    let (one, rest) = line(rest);
    let (other, rest) = line(rest);
    let (Ok(host), Ok(one), Ok(other)) =
        (std::str::from_utf8(host), std::str::from_utf8(one), std::str::from_utf8(other))
    else {
        return;
    };
    let (first, second) = section(rest);
    let (first, second) = (fields(first), fields(second));
    let mut choices = Choices(choices);
    let scheme = if choices.flag() { Scheme::Https } else { Scheme::Http };
    let settings = settings(&mut choices);
    let one_target = Target::parse(scheme, host, one).ok();
    if let Some(target) = &one_target {
        one_spelling(target, scheme, host, one);
        climbs_nowhere(target.path());
        same_for_the_upstream(target, host, &first, &settings);
    }
    let other_target = Target::parse(scheme, host, other).ok();
    if let (Some(one), Some(other)) = (&one_target, &other_target) {
        equal_where_the_question_is(one, &first, other, &first, &settings);
        equal_where_the_question_is(one, &first, one, &second, &settings);
        equal_where_the_question_is(one, &first, other, &second, &settings);
    }
});

fn settings(choices: &mut Choices<'_>) -> CacheSettings {
    let mut settings = CacheSettings::of_scope("o".into());
    let globs = |names: &[&str]| names.iter().map(|name| Glob::new(name)).collect();
    let header = |name, empty_is_absent| KeyHeader { name: HeaderName::from_static(name), empty_is_absent };
    settings.key = KeySpec {
        scope: "o".into(),
        query: QuerySpec {
            select: match choices.among(3) {
                0 => Select::All,
                1 => Select::Allow(globs(&["a", "b*", "utm_source", "id%5B%5D"])),
                _ => Select::Deny(globs(&["a", "b*"])),
            },
            keep_tracking: choices.flag(),
            sort: choices.flag(),
        },
        headers: match choices.among(3) {
            0 => vec![],
            1 => vec![header("x-locale", true)],
            _ => vec![header("x-locale", false), header("x-market", true)],
        },
        cookies: if choices.flag() { vec!["currency".into(), "a".into()] } else { vec![] },
        device: choices.flag(),
    };
    settings
}

/// A normal form is a fixed point, and equivalent spellings lead to it, whether it is borrowed or made.
fn one_spelling(target: &Target<'_>, scheme: Scheme, host: &str, raw: &str) {
    assert_eq!(*target, target.clone().into_owned());
    let passed = target.passed();
    let again = Target::parse(scheme, target.host(), &passed);
    assert_eq!(again.as_ref(), Ok(target), "what is passed is read anew as another");
    assert!(target.path().starts_with('/') && target.path().is_ascii());
    let all = QuerySpec { select: Select::All, keep_tracking: true, sort: false };
    let normal = target.path_and_query(&all);
    assert!(normal.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'"'), "{normal}");
    let again = Target::parse(scheme, target.host(), &normal);
    // Of the query as it was sent only the normal form is left.
    assert_eq!(again.map(|again| again.path_and_query(&all)).as_deref(), Ok(&*normal), "no fixed point");
    for host in [host.to_ascii_uppercase(), host.to_ascii_lowercase()] {
        assert_eq!(Target::parse(scheme, &host, raw).as_ref(), Ok(target), "hosts are in any case");
    }
    let encoded = encoded(raw);
    if encoded.len() <= MAX_TARGET {
        let same = Target::parse(scheme, host, &encoded).map(|same| (same.path().to_owned(), same.query() == target.query()));
        assert_eq!(same, Ok((target.path().to_owned(), true)), "{raw} as {encoded}");
    }
}

/// The same with letters and digits as triplets, but for those that belong to one, or would complete one.
fn encoded(raw: &str) -> String {
    let bytes = raw.as_bytes();
    let mut out = String::with_capacity(raw.len() * 2);
    for (at, character) in raw.char_indices() {
        let near_percent = (1..=2).any(|back| at.checked_sub(back).is_some_and(|at| bytes[at] == b'%'));
        if character.is_ascii_alphanumeric() && !near_percent {
            out.push_str(&format!("%{:02x}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}

/// However often a server behind decodes, whichever slash it takes, and whether or not it cuts parameters off.
fn climbs_nowhere(path: &str) {
    let mut text = path.as_bytes().to_vec();
    for _ in 0..12 {
        for segment in text.split(|&byte| byte == b'/' || byte == b'\\') {
            let name = segment.split(|&byte| byte == b';').next().unwrap_or_default();
            assert!(name != b"." && name != b"..", "{path} climbs as {}", String::from_utf8_lossy(&text));
        }
        let decoded = decoded(&text);
        if decoded == text {
            return;
        }
        text = decoded;
    }
    panic!("{path} is encoded over and over");
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// What the upstream is asked: all that can shape its answer.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    scheme: Scheme,
    host: String,
    path_and_query: String,
    headers: Vec<Vec<Vec<u8>>>,
    cookies: Vec<Vec<Vec<u8>>>,
    device: Option<Vec<u8>>,
}

fn question(target: &Target<'_>, client: &HeaderMap, settings: &CacheSettings) -> Question {
    let sent = fill_fields(client, settings);
    let key = &settings.key;
    let lines = |name: &HeaderName| sent.get_all(name).iter().map(|line| line.as_bytes().trim_ascii().to_vec()).collect();
    let cookies: Vec<_> = vitrine_proxy::key::cookies(&sent).map(|cookie| (cookie.name.to_vec(), cookie.value.to_vec())).collect();
    assert!(cookies.iter().all(|(name, _)| key.cookies.iter().any(|keyed| keyed.as_bytes() == name)), "an unkeyed cookie is sent");
    Question {
        scheme: target.scheme(),
        host: target.host().to_owned(),
        path_and_query: target.path_and_query(&key.query),
        headers: key.headers.iter().map(|header| lines(&header.name)).collect(),
        cookies: key.cookies.iter().map(|name| {
            cookies.iter().filter(|(given, _)| given == name.as_bytes()).map(|(_, value)| value.clone()).collect()
        }).collect(),
        device: sent.get(X_DEVICE_CLASS).filter(|_| key.device).map(|class| class.as_bytes().to_vec()),
    }
}

fn equal_where_the_question_is(
    one: &Target<'_>,
    first: &HeaderMap,
    other: &Target<'_>,
    second: &HeaderMap,
    settings: &CacheSettings,
) {
    let keys = (settings.key.canonical(one, first), settings.key.canonical(other, second));
    let questions = (question(one, first, settings), question(other, second, settings));
    assert_eq!(keys.0.key == keys.1.key, questions.0 == questions.1, "{questions:?}");
    assert_eq!(keys.0.key.hash() == keys.1.key.hash(), keys.0.key == keys.1.key);
    let parts = KeyParts::of(&keys.0.key).expect("a key is read back");
    assert_eq!(parts.host, questions.0.host);
    assert_eq!(parts.path_and_query, questions.0.path_and_query);
    assert_eq!(parts.path_and_query, keys.0.path_and_query);
    for (of_key, sent) in parts.headers.iter().zip(&questions.0.headers) {
        assert!(of_key.values.iter().eq(sent.iter()), "{of_key:?} {sent:?}");
    }
    for (of_key, sent) in parts.cookies.iter().zip(&questions.0.cookies) {
        assert!(of_key.values.iter().eq(sent.iter()), "{of_key:?} {sent:?}");
    }
}

/// What differs only in what does not count has one key.
fn same_for_the_upstream(target: &Target<'_>, host: &str, client: &HeaderMap, settings: &CacheSettings) {
    let key = settings.key.canonical(target, client).key;
    let all = QuerySpec { select: Select::All, keep_tracking: true, sort: false };
    let asked = target.path_and_query(&all);
    let (path, query) = asked.split_once('?').unwrap_or((&asked, ""));
    let mut variants = vec![format!("{path}?{query}&&")];
    if settings.key.query.sort {
        // Parameters of different names in another order; those of one name in theirs.
        let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
        let mut pairs: Vec<&str> = query.split('&').collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(name(pair)));
        variants.push(format!("{path}?{}", pairs.join("&")));
    }
    if !settings.key.query.keep_tracking && !matches!(settings.key.query.select, Select::Allow(_)) {
        variants.push(format!("{path}?gclid=1&{query}&utm_medium=x"));
    }
    for variant in variants {
        let Ok(same) = Target::parse(target.scheme(), host, &variant) else { continue };
        assert_eq!(settings.key.canonical(&same, client).key, key, "{variant}");
    }
    // Fields and cookies that are not in the key change nothing of it.
    let mut more = client.clone();
    more.append("x-unkeyed", http::HeaderValue::from_static("1"));
    more.append("cookie", http::HeaderValue::from_static("unkeyed=1"));
    assert_eq!(settings.key.canonical(target, &more).key, key);
}
