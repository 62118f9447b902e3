//! What a fill asks the upstream: nothing that the key does not hold, since the answer is shared.
//!
//! Sent are: Host; the headers and cookies that the rule keys; the fields that a known Vary names, since they are part of the
//! variant's key; `X-Forwarded-Proto` and `X-Forwarded-Host`, which are the scheme and host of the key; the validators of
//! the stored object; `Cache-Min-Epoch`. Outside the key stand: `Via` and `User-Agent`, which are constants; `X-Request-Id`,
//! which names the request in logs (an upstream that put it into a body would share it); and Authorization, where the rule
//! lets it through, since RFC 9111 §3.5 then decides whether the answer may be shared.
//!
//! Under [`Forward::Headers`] and [`Forward::All`] the upstream is sent more, as other caches do it; what it reads of that it must then
//! name in Vary, or say `private`.
//!
//! Under [`Forward::Keyed`], `Accept-Language` and the like reach the upstream only where a rule keys them or the upstream's Vary named them:
//! the first response with a new Vary is not used for a client that sent such a field; it is asked for again, with it.

use std::sync::Arc;

use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::headers::{CACHE_MIN_EPOCH, X_REQUEST_ID, epoch_value};

use crate::client::{X_FORWARDED_HOST, X_FORWARDED_PROTO};
use crate::key::Target;
use crate::policy::fill_fields;
use crate::rules::{CacheSettings, Forward, HeaderEdits};
use crate::upstream::{Affinity, Upstream};
use crate::vary::VarySpec;

/// What this edge calls itself in Via (RFC 9110 §7.6.3).
pub const VIA: HeaderValue = HeaderValue::from_static("1.1 vitrine");
/// Sent in place of the clients' own, which are not in the key.
const USER_AGENT: HeaderValue = HeaderValue::from_static("vitrine");
/// The fields that make a request conditional.
const CONDITIONS: [HeaderName; 2] = [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE];
static MIN_EPOCH: HeaderName = CACHE_MIN_EPOCH;
/// Fields that every request has.
const OWN_FIELDS: usize = 6;
/// Bytes that most requests need.
const ROOM: usize = 512;

/// The fields of a client's request, in normal form, of which a fill sends those that its key holds.
#[derive(Clone, Debug)]
pub struct ClientFields(HeaderMap);

/// A request that can be sent more than once, each time with the epoch of that attempt.
#[derive(Debug)]
pub struct FillRequest {
    upstream: Arc<Upstream>,
    /// Path and query.
    target: String,
    fields: HeaderMap,
    sent: HeaderMap,
    affinity: Affinity,
}

/// A request as it is sent.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its head, which is all of it.
    pub bytes: Vec<u8>,
    /// Whether it has validators: else a 304 confirms nothing.
    pub is_conditional: bool,
}

/// A request cannot be put into HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// Its path has characters that end a request line (RFC 9112 §3.2).
    #[error("the path cannot be sent")]
    Path,
    /// Its host is no field value.
    #[error("the host cannot be sent")]
    Host,
}

impl From<InvalidHeaderValue> for Unsendable {
    fn from(_: InvalidHeaderValue) -> Self {
        Self::Host
    }
}

/// What a request is made of.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'r> {
    /// Who is asked.
    pub upstream: &'r Arc<Upstream>,
    /// Scheme and host of the key.
    pub target: &'r Target<'r>,
    /// Path and query of the key.
    pub path_and_query: &'r str,
    /// The request's name in logs.
    pub request_id: &'r HeaderValue,
    /// If-None-Match and If-Modified-Since, or nothing.
    pub validators: &'r HeaderMap,
    /// The rule's, made last.
    pub edits: &'r HeaderEdits,
}

/// Whether a 304 is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// With the validators of the stored object, where it has some.
    Conditional,
    /// With its entity tag alone: it was purged, or may have been, so it was replaced, possibly within the second that Last-Modified
    /// tells.
    ByTag,
    /// For the whole response.
    Whole,
}

// === impl ClientFields ===

impl ClientFields {
    /// Of a client's request under a rule.
    pub fn of(client: &HeaderMap, settings: &CacheSettings) -> Self {
        Self(fill_fields(client, settings))
    }

    /// All of them: by these a request finds its variant.
    pub fn all(&self) -> &HeaderMap {
        &self.0
    }

