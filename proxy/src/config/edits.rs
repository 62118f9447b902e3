//! `request_headers` and `response_headers`: constant edits, of what is not the proxy's own.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, header};
use vitrine_shared::headers::{FROM_EDGE, FROM_ORIGIN, X_REQUEST_ID};

use super::problems::Problems;
use super::raw::{RawEdits, Text};
use crate::client::is_claim;
use crate::policy::HOP_BY_HOP;
use crate::rules::HeaderEdits;

/// What a response's edits depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Of {
    /// Whether the rule caches, so that `browser_ttl` says what clients may keep.
    pub(super) caches: bool,
    /// Whether the rule has `cors`.
    pub(super) cors: bool,
}

/// What is done to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    Remove,
    Write,
}

/// Why a field cannot be edited, and what to do instead.
type Refused = Option<&'static str>;

const OF_CONNECTION: &str = "it is of the single connection, which the proxy sees to";
const OF_PROTOCOL: &str = "it is of the invalidation protocol, between edge and origin";
const OF_LENGTH: &str = "the proxy frames each message itself";
const OF_REQUEST_ID: &str = "the edge gives each request its one name in all logs";

/// The edits of requests to the upstream. What is wrong is noted; the result then counts for nothing.
pub(super) fn request(raw: &RawEdits, problems: &mut Problems<'_>) -> HeaderEdits {
    let mut edits = compile(raw, of_request, problems);
    for (_, value) in edits.set.iter_mut().chain(&mut edits.add) {
        // Such as an upstream's password: never printed.
        value.set_sensitive(true);
    }
    edits
}

/// The edits of responses to clients.
pub(super) fn response(raw: &RawEdits, of: Of, problems: &mut Problems<'_>) -> HeaderEdits {
    compile(raw, |name, edit| of_response(name, edit, of), problems)
}

fn compile(raw: &RawEdits, refused: impl Fn(&HeaderName, Edit) -> Refused, problems: &mut Problems<'_>) -> HeaderEdits {
    let mut name_of = |text: &Text, edit: Edit| -> Option<HeaderName> {
        let name: HeaderName = problems.parse(text, "a header's name", |text| {
            HeaderName::from_bytes(text.as_bytes()).map_err(|_| "write letters, digits and -")
        })?;
        if let Some(why) = refused(&name, edit) {
            problems.error(text, format!("`{name}` cannot be edited"), Some(why.to_owned()));
            return None;
        }
        Some(name)
    };
    let remove: Vec<(&Text, HeaderName)> =
        raw.remove.iter().filter_map(|text| Some((text, name_of(text, Edit::Remove)?))).collect();
    let mut named = |lines: &'_ BTreeMap<Text, Text>| -> Vec<(Text, HeaderName, Text)> {
        let named =
            lines.iter().filter_map(|(text, value)| Some((text.clone(), name_of(text, Edit::Write)?, value.clone())));
        named.collect()
    };
    let (set, add) = (named(&raw.set), named(&raw.add));
    for (index, (text, name, _)) in set.iter().enumerate() {
        if set[..index].iter().any(|(_, earlier, _)| earlier == name) {
            problems.error(text, format!("`{name}` is set twice"), Some("names are the same in any case".into()));
        }
        if remove.iter().any(|(_, removed)| removed == name) {
            let help = "`set` replaces what is there: leave it out of `remove`";
            problems.error(text, format!("`{name}` is both removed and set"), Some(help.into()));
        }
    }
    HeaderEdits {
        remove: remove.into_iter().map(|(_, name)| name).collect(),
        set: values(set, problems),
        add: values(add, problems),
    }
}

fn values(lines: Vec<(Text, HeaderName, Text)>, problems: &mut Problems<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut value = |name: HeaderName, text: &Text| {
        // The value may be a secret, so it is not shown.
        match HeaderValue::from_str(text.get_ref()) {
            Ok(value) if text.get_ref().trim() == text.get_ref().as_str() => Some((name, value)),
            _ => {
                let help = "write printable ASCII without space around it";
                problems.error(text, format!("the value of `{name}` is no header's value"), Some(help.into()));
                None
            }
        }
    };
    lines.into_iter().filter_map(|(_, name, text)| value(name, &text)).collect()
}

