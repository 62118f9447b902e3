//! A request while the lease holds, or where there is no feed.

use std::sync::Arc;

use vitrine_shared::clock::{BootTime, unix_millis};
use vitrine_shared::coherence::Stamp;

use super::Engine;
use super::answer::{Answer, Answered, Context as Told};
use super::asked::Asked;
use super::fetch::{DISK_ROUNDS, Role, Taken};
use super::seek::{Sought, Standing};
use crate::feed::connection::State;
use crate::fill::{Fill, Place, Recollected, Source};
use crate::reason::{MissReason, Outcome, StaleReason};
use crate::store::{Object, Variants};

/// How often a request asks anew because what it waited for was overtaken or another's variant, before it asks on its own.
const MAX_RESTARTS: usize = 3;
/// How often it does so on its own.
const MAX_OWN: usize = 2;

/// What a request has learned from fills that it could not use.
#[derive(Debug, Default)]
struct Learned {
    refused: Option<Arc<Fill>>,
    variants: Option<Arc<Variants>>,
    /// What the disk held, where it may not be served as it is.
    recalled: Option<Object>,
    reason: Option<MissReason>,
}

impl Engine {
    /// What the store can answer without asking or waiting for the upstream; cut off, nothing.
    pub async fn at_hand(&self, asked: &Asked<'_>) -> Option<Answer> {
        // The clock is read here, after the head was, and never cached: a stopped process must not serve on waking (rule 9).
        match self.connection().state(BootTime::now()) {
            State::Connected => {
                let now = unix_millis();
                self.stored(asked, &self.seek(asked, None, now), now).await
            }
            State::CutOff { .. } => None,
        }
    }

    pub(super) async fn connected(&self, asked: &Asked<'_>) -> Answered {
        let joined_at = self.context().live.stamp();
        let mut learned = Learned::default();
        for _ in 0..=MAX_RESTARTS + DISK_ROUNDS {
            let now = unix_millis();
            let sought = self.seek_with(asked, learned.variants.as_ref(), learned.recalled.as_ref(), now);
            if let Some(answer) = self.stored(asked, &sought, now).await {
                return Answered::Answer(answer);
            }
            if asked.control.only_if_cached {
                return Answered::Answer(Box::pin(self.recalled_alone(asked, sought)).await);
            }
            if self.goes_alone(asked) {
                break;
            }
            match self.shared(asked, &sought, joined_at, learned.refused.as_ref()).await {
                Shared::Stored => {}
                Shared::Own => break,
                Shared::Fill(fill, taken) => match self.conclude(asked, &sought, taken, learned.reason).await {
                    Ok(answer) => return answer,
                    Err(Anew { reason, variants, recalled }) => {
                        learned.reason = reason.or(learned.reason);
                        learned.variants = variants.or(learned.variants);
                        learned.recalled = recalled.or(learned.recalled);
                        learned.refused = Some(fill);
                    }
                },
            }
        }
        // Boxed, as all that few requests do: each waits with room for all of it.
        Box::pin(self.alone(asked, joined_at, learned)).await
    }

    /// What the disk holds, for a client that wants nothing of the upstream (RFC 9111 §5.2.1.7).
    async fn recalled_alone(&self, asked: &Asked<'_>, mut sought: Sought) -> Answer {
        // Held before the disk is looked at, as by a fill.
        let url = self.present(asked);
        // Once for what it varies by, once for the variant.
        for _ in 0..2 {
            let (key, context) = (sought.key(asked).clone(), self.context());
            let object = match context.recall(&key, asked.primary(), &url, None).await {
                Recollected::Varies(variants) => {
                    sought = self.seek(asked, Some(&variants), unix_millis());
                    continue;
                }
                Recollected::Object(object) => object,
                // Nothing is sent on before it was judged.
                Recollected::Nothing | Recollected::Arriving(..) => break,
            };
            let now = unix_millis();
            sought = self.sought(asked, sought, &object, now);
            if let Some(answer) = self.served_from_disk(asked, &sought, now).await {
                return answer;
            }
            break;
        }
        Answer::not_cached(asked.rule)
    }

