//! The head of a stored response for one kind of client, made once by the slow path's functions, with holes for what changes.
//!
//! It is made with marks in the holes' places and then edited by the rule like any head: where an edit takes a mark out, there is no
//! hole.

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use smallvec::SmallVec;
use triomphe::ThinArc;
use vitrine_shared::headers::X_REQUEST_ID;

use super::plain::Plain;
use super::templates::{Kind, Label};
use crate::cache_status::CacheStatus;
use crate::engine::{Engine, Moment, Own};
use crate::policy::{self, ControlOverTime, Lifetime};
use crate::reason::Outcome;
use crate::represent::AtOnce;
use crate::rules::{Author, CacheSettings, Rule};
use crate::store::Object;

/// Marks, each for a field that the edge writes itself, so that no upstream's bytes are taken for one. No configuration can hold them,
/// since it is UTF-8.
const AGE: &[u8] = b"\xff\xfeage";
const MAX_AGE: &[u8] = b"\xff\xfemax-age";
const ID: &[u8] = b"\xff\xfeid";
/// The mark in Cache-Status, which is a number. Upstreams write that field too, so it is drawn anew in each process.
static TTL: LazyLock<i64> = LazyLock::new(|| rand::random_range(100_000_000_000_000..1_000_000_000_000_000));

/// Room for the values with holes of one head over HTTP/2.
const HOLED_BYTES: usize = 192;

/// A head with holes. Its text lies behind what is known of it, in one piece.
#[derive(Debug)]
pub(super) struct Template(ThinArc<Facts, u8>);

/// What is known of a template besides its text.
#[derive(Debug)]
struct Facts {
    /// What it was made for.
    label: Label,
    status: StatusCode,
    /// The browser TTL whose number stands in Cache-Control.
    max_age: Option<Duration>,
    /// The second that it is for, where more changes than the holes hold.
    only_at: Option<u64>,
    /// Which body it is the head of.
    content: AtOnce,
    /// What fills the gap before each place of the text.
    holes: SmallVec<[(u32, Hole); 4]>,
    /// The fields, where they are needed as such; there is no text then.
    fields: Option<Box<[(HeaderName, Value)]>>,
    /// The Origin that it was made for, where the rule's CORS looks at it.
    origin: Option<Box<[u8]>>,
}

#[derive(Debug)]
enum Value {
    Fixed(HeaderValue),
    Holed { before: Box<[u8]>, hole: Hole, after: Box<[u8]> },
}

/// What is put in when it is sent.
#[derive(Clone, Copy, Debug)]
enum Hole {
    Age,
    MaxAge,
    Ttl,
    RequestId,
}

/// What fills the holes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filling<'f> {
    age: u64,
    max_age: u64,
    ttl: i64,
    request_id: &'f [u8],
}

/// In which form a template's lines are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wire {
    /// HTTP/1.1.
    Text,
    /// HTTP/2.
    Fields,
}

/// What a template is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Making<'m> {
    pub(super) engine: &'m Engine,
    pub(super) rule: &'m Rule,
    pub(super) settings: &'m CacheSettings,
    pub(super) object: &'m Object,
    pub(super) request: &'m Plain<'m>,
    pub(super) kind: Kind,
}

// === impl Making ===

