//! What is stored for a request, and what may be done with it.

use std::sync::Arc;

use http::{HeaderMap, header};
use vitrine_shared::coherence::Verdict;

use super::Engine;
use super::asked::Asked;
use crate::fill::request::ClientFields;
use crate::key::CacheKey;
use crate::policy::{self, Allowed, Freshness, RequestControl};
use crate::reason::{MissReason, Outcome, StaleReason};
use crate::store::{Found, Look, Object, Variants};

/// What was found for a request.
#[derive(Debug)]
pub(super) struct Sought {
    /// The variant's key; `None` where the primary key is the object's.
    pub(super) variant: Option<CacheKey>,
    /// By what the upstream is known to vary.
    pub(super) variants: Option<Arc<Variants>>,
    /// The object, with what may be done with it.
    pub(super) object: Option<(Object, Standing)>,
    /// Why the upstream must be asked, where nothing serves.
    pub(super) reason: MissReason,
}

/// What may be done with a stored object now, by the tag table and the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may be served.
    Fresh,
    /// It may be served while one refresh runs behind.
    Refresh(StaleReason),
    /// It is stale, and the client takes it so (`max-stale`, RFC 9111 §5.2.1.2).
    Accepted,
    /// The upstream must be asked; it may be served where the upstream fails (RFC 5861 §4), or not.
    Expired {
        /// Whether `stale-if-error` covers it.
        if_error: bool,
    },
    /// Its content has ended by the clock: it may be validated, nothing else.
    Ended,
    /// Purged: it is never served, whatever fails; its entity tag may still be asked about (rules 4 and 5).
    Purged,
}

impl Standing {
    /// How the object is served without asking, where it may be.
    pub(super) fn served(self) -> Option<Outcome> {
        match self {
            Self::Fresh => Some(Outcome::Hit),
            Self::Refresh(reason) => Some(Outcome::Stale(reason)),
            Self::Accepted => Some(Outcome::Stale(StaleReason::MaxStale)),
            Self::Expired { .. } | Self::Ended | Self::Purged => None,
        }
    }

    /// Whether the object may stand in for a failure of the upstream (RFC 5861 §4).
    pub(super) fn covers_error(self) -> bool {
        matches!(self, Self::Fresh | Self::Refresh(_) | Self::Accepted | Self::Expired { if_error: true })
    }

    /// Whether `serve_for` may serve the object: it is not known to be purged, and has not ended by the clock.
    pub(super) fn survives_cut_off(self) -> bool {
        matches!(self, Self::Fresh | Self::Refresh(_) | Self::Expired { .. })
    }
}

impl Sought {
    /// How it is served without asking, where it may be.
    pub(super) fn served(&self) -> Option<(&Object, Outcome)> {
        let (object, standing) = self.object.as_ref()?;
        standing.served().map(|outcome| (object, outcome))
    }

    /// The key under which the response will stand, and under which the fill can be joined.
    pub(super) fn key<'s>(&'s self, asked: &'s Asked<'_>) -> &'s CacheKey {
        self.variant.as_ref().unwrap_or(asked.primary())
    }

    /// What is known but the object.
    pub(super) fn without_object(&self) -> Self {
        Self { variant: self.variant.clone(), variants: self.variants.clone(), object: None, reason: self.reason }
    }

    /// The object, where it may be validated.
    pub(super) fn base(&self) -> Option<Object> {
        self.object.as_ref().map(|(object, _)| object.clone())
    }

    /// If-None-Match and If-Modified-Since for the object, where it has validators.
    ///
    /// A purged object is known to have been replaced, possibly within the second that Last-Modified tells: only its entity tag
    /// can show that the content came out the same.
    pub(super) fn validators(&self) -> HeaderMap {
        let mut fields = HeaderMap::new();
        if let Some((object, standing)) = &self.object {
            policy::add_validators(&object.fields().to_map(), &mut fields);
            if *standing == Standing::Purged {
                fields.remove(header::IF_MODIFIED_SINCE);
            }
        }
        fields
    }
}

impl Engine {
    /// Looks for the request's object. `known` stands in for variants that the store has not kept.
    pub(super) fn seek(&self, asked: &Asked<'_>, known: Option<&Arc<Variants>>, now: u64) -> Sought {
        self.look(asked, known, now, Look::Use)
    }

