//! What a response changes of its rule's settings: TTLs by status or media type, and what is never stored.

use http::{HeaderMap, HeaderName, StatusCode, header};

use super::conditions::{Condition, follow};
use super::decision::{BrowserTtl, CacheSettings, EdgeTtl, SetCookie, StaleTtl};

/// One entry of a rule's `responses`. What it does not say is as the rule says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseRule {
    /// Statuses, as ranges with both ends in them; empty for all.
    pub statuses: Vec<(u16, u16)>,
    /// Media types in lower case: `text/html`, or `image/` for all that begin so; empty for all.
    pub content_types: Vec<Box<str>>,
    /// Conditions on response fields.
    pub headers: Vec<(HeaderName, Condition)>,
    /// `false`: it is not stored.
    pub store: Option<bool>,
    /// See [`CacheSettings::edge_ttl`]. A duration here applies to any status.
    pub edge_ttl: Option<EdgeTtl>,
    /// See [`CacheSettings::browser_ttl`].
    pub browser_ttl: Option<BrowserTtl>,
    /// See [`CacheSettings::stale_while_revalidate`].
    pub stale_while_revalidate: Option<StaleTtl>,
    /// See [`CacheSettings::stale_if_error`].
    pub stale_if_error: Option<StaleTtl>,
    /// See [`CacheSettings::max_object_bytes`].
    pub max_object_bytes: Option<u64>,
    /// See [`CacheSettings::set_cookie`].
    pub set_cookie: Option<SetCookie>,
}

/// The settings that hold for one response: those of the first entry that matches, and the rule's for the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effective {
    /// Whether it may be stored at all.
    pub store: bool,
    /// Freshness at the edge.
    pub edge_ttl: EdgeTtl,
    /// Whether an [`EdgeTtl::Override`] is this entry's own: it then applies to any final status, and `negative_ttl` does not
    /// shorten it.
    pub any_status: bool,
    /// The number of the entry that says [`Effective::edge_ttl`], counted from 1; absent where the rule does.
    pub edge_ttl_entry: Option<usize>,
    /// What browsers are told.
    pub browser_ttl: BrowserTtl,
    /// Serving stale while one refresh runs.
    pub stale_while_revalidate: StaleTtl,
    /// Serving stale when the upstream fails.
    pub stale_if_error: StaleTtl,
    /// Largest body that is stored, in bytes.
    pub max_object_bytes: u64,
    /// What becomes of a response that sets a cookie.
    pub set_cookie: SetCookie,
}

impl ResponseRule {
    /// Whether it is for this response.
    pub fn matches(&self, status: StatusCode, fields: &HeaderMap) -> bool {
        let status = status.as_u16();
        (self.statuses.is_empty() || self.statuses.iter().any(|&(from, to)| (from..=to).contains(&status)))
            && (self.content_types.is_empty() || self.is_of_type(fields))
            && self.headers.iter().all(|(name, condition)| condition.holds_of_field(fields, name))
    }

    /// Whether it surely matches every response that `other` matches, so that `other` behind it never comes to its turn. Never
    /// wrongly true.
    pub fn covers(&self, other: &Self) -> bool {
        let has_statuses = |&(from, to): &(u16, u16)| self.statuses.iter().any(|own| own.0 <= from && to <= own.1);
        let statuses =
            self.statuses.is_empty() || (!other.statuses.is_empty() && other.statuses.iter().all(has_statuses));
        let has_type = |wanted: &str| {
            self.content_types.iter().any(|own| **own == *wanted || (own.ends_with('/') && wanted.starts_with(&**own)))
        };
        let types = self.content_types.is_empty()
            || (!other.content_types.is_empty() && other.content_types.iter().all(|wanted| has_type(wanted)));
        statuses && types && follow(&self.headers, &other.headers)
    }

    /// RFC 9110 §8.3.1: type and subtype are compared without regard to capitals, parameters do not count.
    fn is_of_type(&self, fields: &HeaderMap) -> bool {
        let Some(value) = fields.get(header::CONTENT_TYPE) else { return false };
        let essence = value.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        self.content_types.iter().any(|wanted| {
            let wanted = wanted.as_bytes();
            let compared = if wanted.ends_with(b"/") { essence.get(..wanted.len()) } else { Some(essence) };
            compared.is_some_and(|compared| compared.eq_ignore_ascii_case(wanted))
        })
    }
}

