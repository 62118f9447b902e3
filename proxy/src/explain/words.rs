//! The words for what the code knows by types.

use std::hash::Hasher as _;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use siphasher::sip::SipHasher13;

use super::report::Valued as ToldValued;
use crate::config::units::show;
use crate::key::{Dropped, KeyParts, Valued};
use crate::policy::{FreshnessBasis, FreshnessSource};
use crate::rate::{Counted, Limit};
use crate::rules::{BrowserTtl, CacheSettings, EdgeTtl, Forward, OnDisconnect, RequestDirectives, SetCookie, StaleTtl};
use crate::vary::VaryMode;

/// Parts of names of headers whose values are not told.
const SECRET: [&str; 8] = ["auth", "cookie", "token", "secret", "session", "password", "api-key", "signature"];
/// Longest value that is told, in bytes.
const MAX_VALUE: usize = 200;

/// A short digest in place of a value, by which equal ones are known. It differs from process to process, so that nobody can try
/// out values elsewhere.
fn masked(value: &[u8]) -> String {
    static SECRET: OnceLock<[u64; 2]> = OnceLock::new();
    let &[k0, k1] = SECRET.get_or_init(rand::random);
    let mut hasher = SipHasher13::new_with_keys(k0, k1);
    hasher.write(value);
    format!("#{:08x} ({} bytes)", hasher.finish() >> 32, value.len())
}

/// The values under a header's name, or digests of them.
pub(super) fn of_header(header: &Valued<'_>) -> ToldValued {
    let is_secret = SECRET.iter().any(|part| header.name.to_ascii_lowercase().contains(part));
    let tell = |value: &&[u8]| if is_secret { masked(value) } else { text(value) };
    ToldValued { name: header.name.to_owned(), values: header.values.iter().map(tell).collect() }
}

/// A cookie with digests of its values.
pub(super) fn of_cookie(cookie: &Valued<'_>) -> ToldValued {
    ToldValued { name: cookie.name.to_owned(), values: cookie.values.iter().map(|value| masked(value)).collect() }
}

/// The values of a key's variant.
pub(super) fn of_variant(parts: &KeyParts<'_>) -> Vec<ToldValued> {
    parts.variant.iter().map(of_header).collect()
}

/// Bytes as text, not too many.
pub(super) fn text(value: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(value).into_owned();
    if text.len() > MAX_VALUE {
        text.truncate(text.floor_char_boundary(MAX_VALUE));
        text.push('…');
    }
    text
}

/// A number of seconds as rules say it: `1h30m`.
pub(super) fn span(seconds: u64) -> String {
    show(Duration::from_secs(seconds))
}

/// A size as people say it.
#[allow(clippy::cast_precision_loss)]
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=999_999 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// Why a query parameter does not count.
pub(super) fn dropped(why: Dropped) -> &'static str {
    match why {
        Dropped::Tracking => "it is a tracking parameter (`keep_tracking = true` keeps those)",
        Dropped::NotAllowed => "the rule's `key.query` allows others only",
        Dropped::Denied => "the rule's `key.query` denies it",
    }
}

/// Where the end of a freshness comes from.
pub(super) fn freshness(source: &FreshnessSource) -> String {
    let field = |directive: &str| match &source.targeted {
        Some(name) => format!("{directive} of the upstream's {}", field_name(name.as_str())),
        None => format!("{directive} of the upstream's Cache-Control"),
    };
    let by = match source.basis {
        FreshnessBasis::Nothing => "nothing: it is validated each time".to_owned(),
        FreshnessBasis::NoCache => format!("{}: it is validated each time", field("no-cache")),
        FreshnessBasis::SharedMaxAge => field("s-maxage"),
        FreshnessBasis::MaxAge => field("max-age"),
        FreshnessBasis::Expires => "the upstream's Expires".to_owned(),
        FreshnessBasis::Heuristic => "the rule's `heuristic`, from Last-Modified".to_owned(),
        FreshnessBasis::EdgeTtl => format!("`edge_ttl` of {}", whose(source.entry)),
        FreshnessBasis::NegativeTtl => "the rule's `negative_ttl`".to_owned(),
    };
    let capped =
        if source.is_capped { format!(", capped by `edge_ttl` of {}", whose(source.entry)) } else { String::new() };
    let ended = if source.is_ended { ", cut at the instant at which its content ends" } else { "" };
    format!("{by}{capped}{ended}")
}

fn whose(entry: Option<usize>) -> String {
    entry.map_or_else(|| "the rule".to_owned(), |number| format!("entry {number} of the rule's `responses`"))
}

