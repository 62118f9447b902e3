//! Requests that are answered without Pingora.

use http::Method;

use super::Edge;
use super::edge::{RequestContext, Taken, refusal_of, write_refusal};
use super::recipient::Recipient;
use crate::downstream::{OwnAnswer, OwnSession};

impl Edge {
    /// Answers a plain GET, where it is cached.
    pub(super) async fn own(&self, session: &mut OwnSession) -> OwnAnswer {
        let mut ctx = RequestContext::default();
        let peer = session.peer();
        let taken = self.take(&mut Recipient::Own(session), Some(peer), &mut ctx).await;
        let failed = match taken {
            Ok(Taken::Pass) => return OwnAnswer::NotMine,
            Ok(Taken::Answered) => false,
            Err(error) => {
                session.end_after();
                if !session.is_head_sent()
                    && let Some(refusal) = refusal_of(&error)
                    && let Err(error) = write_refusal(&mut Recipient::Own(session), &ctx, &refusal).await
                {
                    tracing::debug!(%error, "an error response could not be sent");
                }
                true
            }
        };
        let (status, bytes) = session.sent();
        self.ended(&ctx, &Method::GET, status, bytes, failed);
        OwnAnswer::Mine
    }
}