impl CacheSettings {
    /// The settings that hold for a response with this status and these fields, as the upstream sent them or as they are stored.
    pub fn effective(&self, status: StatusCode, fields: &HeaderMap) -> Effective {
        let entry = self.responses.iter().zip(1..).find(|(entry, _)| entry.matches(status, fields));
        let of_rule = Effective {
            store: true,
            edge_ttl: self.edge_ttl,
            any_status: false,
            edge_ttl_entry: None,
            browser_ttl: self.browser_ttl,
            stale_while_revalidate: self.stale_while_revalidate,
            stale_if_error: self.stale_if_error,
            max_object_bytes: self.max_object_bytes,
            set_cookie: self.set_cookie,
        };
        let Some((entry, number)) = entry else { return of_rule };
        Effective {
            store: entry.store.unwrap_or(of_rule.store),
            edge_ttl: entry.edge_ttl.unwrap_or(of_rule.edge_ttl),
            any_status: entry.edge_ttl.is_some(),
            edge_ttl_entry: entry.edge_ttl.map(|_| number),
            browser_ttl: entry.browser_ttl.unwrap_or(of_rule.browser_ttl),
            stale_while_revalidate: entry.stale_while_revalidate.unwrap_or(of_rule.stale_while_revalidate),
            stale_if_error: entry.stale_if_error.unwrap_or(of_rule.stale_if_error),
            max_object_bytes: entry.max_object_bytes.unwrap_or(of_rule.max_object_bytes),
            set_cookie: entry.set_cookie.unwrap_or(of_rule.set_cookie),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderValue;

    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn an_entry_matches_by_status_type_and_fields() {
        let entry = ResponseRule {
            statuses: vec![(404, 404), (500, 599)],
            content_types: vec!["text/html".into(), "image/".into()],
            headers: vec![(HeaderName::from_static("x-draft"), Condition::Absent)],
            ..ResponseRule::default()
        };
        for (status, lines, expected) in [
            (404, &[("content-type", "text/html")][..], true),
            (599, &[("content-type", "Text/HTML ; charset=utf-8")], true),
            (500, &[("content-type", "image/png")], true),
            (500, &[("content-type", "image")], false),
            (500, &[("content-type", "text/htmlx")], false),
            (500, &[], false),
            (403, &[("content-type", "text/html")], false),
            (404, &[("content-type", "text/html"), ("x-draft", "")], false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(entry.matches(status, &fields(lines)), expected, "{status} {lines:?}");
        }
        assert!(ResponseRule::default().matches(StatusCode::OK, &fields(&[])));
    }

    #[test]
    fn an_entry_covers_what_it_surely_matches_too() {
        let of = |statuses: &[(u16, u16)], types: &[&str], draft: Option<Condition>| ResponseRule {
            statuses: statuses.to_vec(),
            content_types: types.iter().map(|&name| name.into()).collect(),
            headers: draft.map(|condition| (HeaderName::from_static("x-draft"), condition)).into_iter().collect(),
            ..ResponseRule::default()
        };
        let all = of(&[], &[], None);
        let errors = of(&[(500, 599)], &[], None);
        let html = of(&[], &["text/html"], None);
        for (wide, narrow, expected) in [
            (&all, &errors, true),
            (&errors, &all, false),
            (&errors, &of(&[(503, 504), (500, 500)], &["text/html"], None), true),
            (&errors, &of(&[(404, 404), (500, 500)], &[], None), false),
            (&of(&[], &["text/"], None), &html, true),
            (&html, &of(&[], &["text/"], None), false),
            (&html, &errors, false),
            (&of(&[], &[], Some(Condition::Present)), &html, false),
            (&of(&[], &[], Some(Condition::Present)), &of(&[], &["a/b"], Some(Condition::Present)), true),
        ] {
            assert_eq!(wide.covers(narrow), expected, "{wide:?} {narrow:?}");
        }
    }

    #[test]
    fn the_first_entry_that_matches_decides_and_the_rule_says_the_rest() {
        let ttl = |seconds| EdgeTtl::Override(Duration::from_secs(seconds));
        let entry = |from, to| ResponseRule { statuses: vec![(from, to)], ..ResponseRule::default() };
        let settings = CacheSettings {
            edge_ttl: ttl(1),
            browser_ttl: BrowserTtl::Revalidate,
            responses: [
                ResponseRule { edge_ttl: Some(ttl(2)), ..entry(500, 503) },
                ResponseRule { store: Some(false), edge_ttl: Some(ttl(3)), ..entry(500, 599) },
                ResponseRule { set_cookie: Some(SetCookie::Strip), ..entry(200, 299) },
            ]
            .into(),
            ..CacheSettings::of_scope("origin".into())
        };
        let of = |status| settings.effective(StatusCode::from_u16(status).unwrap(), &fields(&[]));
        let told = |status| (of(status).store, of(status).edge_ttl, of(status).any_status, of(status).set_cookie);
        assert_eq!(told(301), (true, ttl(1), false, SetCookie::Refuse));
        assert_eq!(told(503), (true, ttl(2), true, SetCookie::Refuse));
        assert_eq!(told(504), (false, ttl(3), true, SetCookie::Refuse));
        assert_eq!(told(200), (true, ttl(1), false, SetCookie::Strip));
        assert_eq!(of(200).browser_ttl, BrowserTtl::Revalidate);
    }
}
