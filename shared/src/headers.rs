//! The headers that carry the protocol between proxy and origin, and how they are printed and parsed.
//!
//! Edges strip [`FROM_EDGE`] from clients' requests and [`FROM_ORIGIN`] from responses (rule 16).

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::epoch::Epoch;
use crate::tag::Tag;

/// Request, edge to origin: answer with this epoch or newer. Value: an [`Epoch`].
pub const CACHE_MIN_EPOCH: HeaderName = HeaderName::from_static("cache-min-epoch");
/// Response, origin to edge: from which epoch on the answer is true. Value: an [`Epoch`].
pub const CACHE_EPOCH: HeaderName = HeaderName::from_static("cache-epoch");
/// Response, origin to edge: the object's tags, separated by spaces; may be repeated.
pub const VITRINE_TAGS: HeaderName = HeaderName::from_static("vitrine-tags");
/// Response, origin to edge: when the content ends without a write (rule 15). Value: Unix time in milliseconds.
pub const VITRINE_VALID_UNTIL: HeaderName = HeaderName::from_static("vitrine-valid-until");
/// Response to a write, for its caller: the epoch of the write and whether it was acknowledged. Not stripped.
/// Value: an RFC 9651 item, `acked` or `pending`, with parameters `epoch`, `members`, `lapsed`, `waiting_for` (members' names, separated
/// by spaces) and `waited_ms` (from the commit on).
pub const VITRINE_ACK: HeaderName = HeaderName::from_static("vitrine-ack");
/// Names one request in every log, edge and origin alike.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What only an edge may say to the origin.
pub const FROM_EDGE: [HeaderName; 1] = [CACHE_MIN_EPOCH];
/// What only edges may read.
pub const FROM_ORIGIN: [HeaderName; 3] = [CACHE_EPOCH, VITRINE_TAGS, VITRINE_VALID_UNTIL];

/// Most bytes of one tag header line; more tags go into further lines.
const MAX_TAG_LINE: usize = 4_000;

/// The header could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("header `{name}`: {reason}")]
pub struct HeaderError {
    /// Which header.
    pub name: HeaderName,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads an epoch header; `Ok(None)` where it is absent.
pub fn epoch(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Epoch>, HeaderError> {
    single(headers, name)?.map(|text| text.parse().map_err(|error| wrong(name, &error))).transpose()
}

/// Prints an epoch.
pub fn epoch_value(epoch: Epoch) -> HeaderValue {
    value(&epoch.to_string())
}

/// Reads all tags; each must be valid, since a tag that is lost would be a purge that is lost.
pub fn tags(headers: &HeaderMap) -> Result<Vec<Tag>, HeaderError> {
    let mut tags = Vec::new();
    for line in headers.get_all(VITRINE_TAGS) {
        let text = line.to_str().map_err(|error| wrong(&VITRINE_TAGS, &error))?;
        for part in text.split(' ').filter(|part| !part.is_empty()) {
            tags.push(Tag::parse(part).map_err(|error| wrong(&VITRINE_TAGS, &error))?);
        }
    }
    Ok(tags)
}

/// Adds tags, in as many lines as they need.
pub fn append_tags<'t>(headers: &mut HeaderMap, tags: impl IntoIterator<Item = &'t Tag>) {
    let mut line = String::new();
    for tag in tags {
        if !line.is_empty() && line.len() + 1 + tag.as_str().len() > MAX_TAG_LINE {
            headers.append(VITRINE_TAGS, value(&line));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(tag.as_str());
    }
    if !line.is_empty() {
        headers.append(VITRINE_TAGS, value(&line));
    }
}

/// Reads when the content ends, in Unix milliseconds; `Ok(None)` where it does not end by the clock.
pub fn valid_until(headers: &HeaderMap) -> Result<Option<u64>, HeaderError> {
    let Some(text) = single(headers, &VITRINE_VALID_UNTIL)? else {
        return Ok(None);
    };
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong(&VITRINE_VALID_UNTIL, &"expected Unix time in milliseconds"));
    }
    text.parse().map(Some).map_err(|error| wrong(&VITRINE_VALID_UNTIL, &error))
}

/// Prints when the content ends, from Unix milliseconds.
pub fn valid_until_value(unix_millis: u64) -> HeaderValue {
    HeaderValue::from(unix_millis)
}

fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, HeaderError> {
    let mut lines = headers.get_all(name).iter();
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    if lines.next().is_some() {
        return Err(wrong(name, &"given more than once"));
    }
    first.to_str().map(|text| Some(text.trim())).map_err(|error| wrong(name, &error))
}

fn wrong(name: &HeaderName, reason: &dyn std::fmt::Display) -> HeaderError {
    HeaderError { name: name.clone(), reason: reason.to_string() }
}

/// Epochs and tags are visible ASCII by construction, so this never falls back.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_round_trip_over_several_lines() {
        let tags: Vec<Tag> = (0..500).map(|n| Tag::product(&format!("prod_{n:026}"))).collect();
        let mut headers = HeaderMap::new();
        append_tags(&mut headers, &tags);
        assert!(headers.get_all(VITRINE_TAGS).iter().count() > 1);
        assert!(headers.get_all(VITRINE_TAGS).iter().all(|line| line.len() <= MAX_TAG_LINE));
        assert_eq!(super::tags(&headers), Ok(tags));
    }

    #[test]
    fn a_tag_that_cannot_be_read_is_an_error_and_not_a_lost_tag() {
        let mut headers = HeaderMap::new();
        headers.insert(VITRINE_TAGS, HeaderValue::from_static("product:1 a,b"));
        assert!(tags(&headers).is_err());
        headers.insert(VITRINE_TAGS, HeaderValue::from_bytes(b"caf\xe9").unwrap());
        assert!(tags(&headers).is_err());
    }

    #[test]
    fn epochs_and_boundaries_are_read_strictly() {
        let mut headers = HeaderMap::new();
        assert_eq!(epoch(&headers, &CACHE_EPOCH), Ok(None));
        headers.insert(CACHE_EPOCH, epoch_value(Epoch::new(1, 2)));
        assert_eq!(epoch(&headers, &CACHE_EPOCH), Ok(Some(Epoch::new(1, 2))));
        headers.append(CACHE_EPOCH, epoch_value(Epoch::new(1, 3)));
        assert!(epoch(&headers, &CACHE_EPOCH).is_err());
        headers.insert(VITRINE_VALID_UNTIL, valid_until_value(1_795_252_827_216));
        assert_eq!(valid_until(&headers), Ok(Some(1_795_252_827_216)));
        headers.insert(VITRINE_VALID_UNTIL, HeaderValue::from_static("+5"));
        assert!(valid_until(&headers).is_err());
    }
}