    /// What came off the disk as the answer, where it may be served as it is.
    pub(super) async fn served_from_disk(&self, asked: &Asked<'_>, sought: &Sought, now: u64) -> Option<Answer> {
        let (object, outcome) = sought.served()?;
        self.refresh_where_due(asked, sought);
        Some(self.object_answer(asked, object, Told::from_disk(outcome), now).await)
    }

    /// What the store can answer now; a stale object sets its one refresh going.
    async fn stored(&self, asked: &Asked<'_>, sought: &Sought, now: u64) -> Option<Answer> {
        let (object, outcome) = sought.served()?;
        self.refresh_where_due(asked, sought);
        Some(self.object_answer(asked, object, Told::of(outcome), now).await)
    }

    /// Starts the refresh of an object that is served stale until that has ended.
    pub(super) fn refresh_where_due(&self, asked: &Asked<'_>, sought: &Sought) {
        if matches!(sought.object, Some((_, Standing::Refresh(_)))) {
            self.refresh_behind(asked, sought);
        }
    }

    /// Starts the one refresh of a stale object, unless it runs already.
    fn refresh_behind(&self, asked: &Asked<'_>, sought: &Sought) {
        let key = sought.key(asked).hash();
        let started = self.context().inflight.start_alone(key, || {
            let still_stale = sought.object.as_ref().is_none_or(|(stale, _)| {
                let stored = self.context().store.same(stale);
                stored.is_none_or(|stored| stored.is(stale))
            });
            still_stale.then(|| Fill::start(&self.context().budget))
        });
        let Some(started) = started else {
            return;
        };
        match Self::request(asked, sought) {
            Some(request) => self.run(asked, sought, request, Some(key), started.fill, started.ends),
            None => self.context().inflight.remove(key, &started.fill),
        }
    }

    /// Whether a request neither joins a fill nor lets others join its own: its answer would not be for them.
    pub(super) fn goes_alone(&self, asked: &Asked<'_>) -> bool {
        asked.control.no_store || self.context().marks.holds(asked.primary().hash())
    }

    /// Joins the running fill of this key, or starts it.
    async fn shared(
        &self,
        asked: &Asked<'_>,
        sought: &Sought,
        joined_at: Stamp,
        refused: Option<&Arc<Fill>>,
    ) -> Shared {
        let Some(request) = Self::request(asked, sought) else {
            return Shared::Own;
        };
        let key = sought.key(asked);
        let placing = self.placing.begin();
        let place = self.context().inflight.join_or_start(key.hash(), refused, || {
            // A fill that ended between the look and here has stored its object by now, or has shown by what it varies, so
            // that the object stands, or is on its way, under another key.
            let again = self.seek(asked, sought.variants.as_ref(), unix_millis());
            if again.key(asked) != key || again.served().is_some() {
                return None;
            }
            Some(Fill::start(&self.context().budget))
        });
        drop(placing);
        match place {
            Place::NotNeeded => Shared::Stored,
            Place::Joined(fill) => {
                let taken = self.take(asked, &fill, fill.reader(), Role::Follower, joined_at).await;
                if matches!(taken, Taken::Own) { Shared::Own } else { Shared::Fill(fill, taken) }
            }
            Place::Started(started) => {
                let fill = started.fill.clone();
                self.run(asked, sought, request, Some(key.hash()), started.fill, started.ends);
                let taken = self.take(asked, &fill, started.reader, Role::Starter, joined_at).await;
                Shared::Fill(fill, taken)
            }
        }
    }