impl Making<'_> {
    /// The template; `None` where the body is not at hand in the client's form.
    pub(super) fn template(&self, origin: Option<&[u8]>, now: Moment) -> Option<Template> {
        let (object, settings) = (self.object, self.settings);
        let (stored, lifetime) = (object.fields().to_map(), object.lifetime());
        let over_time = ControlOverTime::of(&lifetime, settings.browser_ttl);
        let own = Own {
            age: mark(AGE)?,
            cache_control: match over_time {
                ControlOverTime::MaxAge(_) => Some(mark(MAX_AGE)?),
                ControlOverTime::Stays | ControlOverTime::Changes => {
                    policy::varying_fields(&stored, &lifetime, settings.browser_ttl, now.unix).cache_control
                }
            },
            cache_status: self.cache_status(),
        };
        let mut fields = own.with_stored(&stored, &lifetime, settings.browser_ttl);
        let content = self.represent(&stored, &mut fields)?;
        let mut status = object.status();
        if self.kind.is_not_modified {
            policy::to_not_modified(&mut fields);
            status = StatusCode::NOT_MODIFIED;
        } else {
            fields.insert(header::CONTENT_LENGTH, HeaderValue::from(self.length(content)?));
        }
        self.rule.transform.finish(self.request.fields, status, Author::Upstream, &mut fields);
        fields.insert(X_REQUEST_ID, mark(ID)?);
        let (text, holes, fields) = match self.kind.wire {
            Wire::Text => {
                let (text, holes) = self.text(status, &fields);
                (text, holes, None)
            }
            Wire::Fields => (Vec::new(), SmallVec::new(), Some(self.lines(&fields).collect())),
        };
        let facts = Facts {
            label: Label::of(&self.kind, origin),
            status,
            max_age: if let ControlOverTime::MaxAge(ttl) = over_time { Some(ttl) } else { None },
            only_at: (over_time == ControlOverTime::Changes).then_some(now.unix / 1000),
            content,
            holes,
            fields,
            origin: origin.map(Into::into),
        };
        Some(Template(ThinArc::from_header_and_slice(facts, &text)))
    }

    fn represent(&self, stored: &HeaderMap, fields: &mut HeaderMap) -> Option<AtOnce> {
        let Some(compression) = &self.settings.compression else {
            return Some(AtOnce::Stored);
        };
        let deriver = &self.engine.context().deriver;
        deriver.represent_at_once(
            compression,
            self.object,
            stored,
            self.kind.accept,
            !self.kind.is_not_modified,
            fields,
        )
    }

    fn length(&self, content: AtOnce) -> Option<u64> {
        match content {
            AtOnce::Stored => Some(self.object.body_len()),
            AtOnce::Derived(form) => {
                let derived = self.engine.context().store.derived(self.object.body_id(), form)?;
                derived.body.as_ref().ok().map(crate::store::StoredBody::len)
            }
        }
    }

    fn cache_status(&self) -> HeaderValue {
        let status = CacheStatus {
            ttl: Some(*TTL),
            label: self.engine.label(self.object.promise()),
            ..CacheStatus::new(Outcome::Hit, &self.rule.name)
        };
        status.value()
    }

    fn lines<'f>(&self, fields: &'f HeaderMap) -> impl Iterator<Item = (HeaderName, Value)> + use<'f> {
        let own_status = self.cache_status();
        fields.iter().map(move |(name, value)| (name.clone(), Value::of(name, value, &own_status)))
    }

    fn text(&self, status: StatusCode, fields: &HeaderMap) -> (Vec<u8>, SmallVec<[(u32, Hole); 4]>) {
        let mut text = Vec::with_capacity(1024);
        let mut holes = SmallVec::new();
        text.extend_from_slice(b"HTTP/1.1 ");
        text.extend_from_slice(status.as_str().as_bytes());
        text.push(b' ');
        text.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
        text.extend_from_slice(b"\r\n");
        for (name, value) in self.lines(fields) {
            text.extend_from_slice(name.as_str().as_bytes());
            text.extend_from_slice(b": ");
            match value {
                Value::Fixed(value) => text.extend_from_slice(value.as_bytes()),
                Value::Holed { before, hole, after } => {
                    text.extend_from_slice(&before);
                    // A head is far below four gigabytes.
                    holes.push((u32::try_from(text.len()).unwrap_or(u32::MAX), hole));
                    text.extend_from_slice(&after);
                }
            }
            text.extend_from_slice(b"\r\n");
        }
        (text, holes)
    }
}

impl Value {
    fn of(name: &HeaderName, value: &HeaderValue, own_status: &HeaderValue) -> Self {
        let holed =
            |before: &[u8], hole, after: &[u8]| Self::Holed { before: before.into(), hole, after: after.into() };
        match value.as_bytes() {
            AGE if *name == header::AGE => holed(b"", Hole::Age, b""),
            MAX_AGE if *name == header::CACHE_CONTROL => {
                holed(policy::OVERRIDING_MAX_AGE.as_bytes(), Hole::MaxAge, b"")
            }
            ID if *name == X_REQUEST_ID => holed(b"", Hole::RequestId, b""),
            text if value == own_status => {
                let digits = TTL.to_string();
                match memchr::memmem::find(text, digits.as_bytes()) {
                    Some(at) => holed(&text[..at], Hole::Ttl, &text[at + digits.len()..]),
                    None => Self::Fixed(value.clone()),
                }
            }
            _ => Self::Fixed(value.clone()),
        }
    }
}

fn mark(bytes: &[u8]) -> Option<HeaderValue> {
    HeaderValue::from_bytes(bytes).ok()
}

// === impl Template ===

impl Template {
    /// What it was made for.
    pub(super) fn label(&self) -> &Label {
        &self.facts().label
    }

