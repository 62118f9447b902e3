//! A cacheable answer: its body, what it was made of, and until when it holds.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::headers;
use vitrine_shared::tag::Tag;

use super::etag;
use crate::error::ApiError;
use crate::state::AppState;

/// Most tags of an answer; above it coarser tags take the place of finer ones (invalidation protocol, rule 13).
pub const MAX_TAGS: usize = 1_000;

/// What fine tags begin with, and the coarse one that replaces them.
type Coarser = (&'static str, fn() -> Tag);

const COARSER: [Coarser; 7] = [
    ("product:", Tag::products),
    ("stock:", || Tag::all("stock")),
    ("category:", || Tag::all("categories")),
    ("collection:", || Tag::all("collections")),
    ("product-tag:", || Tag::all("product-tags")),
    ("product-type:", || Tag::all("product-types")),
    ("region:", || Tag::all("regions")),
];

/// An answer with what an edge needs to know of it.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    body: Vec<u8>,
    content_type: HeaderValue,
    /// What it shows, and what could have been in it.
    pub tags: BTreeSet<Tag>,
    valid_until: Option<i64>,
    epoch: Epoch,
}

/// The moment at which an answer's reading began.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    applied: Epoch,
    asked: Epoch,
    holds_lease: bool,
}

// === impl Moment ===

impl Moment {
    /// To be called before anything is read.
    ///
    /// An edge that knows a higher term than this process is told to come back: this process may be reading a primary
    /// that is one no more (rule 10).
    pub fn begin(state: &AppState, headers: &HeaderMap) -> Result<Self, ApiError> {
        let asked = headers::epoch(headers, &headers::CACHE_MIN_EPOCH)
            .map_err(|error| ApiError::invalid_data(error.to_string()))?
            .unwrap_or(Epoch::ZERO);
        let applied = state.live.applied();
        let known = applied.max(*state.position.borrow());
        if asked.term > known.term {
            return Err(ApiError::unavailable("The origin has not yet heard of this term; try again."));
        }
        Ok(Self { applied, asked, holds_lease: state.lease.holds() })
    }

    /// What was applied then: the stamp of what is read from Postgres.
    pub fn stamp(&self) -> Epoch {
        self.applied
    }

    /// Whether values of a cache may be used, if their tags allow it (rules 8 and 9).
    pub fn allows_caches(&self) -> bool {
        self.holds_lease && self.applied >= self.asked
    }

    /// What a replica must show at least; `None` where only the primary may be asked: without a lease writes may have been
    /// acknowledged that this process has not heard of.
    pub fn least_of_replicas(&self) -> Option<Epoch> {
        self.holds_lease.then(|| self.epoch())
    }

    /// From which epoch on the answer is true: the primary shows all that was numbered before it was read, and a replica
    /// is asked for no less.
    fn epoch(&self) -> Epoch {
        self.applied.max(self.asked)
    }
}

// === impl Reply ===

impl Reply {
    /// A JSON answer.
    pub fn new(moment: Moment, status: StatusCode, body: Vec<u8>) -> Self {
        let content_type = HeaderValue::from_static("application/json; charset=utf-8");
        Self { status, body, content_type, tags: BTreeSet::new(), valid_until: None, epoch: moment.epoch() }
    }

    /// An answer as text of another type.
    #[must_use]
    pub fn of_type(mut self, content_type: &'static str) -> Self {
        self.content_type = HeaderValue::from_static(content_type);
        self
    }

    /// An error that others may be told too, until its tags are purged: an absence.
    pub fn absence(moment: Moment, error: &ApiError) -> Self {
        Self::new(moment, error.status(), error.to_json().to_string().into_bytes())
    }

    /// Adds tags.
    #[must_use]
    pub fn tagged(mut self, tags: impl IntoIterator<Item = Tag>) -> Self {
        self.tags.extend(tags);
        self
    }

    /// Says when the answer ends without a write, in Unix milliseconds; the earliest of several counts.
    #[must_use]
    pub fn until(mut self, boundary: Option<i64>) -> Self {
        self.valid_until = [self.valid_until, boundary].into_iter().flatten().min();
        self
    }

    /// The response, or 304 where the caller has it already.
    pub fn respond(self, request: &HeaderMap) -> Response {
        let etag = etag::of(&self.body);
        let fresh = self.status == StatusCode::OK && etag::matches(request, &etag);
        let mut response = if fresh {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Response::new(Body::from(self.body));
            *response.status_mut() = self.status;
            response.headers_mut().insert(header::CONTENT_TYPE, self.content_type);
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, etag);
        headers.insert(headers::CACHE_EPOCH, headers::epoch_value(self.epoch));
        headers::append_tags(headers, &coarse_enough(self.tags));
        if let Some(until) = self.valid_until {
            headers.insert(headers::VITRINE_VALID_UNTIL, headers::valid_until_value(u64::try_from(until).unwrap_or(0)));
        }
        response
    }
}

/// Replaces kinds of fine tags by their coarse ones, the first kinds first, until there are few enough.
fn coarse_enough(mut tags: BTreeSet<Tag>) -> BTreeSet<Tag> {
    for (prefix, coarse) in COARSER {
        if tags.len() <= MAX_TAGS {
            break;
        }
        let before = tags.len();
        tags.retain(|tag| !tag.as_str().starts_with(prefix));
        if tags.len() < before {
            tags.insert(coarse());
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use vitrine_shared::event::Change;

    use super::*;

    #[test]
    fn too_many_tags_become_coarser_and_few_stay() {
        let few: BTreeSet<Tag> = (0..MAX_TAGS).map(|n| Tag::product(&n.to_string())).collect();
        assert_eq!(coarse_enough(few.clone()), few);
        let mut many = few;
        many.insert(Tag::products_of_collection("c"));
        assert_eq!(coarse_enough(many), [Tag::products(), Tag::products_of_collection("c")].into());
    }

    #[test]
    fn every_coarse_tag_is_purged_by_the_events_of_the_fine_one() {
        let id = || "1".to_owned();
        let changes = [
            Change::Product { id: id(), before: None, after: None },
            Change::Stock { variant_id: id(), availability_changed: false },
            Change::Category { id: id(), handles: [].into(), relatives: [].into() },
            Change::Collection { id: id(), handles: [].into() },
            Change::ProductTag { id: id() },
            Change::ProductType { id: id() },
            Change::Region { id: id() },
        ];
        for ((prefix, coarse), change) in COARSER.iter().zip(changes) {
            let tags = change.tags();
            assert!(tags.iter().any(|tag| tag.as_str().starts_with(prefix)), "{prefix}");
            assert!(tags.contains(&coarse()), "{prefix}");
        }
    }
}
