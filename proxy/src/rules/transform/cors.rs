//! CORS at the edge (the Fetch standard, §3.3): preflights are answered here, and responses are marked for the one who asks.
//!
//! The upstream is never told the Origin of a request whose answer is shared, so its answer is one for all; which origin may read
//! it is decided anew for each client.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::{Fields, Origins};
use crate::fields::FieldLines;

/// Most names of Access-Control-Request-Headers that are granted where all are.
const MAX_ASKED: usize = 64;

/// What the upstream says of CORS; under a rule with `cors` the edge says it instead.
const OF_CORS: [HeaderName; 7] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
    HeaderName::from_static("access-control-allow-private-network"),
];

/// What the answer to a preflight depends on.
const PREFLIGHT_VARY: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");

/// What a rule allows scripts of other origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Who may ask.
    pub origins: Origins,
    /// Methods beyond the safelisted GET, HEAD and POST, as the field's value; absent for none.
    pub methods: Option<HeaderValue>,
    /// Request fields beyond the safelisted.
    pub headers: AllowedHeaders,
    /// Response fields that scripts may read beyond the safelisted, as the field's value; absent for none.
    pub expose: Option<HeaderValue>,
    /// Whether cookies and Authorization are allowed. Never together with [`Origins::Any`], which browsers refuse.
    pub credentials: bool,
    /// Seconds that browsers remember a preflight's answer; absent for their own default, which is 5.
    pub max_age: Option<u64>,
}

/// Request fields that are allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedHeaders {
    /// Those that the preflight asks for.
    Asked,
    /// These, as the field's value; absent for none.
    Listed(Option<HeaderValue>),
}

/// The method that a preflight asks for; `None` where the request is none (§3.3.2).
pub fn asked_method(method: &Method, headers: &HeaderMap) -> Option<Method> {
    if *method != Method::OPTIONS || !headers.contains_key(header::ORIGIN) {
        return None;
    }
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    Method::from_bytes(asked.as_bytes()).ok()
}

