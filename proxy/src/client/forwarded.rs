//! The field `Forwarded` (RFC 7239): one element for each proxy, the nearest last.

use super::{FORWARDED, Hop, address, scheme};
use crate::fields::{self, FieldLines};

/// The elements, the nearest last. A line that is malformed is one element that tells nothing: no part of it can be relied on, and
/// a client who could make it tell less than nothing would be taken for the proxy that passed it on.
pub(super) fn hops(request: FieldLines<'_>) -> Vec<Hop> {
    let mut hops = Vec::new();
    for line in request.get_all(&FORWARDED) {
        let parsed =
            fields::text(line).and_then(|line| split(line, ',')?.into_iter().map(hop).collect::<Option<Vec<_>>>());
        match parsed {
            Some(parsed) => hops.extend(parsed),
            None => hops.push(Hop::default()),
        }
    }
    hops
}

/// §4: `for=192.0.2.43;proto=https;host="shop.example"`; parameters that are not known mean nothing.
fn hop(element: &str) -> Option<Hop> {
    let mut hop = Hop::default();
    for pair in split(element, ';')? {
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=')?;
        let value = unquote(value)?;
        match name.to_ascii_lowercase().as_str() {
            "for" => hop.from = address(&value),
            "proto" => hop.proto = scheme(&value),
            "host" => hop.host = Some(value.into()),
            _ => {}
        }
    }
    Some(hop)
}

/// Splits where the separator is not in a quoted string; `None` where a quote is not closed.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if c == separator && !quoted => {
                parts.push(text[start..at].trim());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    (!quoted).then_some(parts)
}

/// A token, or what a quoted string says (RFC 9110 §5.6.4).
fn unquote(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else {
        return (!text.contains('"')).then(|| text.to_owned());
    };
    let inner = inner.strip_suffix('"')?;
    let mut value = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => value.push(chars.next()?),
            _ => value.push(c),
        }
    }
    Some(value)
}