    /// As [`Engine::seek`], with what the disk has held for the request, where the store has not kept that.
    pub(super) fn seek_with(
        &self,
        asked: &Asked<'_>,
        known: Option<&Arc<Variants>>,
        recalled: Option<&Object>,
        now: u64,
    ) -> Sought {
        let sought = self.seek(asked, known, now);
        match recalled {
            Some(recalled) if sought.object.is_none() => self.sought(asked, sought, recalled, now),
            _ => sought,
        }
    }

    /// What was sought, where it is this object, as far as it is the request's.
    pub(super) fn sought(&self, asked: &Asked<'_>, sought: Sought, object: &Object, now: u64) -> Sought {
        if object.framed_key() != sought.key(asked).as_bytes() {
            return sought;
        }
        let (standing, reason) = self.standing_for(&asked.control, object, now);
        Sought { object: Some((object.clone(), standing)), reason, ..sought }
    }

    /// As [`Engine::seek`], for a request or only to look on.
    pub(super) fn look(&self, asked: &Asked<'_>, known: Option<&Arc<Variants>>, now: u64, look: Look) -> Sought {
        let found = match (self.context().store.look(asked.primary(), look), known) {
            (Found::Nothing, Some(known)) => Found::Variants(known.clone()),
            (found, _) => found,
        };
        match found {
            Found::Nothing => Sought { variant: None, variants: None, object: None, reason: MissReason::Uri },
            Found::Object(object) => {
                let (standing, reason) = self.standing_for(&asked.control, &object, now);
                Sought { variant: None, variants: None, object: Some((object, standing)), reason }
            }
            Found::Variants(variants) => {
                let fields: ClientFields = asked.fields();
                let key = variants.variant(fields.all());
                let (object, reason) = match self.context().store.look_for_object(&key, look) {
                    Some(object) => {
                        let (standing, reason) = self.standing_for(&asked.control, &object, now);
                        (Some((object, standing)), reason)
                    }
                    None => (None, MissReason::Vary),
                };
                Sought { variant: Some(key), variants: Some(variants), object, reason }
            }
        }
    }

    /// As [`Engine::standing`], within what this client asks of caches; and why the upstream is asked, where it must be.
    pub(super) fn standing_for(&self, control: &RequestControl, object: &Object, now: u64) -> (Standing, MissReason) {
        let standing = self.standing(object, now);
        match (standing, control.allows(&object.lifetime(), now)) {
            (Standing::Expired { .. }, Allowed::Stale) => (Standing::Accepted, MissReason::Stale),
            (Standing::Ended | Standing::Purged, _) | (_, Allowed::AsWithout | Allowed::Stale) => {
                (standing, reason(standing))
            }
            (Standing::Expired { .. }, Allowed::Validated) => {
                (Standing::Expired { if_error: false }, MissReason::Stale)
            }
            (_, Allowed::Validated) => (Standing::Expired { if_error: false }, MissReason::Request),
        }
    }

    /// What may be done with an object at `now`, in Unix milliseconds. Purged is not stale (rule 5).
    pub(super) fn standing(&self, object: &Object, now: u64) -> Standing {
        match (object.verdict_cached(&self.context().live), object.lifetime().freshness(now)) {
            (Verdict::Purged, _) => Standing::Purged,
            (_, Freshness::Ended) => Standing::Ended,
            (Verdict::Servable, Freshness::Fresh) => Standing::Fresh,
            (Verdict::SoftPurged, Freshness::Fresh) => Standing::Refresh(StaleReason::SoftPurged),
            (_, Freshness::Stale { while_revalidate: true, .. }) => Standing::Refresh(StaleReason::WhileRevalidate),
            (_, Freshness::Stale { if_error, .. }) => Standing::Expired { if_error },
        }
    }
}

fn reason(standing: Standing) -> MissReason {
    match standing {
        Standing::Fresh | Standing::Refresh(_) | Standing::Accepted | Standing::Expired { .. } | Standing::Ended => {
            MissReason::Stale
        }
        Standing::Purged => MissReason::Purged,
    }
}