impl Cors {
    /// The fields of a preflight's answer, which has status 204. Who may not ask is told nothing.
    pub fn preflight(&self, request: &HeaderMap) -> HeaderMap {
        let mut fields = HeaderMap::new();
        fields.insert(header::VARY, PREFLIGHT_VARY);
        let Some(allowed) = self.allowed(one_origin(request)) else {
            return fields;
        };
        fields.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        self.allow_credentials(&mut fields);
        if let Some(methods) = &self.methods {
            fields.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods.clone());
        }
        let headers = match &self.headers {
            AllowedHeaders::Asked => asked_headers(request),
            AllowedHeaders::Listed(headers) => headers.clone(),
        };
        if let Some(headers) = headers {
            fields.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, headers);
        }
        if let Some(seconds) = self.max_age {
            fields.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
        }
        fields
    }

    /// Marks a response for a client with this Origin: in place of what the upstream said, which origin may read it.
    pub(super) fn mark(&self, origin: Option<&[u8]>, fields: &mut impl Fields) {
        for name in &OF_CORS {
            fields.take_out(name);
        }
        match self.origins {
            // The same for all, so that also who asks without Origin gets it, and caches behind need not tell them apart (§3.3.5).
            Origins::Any => forget_origin(fields),
            Origins::Listed(_) => add_origin(fields),
        }
        let Some(allowed) = self.allowed(origin) else {
            return;
        };
        fields.set(&header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        self.allow_credentials(fields);
        if let Some(expose) = &self.expose {
            fields.set(&header::ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
    }

    /// What Access-Control-Allow-Origin says to this origin.
    fn allowed(&self, origin: Option<&[u8]>) -> Option<HeaderValue> {
        match self.origins {
            Origins::Any => Some(HeaderValue::from_static("*")),
            Origins::Listed(_) => origin
                .filter(|origin| self.origins.allow(origin))
                .and_then(|origin| HeaderValue::from_bytes(origin).ok()),
        }
    }

    fn allow_credentials(&self, fields: &mut impl Fields) {
        if self.credentials {
            fields.set(&header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

/// The request's Origin; none where it has several lines, which no browser sends.
pub(super) fn one_origin<'r>(request: impl Into<FieldLines<'r>>) -> Option<&'r [u8]> {
    request.into().get_one(&header::ORIGIN)
}

/// The names that a preflight asks for, written anew; none where one is no name, or they are too many.
fn asked_headers(request: &HeaderMap) -> Option<HeaderValue> {
    let mut names = String::new();
    let lines = request.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let parts = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    for (count, part) in parts.map(<[u8]>::trim_ascii).filter(|part| !part.is_empty()).enumerate() {
        let name = HeaderName::from_bytes(part).ok().filter(|_| count < MAX_ASKED)?;
        if !names.is_empty() {
            names.push_str(", ");
        }
        names.push_str(name.as_str());
    }
    HeaderValue::from_str(&names).ok().filter(|names| !names.is_empty())
}

fn names_of(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    line.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

fn is_origin(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"origin")
}

/// Vary gets `Origin`, where it does not say so already.
fn add_origin(fields: &mut impl Fields) {
    let says_so =
        fields.all().get_all(header::VARY).iter().flat_map(names_of).any(|name| is_origin(name) || name == b"*");
    if !says_so {
        fields.add(&header::VARY, HeaderValue::from_static("Origin"));
    }
}

/// Vary loses `Origin`.
fn forget_origin(fields: &mut impl Fields) {
    let lines: Vec<HeaderValue> = fields.all().get_all(header::VARY).iter().cloned().collect();
    if !lines.iter().flat_map(names_of).any(is_origin) {
        return;
    }
    let kept: Vec<&[u8]> =
        lines.iter().flat_map(names_of).filter(|name| !name.is_empty() && !is_origin(name)).collect();
    fields.take_out(&header::VARY);
    if !kept.is_empty()
        && let Ok(value) = HeaderValue::from_bytes(&kept.join(&b", "[..]))
    {
        fields.set(&header::VARY, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(*name, HeaderValue::from_static(value));
        }
        fields
    }

    fn text(fields: &HeaderMap) -> String {
        let mut lines: Vec<String> = fields
            .iter()
            .map(|(name, value)| {
                format!("{}: {}", name.as_str().replace("access-control", "ac"), value.to_str().unwrap())
            })
            .collect();
        lines.sort();
        lines.join("\n")
    }

    fn listed() -> Cors {
        Cors {
            origins: Origins::Listed(vec!["https://shop.example".parse().unwrap()]),
            methods: Some(HeaderValue::from_static("PUT, DELETE")),
            headers: AllowedHeaders::Asked,
            expose: Some(HeaderValue::from_static("x-total")),
            credentials: true,
            max_age: Some(600),
        }
    }

    fn any() -> Cors {
        Cors { origins: Origins::Any, credentials: false, max_age: None, ..listed() }
    }

    const FROM_SHOP: (&str, &str) = ("origin", "https://shop.example");
    const ASKED: (&str, &str) = ("access-control-request-method", "PUT");

    #[test]
    fn a_preflight_is_options_with_an_origin_and_a_method() {
        for (method, lines, expected) in [
            (Method::OPTIONS, &[FROM_SHOP, ASKED][..], Some(Method::PUT)),
            (Method::OPTIONS, &[FROM_SHOP], None),
            (Method::OPTIONS, &[ASKED], None),
            (Method::OPTIONS, &[FROM_SHOP, ("access-control-request-method", "a b")], None),
            (Method::GET, &[FROM_SHOP, ASKED], None),
        ] {
            assert_eq!(asked_method(&method, &map(lines)), expected, "Fetch §3.3.2: {method} {lines:?}");
        }
    }

    #[test]
    fn preflights_are_answered() {
        let vary = "vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        let allowed = "ac-allow-credentials: true\nac-allow-headers: x-a, content-type\nac-allow-methods: PUT, DELETE\n\
                       ac-allow-origin: https://shop.example\nac-max-age: 600\n";
        let asked = ("access-control-request-headers", "X-A, content-type,");
        let of = |cors: &Cors, lines: &[_]| text(&cors.preflight(&map(lines)));
        assert_eq!(of(&listed(), &[FROM_SHOP, ASKED, asked]), format!("{allowed}{vary}"));
        for stranger in [&[("origin", "https://evil.example"), ASKED][..], &[FROM_SHOP, FROM_SHOP, ASKED]] {
            assert_eq!(of(&listed(), stranger), vary, "who may not ask is told nothing");
        }
        let odd = ("access-control-request-headers", "x-a, b c");
        let without = allowed.replace("ac-allow-headers: x-a, content-type\n", "");
        assert_eq!(of(&listed(), &[FROM_SHOP, ASKED, odd]), format!("{without}{vary}"));
        let named = Cors { headers: AllowedHeaders::Listed(Some(HeaderValue::from_static("x-b"))), ..any() };
        let expected = format!("ac-allow-headers: x-b\nac-allow-methods: PUT, DELETE\nac-allow-origin: *\n{vary}");
        assert_eq!(of(&named, &[FROM_SHOP, ASKED, asked]), expected);
    }

    #[test]
    fn too_many_asked_headers_are_not_granted() {
        let many = (0..=MAX_ASKED).map(|n| format!("x-{n}")).collect::<Vec<_>>().join(",");
        let mut request = map(&[FROM_SHOP, ASKED]);
        request.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_str(&many).unwrap());
        assert!(!listed().preflight(&request).contains_key(header::ACCESS_CONTROL_ALLOW_HEADERS));
    }

    #[test]
    fn responses_are_marked_for_who_asks() {
        let from_upstream = [("access-control-allow-origin", "https://other.example"), ("access-control-max-age", "1")];
        let shop = "ac-allow-credentials: true\nac-allow-origin: https://shop.example\nac-expose-headers: x-total\n";
        let star = "ac-allow-origin: *\nac-expose-headers: x-total";
        for (cors, vary, origin, expected) in [
            (listed(), "", Some("https://shop.example"), format!("{shop}vary: Origin")),
            (listed(), "accept, origin", Some("https://shop.example"), format!("{shop}vary: accept, origin")),
            (listed(), "accept", None, "vary: Origin\nvary: accept".to_owned()),
            (listed(), "*", Some("https://evil.example"), "vary: *".to_owned()),
            (any(), "Origin", None, star.to_owned()),
            (any(), "accept,Origin", Some("null"), format!("{star}\nvary: accept")),
            (any(), "accept", Some("https://evil.example"), format!("{star}\nvary: accept")),
        ] {
            let mut fields = map(&from_upstream);
            if !vary.is_empty() {
                fields.insert(header::VARY, HeaderValue::from_static(vary));
            }
            let origin = origin.map(HeaderValue::from_static);
            cors.mark(origin.as_ref().map(HeaderValue::as_bytes), &mut fields);
            assert_eq!(text(&fields), expected, "Fetch §3.3.3: {vary} {origin:?}");
        }
    }
}