    /// Those that may be sent where the upstream is known to vary by `spec`.
    pub fn sent(&self, settings: &CacheSettings, spec: Option<&VarySpec>) -> HeaderMap {
        let key = &settings.key;
        let may_be_sent = |name: &HeaderName| {
            settings.forward != Forward::Keyed
                || *name == header::COOKIE
                // Present only where the rule heeds the client (RFC 9111 §5.2: directives are passed on).
                || *name == header::CACHE_CONTROL
                || *name == header::PRAGMA
                || *name == header::AUTHORIZATION
                || (*name == header::ACCEPT_ENCODING && settings.compression.is_some())
                || key.holds(name)
                || spec.is_some_and(|spec| spec.names().contains(name))
        };
        let fields = self.0.iter().filter(|(name, _)| may_be_sent(name) && **name != header::HOST);
        let mut sent = HeaderMap::new();
        for (name, value) in fields {
            sent.append(name.clone(), value.clone());
        }
        sent
    }
}

// === impl FillRequest ===

impl FillRequest {
    /// Builds it around the fields that are sent.
    pub fn build(parts: Parts<'_>, sent: HeaderMap) -> Result<Self, Unsendable> {
        let target = parts.upstream.request_target(parts.path_and_query);
        if target.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(Unsendable::Path);
        }
        let mut fields = HeaderMap::with_capacity(sent.len() + parts.validators.len() + OWN_FIELDS);
        let given = HeaderValue::from_str(parts.target.host())?;
        let host = parts.upstream.host.as_deref().map(HeaderValue::from_str).transpose()?;
        fields.insert(header::HOST, host.unwrap_or_else(|| given.clone()));
        for (name, value) in sent.iter().chain(parts.validators) {
            fields.append(name.clone(), value.clone());
        }
        // The client's Via, where all is forwarded, stands before this edge's (RFC 9110 §7.6.3).
        fields.append(header::VIA, VIA);
        let constants = [
            (header::USER_AGENT, USER_AGENT),
            (X_FORWARDED_PROTO, HeaderValue::from_static(parts.target.scheme().as_str())),
            (X_REQUEST_ID, parts.request_id.clone()),
            (X_FORWARDED_HOST, given),
        ];
        for (name, value) in constants {
            // A field that the rule keys is the client's.
            fields.entry(name).or_insert(value);
        }
        parts.edits.apply(&mut fields);
        let affinity = Affinity::of(parts.target.host(), parts.path_and_query);
        Ok(Self { upstream: parts.upstream.clone(), target, fields, sent, affinity })
    }

    /// Who is asked.
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// By what the address is chosen where requests are spread by URL.
    pub fn affinity(&self) -> Affinity {
        self.affinity
    }

    /// Of the client's fields, those that are sent: by these the response's variant is keyed.
    pub fn sent(&self) -> &HeaderMap {
        &self.sent
    }

    /// The Host that is sent.
    pub fn host(&self) -> &str {
        self.fields.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
    }

    /// The fields of the request for the whole response.
    pub fn whole(&self, applied: Epoch) -> HeaderMap {
        let epoch = self.epoch(applied);
        self.lines(epoch.as_ref(), Ask::Whole).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The request for one attempt, made while `applied` was this edge's position (rule 6).
    pub fn attempt(&self, applied: Epoch, ask: Ask) -> Attempt {
        let mut bytes = Vec::with_capacity(ROOM);
        for part in ["GET ", &self.target, " HTTP/1.1\r\n"] {
            bytes.extend_from_slice(part.as_bytes());
        }
        let mut is_conditional = false;
        for (name, value) in self.lines(self.epoch(applied).as_ref(), ask) {
            is_conditional |= CONDITIONS.contains(name);
            write_field(&mut bytes, name, value);
        }
        bytes.extend_from_slice(b"\r\n");
        Attempt { bytes, is_conditional }
    }

    fn epoch(&self, applied: Epoch) -> Option<HeaderValue> {
        self.upstream.speaks_epochs.then(|| epoch_value(applied))
    }

    /// The fields of an attempt, with its epoch where the upstream is told it.
    fn lines<'r>(
        &'r self,
        epoch: Option<&'r HeaderValue>,
        ask: Ask,
    ) -> impl Iterator<Item = (&'r HeaderName, &'r HeaderValue)> {
        let is_sent = move |name: &HeaderName| match ask {
            _ if *name == MIN_EPOCH => epoch.is_none(),
            Ask::Conditional => true,
            Ask::ByTag => *name != header::IF_MODIFIED_SINCE,
            Ask::Whole => !CONDITIONS.contains(name),
        };
        self.fields.iter().filter(move |(name, _)| is_sent(name)).chain(epoch.map(|epoch| (&MIN_EPOCH, epoch)))
    }
}

/// Writes a line. Words of the name begin with a capital, as people and some old servers expect.
fn write_field(bytes: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    let mut begins = true;
    bytes.extend(name.as_str().bytes().map(|byte| {
        let written = if begins { byte.to_ascii_uppercase() } else { byte };
        begins = byte == b'-';
        written
    }));
    for part in [b": ", value.as_bytes(), b"\r\n"] {
        bytes.extend_from_slice(part);
    }
}
