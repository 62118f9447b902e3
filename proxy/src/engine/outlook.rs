//! What would become of a request now: the engine's decisions without their effects, for `explain`.
//!
//! Nothing is asked, begun, counted or kept the longer for it. Each decision is made by the function that requests use.

use std::sync::Arc;

use vitrine_shared::clock::{BootTime, unix_millis};

use super::Engine;
use super::asked::Asked;
use super::cut_off::serves_for;
use super::seek::{Sought, Standing};
use crate::feed::connection::State;
use crate::fill::Unstored;
use crate::key::CacheKey;
use crate::purge::address;
use crate::reason::{MissReason, Outcome, PassReason, StaleReason};
use crate::store::{Look, Object, Variants};

/// What would become of a cacheable request.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// When this was looked at, in Unix milliseconds.
    pub now: u64,
    /// Whether this edge may serve without asking.
    pub connection: State,
    /// What would be done.
    pub next: Next,
    /// The key of its object: the primary one, or its variant's.
    pub key: CacheKey,
    /// By what the upstream is known to vary; absent where it is not known to.
    pub variants: Option<Arc<Variants>>,
    /// What is stored under the key.
    pub object: Option<Object>,
    /// Whether the disk holds something under the key that memory does not, so that it is looked at before the upstream is asked.
    pub is_on_disk: bool,
    /// Whether a fill is under way that brings it.
    pub is_filling: bool,
    /// Why the last answer was not stored, where that is remembered.
    pub unstored: Option<Unstored>,
    /// How it would be served if the upstream failed; absent where it would not be.
    pub on_failure: Option<StaleReason>,
}

/// What would be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is answered without asking the upstream for it; a stale answer has its one refresh begun behind.
    Answered(Outcome),
    /// It is passed.
    Passed(PassReason),
    /// The upstream is asked.
    Asks {
        /// Why.
        reason: MissReason,
        /// Whether with the entity tag or date of what is stored, so that a 304 is enough.
        conditionally: bool,
        /// How others are involved.
        with: With,
    },
}

/// Who shares a request to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// It would begin a fill that others may join.
    Others,
    /// It would join the fill that is under way.
    Running,
    /// Nobody: the client forbids storing, the last answer was for one client alone, or this edge has no lease.
    Nobody,
}

impl Engine {
    /// What would become of a request, were it made now.
    pub fn outlook(&self, asked: &Asked<'_>) -> Outlook {
        let connection = self.connection().state(BootTime::now());
        let now = unix_millis();
        let sought = self.look(asked, None, now, Look::Peek);
        let key = sought.key(asked).clone();
        let is_filling = self.context().inflight.has(key.hash());
        let on_failure = self.on_failure(asked, &sought, connection, now);
        let next = self.next(asked, &sought, connection, is_filling);
        let is_on_disk = sought.object.is_none() && self.is_on_disk(asked, &key);
        Outlook {
            now,
            connection,
            next,
            key,
            variants: sought.variants,
            object: sought.object.map(|(object, _)| object),
            is_on_disk,
            is_filling,
            unstored: self.context().marks.why(asked.primary().hash()),
            on_failure,
        }
    }

    /// As [`Engine::at_hand`] and [`Engine::answer`] decide, in their order.
    fn next(&self, asked: &Asked<'_>, sought: &Sought, connection: State, is_filling: bool) -> Next {
        let is_connected = connection == State::Connected;
        let served = if is_connected { sought.served() } else { None };
        if let Some((_, outcome)) = served {
            return Next::Answered(outcome);
        }
        if let Some(reason) = self.passed(asked) {
            return Next::Passed(reason);
        }
        if !is_connected && let Some((_, outcome)) = sought.served_cut_off(asked) {
            return Next::Answered(outcome);
        }
        if asked.control.only_if_cached {
            return Next::Answered(Outcome::NotCached);
        }
        let with = match is_filling {
            _ if !is_connected || self.goes_alone(asked) => With::Nobody,
            true => With::Running,
            false => With::Others,
        };
        let reason = if is_connected { sought.reason } else { sought.reason_cut_off() };
        Next::Asks { reason, conditionally: !sought.validators().is_empty(), with }
    }

    fn is_on_disk(&self, asked: &Asked<'_>, key: &CacheKey) -> bool {
        let url = || address::url(asked.target, &asked.canonical.path_and_query).hash();
        self.context().disk.as_ref().is_some_and(|disk| disk.has(key.as_bytes(), url()))
    }

    fn on_failure(&self, asked: &Asked<'_>, sought: &Sought, connection: State, now: u64) -> Option<StaleReason> {
        let (object, _) = sought.object.as_ref()?;
        let standing: Standing = self.standing(object, now);
        match connection {
            State::Connected => {
                self.standing_for(&asked.control, object, now).0.covers_error().then_some(StaleReason::IfError)
            }
            State::CutOff { since } => {
                (serves_for(asked, since) && standing.survives_cut_off()).then_some(StaleReason::ServeFor)
            }
        }
    }

    /// Whether the invalidation protocol promises anything: without a feed it does not.
    pub fn has_promise(&self) -> bool {
        self.labels
    }

    /// What may be done with an object now, for whoever looks on: `fresh`, `stale`, `ended` or `purged`.
    pub fn standing_of(&self, object: &Object, now: u64) -> &'static str {
        match self.standing(object, now) {
            Standing::Fresh => "fresh",
            Standing::Refresh(StaleReason::SoftPurged) => "softly purged",
            Standing::Refresh(_) | Standing::Accepted | Standing::Expired { .. } => "stale",
            Standing::Ended => "ended",
            Standing::Purged => "purged",
        }
    }
}