fn of_both(name: &HeaderName) -> Refused {
    match *name {
        header::CONTENT_LENGTH => Some(OF_LENGTH),
        header::TRAILER => Some(OF_CONNECTION),
        _ if HOP_BY_HOP.contains(name) => Some(OF_CONNECTION),
        _ if FROM_EDGE.contains(name) || FROM_ORIGIN.contains(name) => Some(OF_PROTOCOL),
        _ if *name == X_REQUEST_ID => Some(OF_REQUEST_ID),
        _ => None,
    }
}

fn of_request(name: &HeaderName, edit: Edit) -> Refused {
    const OF_CACHE: &str = "the cache asks for whole responses, and validates its own";
    of_both(name).or_else(|| match *name {
        header::HOST => Some("say which Host the upstream is sent with `host` in its [upstreams.NAME]"),
        header::VIA => Some("proxies must say that they are there (RFC 9110 §7.6.3)"),
        header::RANGE
        | header::IF_RANGE
        | header::IF_MATCH
        | header::IF_NONE_MATCH
        | header::IF_MODIFIED_SINCE
        | header::IF_UNMODIFIED_SINCE => Some(OF_CACHE),
        header::EXPECT => Some(OF_CONNECTION),
        header::ACCEPT_ENCODING if edit == Edit::Write => {
            Some("what each client can decode decides; for compression at the edge there is `compression`")
        }
        _ if is_claim(name) => {
            Some("the edge says who the client is; whom it believes stands in `listen.trusted_proxies`")
        }
        _ => None,
    })
}

