//! The engine's answer to a request: status, fields as the client sees them, and where the content comes from.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::Engine;
use super::asked::Asked;
use super::range::is_better_passed;
use crate::cache_status::CacheStatus;
use crate::fill::body::Reader;
use crate::fill::exchange::ExchangeError;
use crate::fill::{Reply, Share};
use crate::policy::{self, ByteRange, Lifetime};
use crate::reason::{MissReason, Outcome, PassReason};
use crate::refusal::Refusal;
use crate::represent::{Represented, Source, Unpacking, represent_arriving};
use crate::rules::BrowserTtl;
use crate::store::{Object, Promise, StoredBody};

/// The name of this cache's member of Cache-Status.
const CACHE_STATUS: http::HeaderName = http::HeaderName::from_static("cache-status");
/// What Cache-Status says of a response for which the invalidation protocol does not vouch (rule 6).
const OUTSIDE_PROMISE: &str = "outside-promise";

/// An answer, ready to be written.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields; Content-Length is among them where it is known.
    pub fields: HeaderMap,
    /// Its content.
    pub content: Content,
    /// How it came about.
    pub outcome: Outcome,
}

/// Where content comes from.
#[derive(Debug)]
pub enum Content {
    /// There is none.
    None,
    /// All of it is at hand.
    Whole(Arc<[Bytes]>),
    /// It comes as a fill receives it; an error in it must not look like its end.
    Growing(Reader),
    /// It is decoded as it is sent; an error in it must not look like its end.
    Unpacking(Box<Unpacking>),
    /// A part of what a fill receives.
    Part {
        /// From the beginning of the whole.
        reader: Reader,
        /// The part.
        range: ByteRange,
    },
}

/// What is to be done for a request.
#[derive(Debug)]
pub enum Answered {
    /// This is the answer.
    Answer(Answer),
    /// The upstream is to be asked past the cache, for this reason.
    Pass(PassReason),
}

/// What Cache-Status tells besides the object's own part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) outcome: Outcome,
    pub(super) collapsed: bool,
    pub(super) stored: bool,
    pub(super) fwd_status: Option<u16>,
    /// Whether it lay on the disk, and not in memory.
    pub(super) from_disk: bool,
}

impl Context {
    pub(super) fn of(outcome: Outcome) -> Self {
        Self { outcome, collapsed: false, stored: false, fwd_status: None, from_disk: false }
    }

    pub(super) fn from_disk(outcome: Outcome) -> Self {
        Self { from_disk: true, ..Self::of(outcome) }
    }
}

/// What this cache says itself in the head of a stored response.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) age: HeaderValue,
    pub(crate) cache_control: Option<HeaderValue>,
    pub(crate) cache_status: HeaderValue,
}

impl Own {
    /// The fields of a stored response for a client, before they become those of a representation.
    pub(crate) fn with_stored(self, stored: &HeaderMap, lifetime: &Lifetime, browser: BrowserTtl) -> HeaderMap {
        let mut fields = policy::fixed_fields(stored, lifetime, browser);
        fields.insert(header::AGE, self.age);
        if let Some(control) = self.cache_control {
            fields.insert(header::CACHE_CONTROL, control);
        }
        fields.append(CACHE_STATUS, self.cache_status);
        fields
    }
}