    /// On its own: nobody waits for this request, and it waits for nobody.
    async fn alone(&self, asked: &Asked<'_>, joined_at: Stamp, learned: Learned) -> Answered {
        let Learned { mut variants, mut recalled, mut reason, .. } = learned;
        let mut last = MissReason::Overtaken;
        for _ in 0..=MAX_OWN + DISK_ROUNDS {
            let sought = self.seek_with(asked, variants.as_ref(), recalled.as_ref(), unix_millis());
            let taken = self.fetch_alone(asked, &sought, joined_at).await;
            match self.conclude(asked, &sought, taken, reason).await {
                Ok(answer) => return answer,
                Err(anew) => {
                    last = anew.reason.unwrap_or(last);
                    reason = anew.reason.or(reason);
                    variants = anew.variants.or(variants);
                    recalled = anew.recalled.or(recalled);
                }
            }
        }
        // The upstream keeps answering with what was purged before this request came.
        Answered::Answer(Answer::unavailable(
            asked.rule,
            last,
            "the upstream's answers are older than what it has acknowledged",
        ))
    }

    /// Turns what was taken into the answer, or says what to ask anew with.
    async fn conclude(
        &self,
        asked: &Asked<'_>,
        sought: &Sought,
        taken: Taken,
        reason: Option<MissReason>,
    ) -> Result<Answered, Anew> {
        let reason = reason.unwrap_or(sought.reason);
        match taken {
            Taken::Reply(reply, reader, _) if reply.source == Source::Disk => {
                Ok(self.replied(asked, &reply, reader, Told::from_disk(Outcome::Hit)))
            }
            Taken::Recalled(object) => {
                let now = unix_millis();
                let found = self.sought(asked, sought.without_object(), &object, now);
                match Box::pin(self.served_from_disk(asked, &found, now)).await {
                    Some(answer) => Ok(Answered::Answer(answer)),
                    None => Err(Anew { reason: None, variants: None, recalled: Some(object) }),
                }
            }
            Taken::Reply(reply, reader, role) => {
                if is_failure(reply.status.as_u16())
                    && let Some(stale) = Box::pin(self.if_error(asked, sought, Some(reply.status.as_u16()))).await
                {
                    return Ok(Answered::Answer(stale));
                }
                let told = Told { collapsed: role == Role::Follower, ..Told::of(Outcome::Miss(reason)) };
                Ok(self.replied(asked, &reply, reader, told))
            }
            Taken::Freshened(object, role) => {
                let outcome = Outcome::Revalidated(reason);
                let told = Told {
                    collapsed: role == Role::Follower,
                    stored: true,
                    fwd_status: Some(304),
                    ..Told::of(outcome)
                };
                Ok(Answered::Answer(Box::pin(self.object_answer(asked, &object, told, unix_millis())).await))
            }
            Taken::Anew(reason, variants) => Err(Anew { reason: Some(reason), variants, recalled: None }),
            Taken::Own => Err(Anew { reason: Some(reason), variants: None, recalled: None }),
            Taken::Failed(error) => {
                let stale = Box::pin(self.if_error(asked, sought, None)).await;
                Ok(Answered::Answer(stale.unwrap_or_else(|| Answer::failed(asked.rule, reason, &error))))
            }
        }
    }

    /// The stale object in place of a failure (RFC 5861 §4), judged again: a purge may have come while the upstream failed.
    async fn if_error(&self, asked: &Asked<'_>, sought: &Sought, fwd_status: Option<u16>) -> Option<Answer> {
        let (object, _) = sought.object.as_ref()?;
        let now = unix_millis();
        let covered = self.standing_for(&asked.control, object, now).0.covers_error();
        let told = Told { fwd_status, ..Told::of(Outcome::Stale(StaleReason::IfError)) };
        if covered { Some(self.object_answer(asked, object, told, now).await) } else { None }
    }
}

/// What came of looking for a fill to share.
enum Shared {
    /// The object was stored in the meantime.
    Stored,
    /// It cannot be shared.
    Own,
    /// What this request takes from it.
    Fill(Arc<Fill>, Taken),
}

/// What to ask anew with.
struct Anew {
    /// Why, where that tells more than what is sought.
    reason: Option<MissReason>,
    variants: Option<Arc<Variants>>,
    recalled: Option<Object>,
}

/// The statuses that stand for a failure of the upstream (RFC 5861 §4).
pub(super) fn is_failure(status: u16) -> bool {
    matches!(status, 500 | 502 | 503 | 504)
}