/// As fields are written: each word with a capital.
pub(super) fn field_name(name: &str) -> String {
    let word = |word: &str| {
        let mut word = word.to_owned();
        if let Some(first) = word.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        match word.as_str() {
            "Cdn" => "CDN".to_owned(),
            "Etag" => "ETag".to_owned(),
            _ => word,
        }
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// What a rate limit says: `visitors: 100 in 10s by address`, and whether it counts a request.
pub(super) fn rate_limit(limit: &Limit, counts: bool) -> String {
    let by: Vec<String> = limit.by.iter().map(ToString::to_string).collect();
    let by = if by.is_empty() { "for all together".to_owned() } else { format!("by {}", by.join(" and ")) };
    let mut told = format!("{}: {} in {} {by}", limit.name, limit.requests, show(limit.per));
    if limit.burst != limit.requests {
        told = format!("{told}, {} at once", limit.burst);
    }
    for (holds, more) in [
        (limit.count == Counted::Upstream, ", of those that go upstream"),
        (limit.dry_run, ", not enforced"),
        (!counts, "; it does not count this request"),
    ] {
        told.push_str(if holds { more } else { "" });
    }
    told
}

/// What a cache rule says, by the names of its keys.
pub(super) fn settings(settings: &CacheSettings) -> Value {
    let stale = |ttl: StaleTtl| match ttl {
        StaleTtl::Respect => "respect".to_owned(),
        StaleTtl::Default(period) => format!("{} where the response says nothing", show(period)),
        StaleTtl::Override(period) => show(period),
    };
    let mode = |mode: &VaryMode| match mode {
        VaryMode::Refuse => "refuse".to_owned(),
        VaryMode::Exact => "exact".to_owned(),
        VaryMode::Ignore => "ignore".to_owned(),
        VaryMode::Languages(choices) | VaryMode::Types(choices) => format!("best of {}", choices.join(", ")),
    };
    let vary: Vec<String> = settings.vary.named.iter().map(|(name, how)| format!("{}: {}", name, mode(how))).collect();
    json!({
        "edge_ttl": match settings.edge_ttl {
            EdgeTtl::Respect => "respect".to_owned(),
            EdgeTtl::Override(ttl) => show(ttl),
            EdgeTtl::Cap(cap) => format!("at most {}", show(cap)),
        },
        "negative_ttl": show(settings.negative_ttl),
        "browser_ttl": match settings.browser_ttl {
            BrowserTtl::Respect => "respect".to_owned(),
            BrowserTtl::Override(ttl) => show(ttl),
            BrowserTtl::Revalidate => "revalidate".to_owned(),
        },
        "stale_while_revalidate": stale(settings.stale_while_revalidate),
        "stale_if_error": stale(settings.stale_if_error),
        "on_disconnect": match settings.on_disconnect {
            OnDisconnect::Revalidate => "revalidate",
            OnDisconnect::Serve => "serve",
        },
        "serve_for": settings.serve_for.map(show),
        "max_object": settings.max_object_bytes,
        "forward": match settings.forward {
            Forward::Keyed => "keyed",
            Forward::Headers => "headers",
            Forward::All => "all",
        },
        "heuristic": settings.heuristic.map(|heuristic| format!("{} %, at most {}", heuristic.percent, show(heuristic.max))),
        "targeted": settings.targeted.iter().map(|name| field_name(name.as_str())).collect::<Vec<_>>(),
        "request_directives": match settings.request_directives {
            RequestDirectives::Ignore => "ignore",
            RequestDirectives::Obey => "obey",
        },
        "set_cookie": match settings.set_cookie {
            SetCookie::Refuse => "refuse",
            SetCookie::Strip => "strip",
        },
        "vary": vary,
        "unknown_vary": mode(&settings.vary.unknown),
        "compression": settings.compression.is_some(),
        "responses": settings.responses.len(),
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

    use super::*;
    use crate::policy::{self, Exchange};
    use crate::rate::Part;
    use crate::rules::{Heuristic, ResponseRule};

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn settings(edge_ttl: EdgeTtl) -> CacheSettings {
        CacheSettings { edge_ttl, ..CacheSettings::of_scope("origin".into()) }
    }

    fn told(settings: &CacheSettings, status: u16, line: (&'static str, &'static str)) -> String {
        let lines = [line, ("etag", "\"0\"")];
        let fields = lines.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let exchange = Exchange {
            request: &HeaderMap::new(),
            status: StatusCode::from_u16(status).unwrap(),
            response: &fields.into_iter().collect(),
            requested_at: 1_000_000_000_000,
            received_at: 1_000_000_000_000,
        };
        freshness(&policy::assess(&exchange, settings).unwrap().1)
    }

    #[test]
    fn the_field_that_gave_freshness_is_named() {
        let respect = settings(EdgeTtl::Respect);
        let heuristic = Heuristic { percent: 10, max: Duration::from_hours(1) };
        let guessing = CacheSettings { heuristic: Some(heuristic), ..respect.clone() };
        for (settings, line, expected) in [
            (&respect, ("cache-control", "max-age=1, s-maxage=2"), "s-maxage of the upstream's Cache-Control"),
            (&respect, ("cache-control", "max-age=1"), "max-age of the upstream's Cache-Control"),
            (&respect, ("cdn-cache-control", "max-age=9"), "max-age of the upstream's CDN-Cache-Control"),
            (&respect, ("expires", DATE), "the upstream's Expires"),
            (
                &respect,
                ("cache-control", "no-cache"),
                "no-cache of the upstream's Cache-Control: it is validated each time",
            ),
            (&respect, ("x", ""), "nothing: it is validated each time"),
            (&guessing, ("last-modified", DATE), "the rule's `heuristic`, from Last-Modified"),
        ] {
            assert_eq!(told(settings, 200, line), expected, "{line:?}");
        }
    }

    #[test]
    fn the_rules_key_that_gave_freshness_is_named() {
        let second = Duration::from_secs;
        let ten = settings(EdgeTtl::Override(second(10)));
        let negative = CacheSettings { negative_ttl: second(1), ..ten.clone() };
        let entry = |status| ResponseRule { statuses: vec![(status, status)], ..ResponseRule::default() };
        let of_503 = ResponseRule { edge_ttl: Some(EdgeTtl::Override(second(5))), ..entry(503) };
        let by_entry = CacheSettings { responses: [entry(404), of_503].into(), ..settings(EdgeTtl::Respect) };
        let (short, long) = (settings(EdgeTtl::Cap(second(3))), settings(EdgeTtl::Cap(second(30))));
        let nine = ("cache-control", "max-age=9");
        let (of_field, ended) =
            ("max-age of the upstream's Cache-Control", "cut at the instant at which its content ends");
        for (settings, status, line, expected) in [
            (&short, 200, nine, format!("{of_field}, capped by `edge_ttl` of the rule")),
            (&long, 200, nine, of_field.to_owned()),
            (&ten, 200, nine, "`edge_ttl` of the rule".to_owned()),
            (&ten, 404, nine, "`edge_ttl` of the rule".to_owned()),
            (&negative, 404, nine, "the rule's `negative_ttl`".to_owned()),
            (&by_entry, 503, nine, "`edge_ttl` of entry 2 of the rule's `responses`".to_owned()),
            (&ten, 200, ("vitrine-valid-until", "1"), format!("`edge_ttl` of the rule, {ended}")),
        ] {
            assert_eq!(told(settings, status, line), expected, "{status} {line:?}");
        }
    }

    #[test]
    fn rate_limits_are_told_in_words() {
        let limit = Limit {
            name: "l".into(),
            by: [Part::Address, Part::Cookie("sid".into())].into(),
            requests: 5,
            per: Duration::from_mins(1),
            burst: 5,
            count: Counted::All,
            except: Box::default(),
            dry_run: false,
        };
        assert_eq!(rate_limit(&limit, true), "l: 5 in 1m by address and cookie:sid");
        let limit = Limit { by: Box::default(), burst: 9, count: Counted::Upstream, dry_run: true, ..limit };
        let told = "l: 5 in 1m for all together, 9 at once, of those that go upstream, not enforced";
        assert_eq!(rate_limit(&limit, false), format!("{told}; it does not count this request"));
    }

    #[test]
    fn secrets_are_told_as_digests() {
        let of = |name, value: &'static [u8]| of_header(&Valued { name, values: vec![value] }).values.remove(0);
        for name in ["authorization", "Cookie", "x-auth-token", "x-publishable-api-key"] {
            let told = of(name, b"hunter2");
            assert!(told.starts_with('#') && told.ends_with("(7 bytes)") && !told.contains("hunter2"), "{told}");
            assert_eq!(told, of(name, b"hunter2"));
            assert_ne!(told, of(name, b"hunter3"));
        }
        assert_eq!(of("accept-language", b"de"), "de");
        assert_eq!(of("accept", &[b'x'; 500]).len(), MAX_VALUE + '…'.len_utf8());
    }
}