fn of_response(name: &HeaderName, edit: Edit, of: Of) -> Refused {
    const STORED: &str = "it describes what is stored, and requests are compared by it";
    of_both(name).or_else(|| match *name {
        header::AGE | header::DATE => Some("clients count from it how long they may keep the response"),
        header::CONTENT_ENCODING | header::CONTENT_RANGE | header::ACCEPT_RANGES => {
            Some("it says how the content is sent, which the proxy decides; for compression there is `compression`")
        }
        header::ETAG | header::LAST_MODIFIED if edit == Edit::Write => Some(STORED),
        header::CACHE_CONTROL | header::EXPIRES | header::PRAGMA if of.caches => {
            Some("say what clients may keep with `browser_ttl`")
        }
        _ if name.as_str() == "cache-status" => Some("the edge says there what it did (RFC 9211)"),
        _ if of.cors && name.as_str().starts_with("access-control-") => Some("the rule's `cors` says it"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use crate::config::testing::{caching, load, told};

    #[test]
    fn edits_are_compiled() {
        let config = load(
            "[[rules]]\nname = \"r\"\npaths = [\"/**\"]\naction = \"pass\"\nrequest_headers = { set = { X-Tenant = \"a\" }, add = { Link = \"<x>\" }, remove = [\"Cookie\"] }\n\
             response_headers = { set = { Cache-Control = \"no-store\" }, remove = [\"server\", \"ETag\"] }",
        )
        .unwrap();
        let transform = &config.rules.rules()[0].transform;
        assert_eq!(transform.request.set, [("x-tenant".parse().unwrap(), "a".parse().unwrap())]);
        assert_eq!(transform.request.add[0].0, "link");
        assert_eq!(transform.request.remove, ["cookie"]);
        assert_eq!(transform.response.set[0].1, "no-store", "nothing else says it where nothing is cached");
        assert_eq!(transform.response.remove, ["server", "etag"]);
        assert!(!format!("{transform:?}").contains("\"a\""), "values for upstreams may be secrets");
    }

    /// Each edit is refused with exactly this text, at its line.
    fn refused<const N: usize>(rows: [(&str, String); N]) {
        for (edit, expected) in rows {
            let errors = told(load(&caching(edit)).unwrap_err());
            let line = 10 + edit.matches('\n').count();
            assert_eq!(errors, [format!("{line}: {expected}")], "{edit}");
        }
    }

    #[test]
    fn what_the_proxy_owns_of_requests_cannot_be_edited() {
        let own = "cannot be edited";
        refused([
            (
                "request_headers = { set = { Host = \"a\" } }",
                format!("`host` {own}: say which Host the upstream is sent with `host` in its [upstreams.NAME]"),
            ),
            (
                "request_headers = { remove = [\"Content-Length\"] }",
                format!("`content-length` {own}: the proxy frames each message itself"),
            ),
            (
                "request_headers = { set = { Transfer-Encoding = \"a\" } }",
                format!("`transfer-encoding` {own}: it is of the single connection, which the proxy sees to"),
            ),
            (
                "request_headers = { set = { Cache-Min-Epoch = \"1.1\" } }",
                format!("`cache-min-epoch` {own}: it is of the invalidation protocol, between edge and origin"),
            ),
            (
                "request_headers = { set = { Range = \"bytes=0-\" } }",
                format!("`range` {own}: the cache asks for whole responses, and validates its own"),
            ),
            (
                "request_headers = { add = { X-Forwarded-For = \"a\" } }",
                format!(
                    "`x-forwarded-for` {own}: the edge says who the client is; whom it believes stands in `listen.trusted_proxies`"
                ),
            ),
            (
                "request_headers = { set = { Accept-Encoding = \"br\" } }",
                format!(
                    "`accept-encoding` {own}: what each client can decode decides; for compression at the edge there is `compression`"
                ),
            ),
        ]);
    }

    #[test]
    fn what_the_proxy_owns_of_responses_cannot_be_edited() {
        let own = "cannot be edited";
        refused([
            (
                "response_headers = { set = { Age = \"1\" } }",
                format!("`age` {own}: clients count from it how long they may keep the response"),
            ),
            (
                "response_headers = { set = { ETag = \"1\" } }",
                format!("`etag` {own}: it describes what is stored, and requests are compared by it"),
            ),
            (
                "response_headers = { set = { Cache-Control = \"no-store\" } }",
                format!("`cache-control` {own}: say what clients may keep with `browser_ttl`"),
            ),
            (
                "response_headers = { remove = [\"Cache-Status\"] }",
                format!("`cache-status` {own}: the edge says there what it did (RFC 9211)"),
            ),
            (
                "response_headers = { set = { Vitrine-Tags = \"a\" } }",
                format!("`vitrine-tags` {own}: it is of the invalidation protocol, between edge and origin"),
            ),
            (
                "response_headers = { set = { Content-Encoding = \"br\" } }",
                format!(
                    "`content-encoding` {own}: it says how the content is sent, which the proxy decides; for compression there is `compression`"
                ),
            ),
            (
                "response_headers = { set = { \"a b\" = \"1\" } }",
                "`a b` is not a header's name: write letters, digits and -".to_owned(),
            ),
            (
                "response_headers = { set = { X-A = \"1\\n2\" } }",
                "the value of `x-a` is no header's value: write printable ASCII without space around it".to_owned(),
            ),
            (
                "response_headers = { set = { X-A = \"1\", x-a = \"2\" } }",
                "`x-a` is set twice: names are the same in any case".to_owned(),
            ),
            (
                "response_headers = { set = { X-A = \"1\" }, remove = [\"x-a\"] }",
                "`x-a` is both removed and set: `set` replaces what is there: leave it out of `remove`".to_owned(),
            ),
            (
                "cors = { origins = [\"*\"] }\nresponse_headers = { set = { Access-Control-Allow-Origin = \"*\" } }",
                format!("`access-control-allow-origin` {own}: the rule's `cors` says it"),
            ),
        ]);
    }
}
