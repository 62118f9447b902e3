//! A request while this edge has no lease (invalidation protocol, rule 11): nothing is served without asking, and no running
//! fill is joined. What is fetched is stored all the same: its stamp is what this edge had applied, so a purge that it does
//! not know of yet reaches it when the feed is back.

use std::sync::Arc;

use vitrine_shared::clock::{BootTime, unix_millis};

use super::Engine;
use super::answer::{Answer, Answered, Context as Told};
use super::asked::Asked;
use super::fetch::{DISK_ROUNDS, Taken};
use super::seek::Sought;
use crate::fill::Source;
use crate::reason::{MissReason, Outcome, StaleReason};
use crate::rules::OnDisconnect;
use crate::store::{Object, Variants};

/// How often a request asks anew because the answer was another's variant or older than what it must show.
const MAX_ATTEMPTS: usize = 3;
/// What a client is told when neither feed nor upstream can be reached.
const UNREACHABLE: &str = "this edge is cut off and the upstream cannot be reached";

impl Engine {
    pub(super) async fn cut_off(&self, asked: &Asked<'_>, since: BootTime) -> Answered {
        let joined_at = self.context().live.stamp();
        let mut variants: Option<Arc<Variants>> = None;
        let mut recalled: Option<Object> = None;
        let mut last = MissReason::Disconnected;
        for _ in 0..MAX_ATTEMPTS + DISK_ROUNDS {
            let now = unix_millis();
            let sought = self.seek_with(asked, variants.as_ref(), recalled.as_ref(), now);
            if let Some(answer) = self.served_disconnected(asked, &sought, now).await {
                return Answered::Answer(answer);
            }
            if asked.control.only_if_cached {
                return Answered::Answer(Answer::not_cached(asked.rule));
            }
            let reason = sought.reason_cut_off();
            match self.fetch_alone(asked, &sought, joined_at).await {
                Taken::Recalled(object) => recalled = Some(object),
                // The lease was granted meanwhile.
                Taken::Reply(reply, reader, _) if reply.source == Source::Disk => {
                    return self.replied(asked, &reply, reader, Told::from_disk(Outcome::Hit));
                }
                Taken::Reply(reply, reader, _) => {
                    let status = reply.status.as_u16();
                    if is_unreachable(status) {
                        let old = self.serve_for(asked, &sought, since, Some(status)).await;
                        return Answered::Answer(
                            old.unwrap_or_else(|| Answer::unavailable(asked.rule, reason, UNREACHABLE)),
                        );
                    }
                    return self.replied(asked, &reply, reader, Told::of(Outcome::Miss(reason)));
                }
                Taken::Freshened(object, _) => {
                    let outcome = Outcome::Revalidated(MissReason::Disconnected);
                    let told = Told { stored: true, fwd_status: Some(304), ..Told::of(outcome) };
                    return Answered::Answer(self.object_answer(asked, &object, told, unix_millis()).await);
                }
                Taken::Failed(_) => {
                    let old = self.serve_for(asked, &sought, since, None).await;
                    return Answered::Answer(
                        old.unwrap_or_else(|| Answer::unavailable(asked.rule, reason, UNREACHABLE)),
                    );
                }
                Taken::Anew(why, more) => {
                    last = why;
                    variants = more.or(variants);
                }
                Taken::Own => {}
            }
        }
        Answered::Answer(Answer::unavailable(
            asked.rule,
            last,
            "the upstream's answers are older than what it has acknowledged",
        ))
    }

    /// `on_disconnect = "serve"`: what is stored is served as if nothing were amiss.
    async fn served_disconnected(&self, asked: &Asked<'_>, sought: &Sought, now: u64) -> Option<Answer> {
        let (object, outcome) = sought.served_cut_off(asked)?;
        self.refresh_where_due(asked, sought);
        Some(self.object_answer(asked, object, Told::of(outcome), now).await)
    }

    /// The old object, for as long after the edge was cut off as the rule allows; never one that is known to be purged or to
    /// have ended by the clock.
    async fn serve_for(
        &self,
        asked: &Asked<'_>,
        sought: &Sought,
        since: BootTime,
        fwd_status: Option<u16>,
    ) -> Option<Answer> {
        let (object, _) = sought.object.as_ref()?;
        let now = unix_millis();
        let servable = serves_for(asked, since) && self.standing(object, now).survives_cut_off();
        let told = Told { fwd_status, ..Told::of(Outcome::Stale(StaleReason::ServeFor)) };
        if servable { Some(self.object_answer(asked, object, told, now).await) } else { None }
    }
}

impl Sought {
    /// As [`Sought::served`], without a lease.
    pub(super) fn served_cut_off(&self, asked: &Asked<'_>) -> Option<(&Object, Outcome)> {
        let served = self.served().filter(|_| asked.settings.on_disconnect == OnDisconnect::Serve)?;
        Some(if served.1 == Outcome::Hit { (served.0, Outcome::HitDisconnected) } else { served })
    }

    /// Why the upstream is asked, without a lease.
    pub(super) fn reason_cut_off(&self) -> MissReason {
        if self.object.is_some() { MissReason::Disconnected } else { self.reason }
    }
}

/// Whether the rule's `serve_for` still runs for an edge that was cut off then.
pub(super) fn serves_for(asked: &Asked<'_>, since: BootTime) -> bool {
    asked.settings.serve_for.is_some_and(|allowed| BootTime::now().since(since) <= allowed)
}

/// Statuses by which a gateway says that what lies behind it cannot be reached.
fn is_unreachable(status: u16) -> bool {
    matches!(status, 502..=504)
}