    /// Whether it was made for this, and for this Origin.
    pub(super) fn is_labelled(&self, label: &Label, origin: Option<&[u8]>) -> bool {
        self.label() == label && self.origin() == origin
    }

    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        self.facts().status
    }

    /// Which body it is the head of.
    pub(super) fn content(&self) -> AtOnce {
        self.facts().content
    }

    /// The Origin that it was made for, where the rule's CORS looks at it.
    pub(super) fn origin(&self) -> Option<&[u8]> {
        self.facts().origin.as_deref()
    }

    /// What it costs in memory, in bytes, about.
    pub(super) fn weight(&self) -> usize {
        let fields = self.facts().fields.as_ref().map_or(0, |fields| fields.len() * 160);
        size_of::<Facts>() + self.0.slice.len() + fields + self.origin().map_or(0, <[u8]>::len)
    }

    /// Whether it is for this moment, in Unix milliseconds.
    pub(super) fn is_for(&self, now: u64) -> bool {
        self.facts().only_at.is_none_or(|second| second == now / 1000)
    }

    /// One of nothing but text, without holes.
    #[cfg(test)]
    pub(super) fn of_text(label: Label, origin: Option<&[u8]>, text: &[u8]) -> Self {
        let facts = Facts {
            label,
            status: StatusCode::OK,
            max_age: None,
            only_at: None,
            content: AtOnce::Stored,
            holes: SmallVec::new(),
            fields: None,
            origin: origin.map(Into::into),
        };
        Self(ThinArc::from_header_and_slice(facts, text))
    }

    /// The length of its text.
    #[cfg(test)]
    pub(super) fn text_len(&self) -> usize {
        self.0.slice.len()
    }

    fn facts(&self) -> &Facts {
        &self.0.header.header
    }

    /// What fills its holes at one moment; `None` where nothing is left of the browser TTL.
    pub(super) fn filling<'f>(&self, lifetime: &Lifetime, now: u64, request_id: &'f [u8]) -> Option<Filling<'f>> {
        let max_age = match self.facts().max_age {
            Some(ttl) => policy::overriding_max_age(lifetime, ttl, now)?,
            None => 0,
        };
        Some(Filling { age: lifetime.age_seconds(now), max_age, ttl: lifetime.ttl_seconds(now), request_id })
    }

    /// Appends status line and fields, without the empty line at the end.
    pub(super) fn write(&self, filling: &Filling<'_>, out: &mut Vec<u8>) {
        let text = &self.0.slice;
        out.reserve(text.len() + 96);
        let mut from = 0;
        for &(at, hole) in &self.facts().holes {
            let at = at as usize;
            out.extend_from_slice(&text[from..at]);
            filling.put(hole, out);
            from = at;
        }
        out.extend_from_slice(&text[from..]);
    }

    /// The fields.
    pub(super) fn fields(&self, filling: &Filling<'_>) -> HeaderMap {
        let lines = self.facts().fields.as_deref().unwrap_or_default();
        // What changes lies in one buffer, so that it is allocated, and counted, together.
        let mut text = Vec::with_capacity(HOLED_BYTES);
        let mut ends = SmallVec::<[usize; 4]>::new();
        for (_, value) in lines {
            if let Value::Holed { before, hole, after } = value {
                text.extend_from_slice(before);
                filling.put(*hole, &mut text);
                text.extend_from_slice(after);
                ends.push(text.len());
            }
        }
        let text = Bytes::from(text);
        let (mut from, mut ends) = (0, ends.into_iter());
        // Date is added, on the way out.
        let mut fields = HeaderMap::with_capacity(lines.len() + 1);
        for (name, value) in lines {
            let value = match value {
                Value::Fixed(value) => Some(value.clone()),
                Value::Holed { .. } => {
                    let begin = std::mem::replace(&mut from, ends.next().unwrap_or(text.len()));
                    HeaderValue::from_maybe_shared(text.slice(begin..from)).ok()
                }
            };
            if let Some(value) = value {
                fields.append(name.clone(), value);
            }
        }
        fields
    }
}

impl Filling<'_> {
    fn put(&self, hole: Hole, out: &mut Vec<u8>) {
        let mut number = itoa::Buffer::new();
        match hole {
            Hole::Age => out.extend_from_slice(number.format(self.age).as_bytes()),
            Hole::MaxAge => out.extend_from_slice(number.format(self.max_age).as_bytes()),
            Hole::Ttl => out.extend_from_slice(number.format(self.ttl).as_bytes()),
            Hole::RequestId => out.extend_from_slice(self.request_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_upstream_wrote_is_no_hole() {
        let own_status = HeaderValue::from_static("vitrine; hit");
        let other = HeaderName::from_static("x-other");
        for (name, of_the_edge) in [(header::AGE, AGE), (header::CACHE_CONTROL, MAX_AGE), (X_REQUEST_ID, ID)] {
            let value = mark(of_the_edge).unwrap();
            assert!(matches!(Value::of(&name, &value, &own_status), Value::Holed { .. }), "{name}");
            assert!(matches!(Value::of(&other, &value, &own_status), Value::Fixed(_)), "{name}");
        }
    }
}