impl Engine {
    /// A stored object as an answer.
    pub(super) async fn object_answer(&self, asked: &Asked<'_>, object: &Object, told: Context, now: u64) -> Answer {
        let (stored, lifetime) = (object.fields().to_map(), object.lifetime());
        let browser = asked.settings.browser_ttl;
        let varying = policy::varying_fields(&stored, &lifetime, browser, now);
        let status = CacheStatus {
            ttl: Some(lifetime.ttl_seconds(now)),
            fwd_status: told.fwd_status,
            stored: told.stored,
            collapsed: told.collapsed,
            from_disk: told.from_disk,
            label: self.label(object.promise()),
            ..CacheStatus::new(told.outcome, asked.rule)
        };
        let own = Own {
            age: HeaderValue::from(varying.age),
            cache_control: varying.cache_control,
            cache_status: status.value(),
        };
        let mut fields = own.with_stored(&stored, &lifetime, browser);
        let Represented { source, has_ranges_by_date } = self.representation(asked, object, &stored, &mut fields).await;
        let (content, length) = match source {
            Source::AsIs(body) => (Content::Whole(body.chunks()), Some(body.len())),
            Source::Unpacking(unpacking) => (Content::Unpacking(unpacking), None),
        };
        if let Some(length) = length.filter(|_| has_content(object.status())) {
            fields.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        let answer = Answer { status: object.status(), fields, content, outcome: told.outcome };
        answer.conditional(asked, &stored).ranged(asked, length, has_ranges_by_date)
    }

    /// The form of a stored object that the client gets: by the rule's compression, or as it is.
    async fn representation(
        &self,
        asked: &Asked<'_>,
        object: &Object,
        stored: &HeaderMap,
        fields: &mut HeaderMap,
    ) -> Represented<StoredBody> {
        let settings = asked.settings;
        match &settings.compression {
            None => Represented { source: Source::AsIs(object.body()), has_ranges_by_date: true },
            Some(compression) => {
                let deriver = &self.context().deriver;
                deriver.represent(compression, settings.max_object_bytes, object, stored, asked.headers, fields).await
            }
        }
    }

    /// A response that is still on its way; where it is not stored and the client wants a part of it, that it is to be passed.
    pub(super) fn replied(&self, asked: &Asked<'_>, reply: &Reply, reader: Reader, told: Context) -> Answered {
        if !matches!(reply.share, Share::All(_)) && is_better_passed(asked, reply.status, reply.length) {
            return Answered::Pass(PassReason::Range);
        }
        Answered::Answer(self.reply_answer(asked, reply, reader, told))
    }

    /// A response that is still on its way.
    fn reply_answer(&self, asked: &Asked<'_>, reply: &Reply, reader: Reader, told: Context) -> Answer {
        let mut fields;
        let (mut label, mut ttl) = ("", None);
        let not_stored = match &reply.share {
            Share::All(storable) => {
                let browser = asked.settings.browser_ttl;
                let now = vitrine_shared::clock::unix_millis();
                fields = policy::fixed_fields(&reply.fields, &storable.lifetime, browser);
                let varying = policy::varying_fields(&reply.fields, &storable.lifetime, browser, now);
                // Age says that a cache answered (RFC 9111 §5.1): here only one nearer to the origin can have, or the disk.
                if varying.age > 0 || told.from_disk {
                    fields.insert(header::AGE, HeaderValue::from(varying.age));
                }
                if let Some(control) = varying.cache_control {
                    fields.insert(header::CACHE_CONTROL, control);
                }
                label = self.label(reply.promise);
                ttl = told.from_disk.then(|| storable.lifetime.ttl_seconds(now));
                None
            }
            Share::Waiting(reason, _) | Share::Starter(reason) => {
                fields = reply.fields.clone();
                Some(*reason)
            }
        };
        let compression = asked.settings.compression.as_deref();
        let Represented { source, has_ranges_by_date } =
            represent_arriving(compression, reply, reader, asked.headers, &mut fields);
        let (content, length) = match source {
            Source::AsIs(reader) => (Content::Growing(reader), reply.length),
            Source::Unpacking(unpacking) => (Content::Unpacking(unpacking), None),
        };
        if let Some(length) = length {
            fields.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        let stored = not_stored.is_none();
        let fwd_status = Some(reply.status.as_u16());
        let status = CacheStatus {
            ttl,
            fwd_status,
            stored,
            collapsed: told.collapsed,
            not_stored,
            from_disk: told.from_disk,
            label,
            ..CacheStatus::new(told.outcome, asked.rule)
        };
        fields.append(CACHE_STATUS, status.value());
        let answer = Answer { status: reply.status, fields, content, outcome: told.outcome };
        let answer = if stored { answer.conditional(asked, &reply.fields) } else { answer };
        answer.ranged(asked, length, has_ranges_by_date)
    }

    pub(crate) fn label(&self, promise: Promise) -> &'static str {
        match promise {
            Promise::Outside if self.labels => OUTSIDE_PROMISE,
            Promise::Outside | Promise::Within => "",
        }
    }
}

impl Answer {
    /// A refusal with a status of this edge's own.
    fn refusal(rule: &str, outcome: Outcome, refusal: &Refusal) -> Self {
        let (mut fields, body) = refusal.response();
        fields.append(CACHE_STATUS, CacheStatus::new(outcome, rule).value());
        Self { status: refusal.status, fields, content: Content::Whole(Arc::from([body])), outcome }
    }

    /// Nothing can be served now; the client may ask again.
    pub(super) fn unavailable(rule: &str, reason: MissReason, message: &str) -> Self {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message);
        Self::refusal(rule, Outcome::Unavailable(reason), &refusal)
    }

    /// The client wants a stored response alone, and there is none that may be served (RFC 9111 §5.2.1.7).
    pub(super) fn not_cached(rule: &str) -> Self {
        let message = "nothing stored may be served, and the request says only-if-cached";
        let refusal = Refusal::new(StatusCode::GATEWAY_TIMEOUT, "only_if_cached", message);
        Self::refusal(rule, Outcome::NotCached, &refusal)
    }

    /// The upstream gave no response.
    pub(super) fn failed(rule: &str, reason: MissReason, error: &ExchangeError) -> Self {
        let refusal = match error {
            ExchangeError::Timeout => {
                Refusal::new(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", "the upstream did not answer in time")
            }
            ExchangeError::Busy => {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many requests wait for upstreams; ask again")
            }
            ExchangeError::Connect(_) | ExchangeError::StaleConnection | ExchangeError::Response(_) => {
                Refusal::new(StatusCode::BAD_GATEWAY, "upstream_failed", "the upstream gave no usable answer")
            }
        };
        Self::refusal(rule, Outcome::Unavailable(reason), &refusal)
    }

    /// 304 where the client's preconditions say that it has this already.
    fn conditional(mut self, asked: &Asked<'_>, stored: &HeaderMap) -> Self {
        if policy::is_not_modified(asked.headers, self.status, stored) {
            policy::to_not_modified(&mut self.fields);
            self.status = StatusCode::NOT_MODIFIED;
            self.content = Content::None;
        }
        self
    }
}

/// Whether a response with this status has content (RFC 9110 §6.4.1).
pub(crate) fn has_content(status: StatusCode) -> bool {
    status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED && !status.is_informational()
}
