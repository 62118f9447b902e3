//! A cacheable request: answered from what is stored, or by a fill while interim responses are handed on.

use std::sync::Arc;

use http::Version;
use pingora::http::{RequestHeader, ResponseHeader};
use tokio::sync::mpsc;

use super::Edge;
use super::edge::{Limits, RequestContext, author};
use super::recipient::Recipient;
use super::write::write;
use crate::engine::{Answer, Answered, Asked, InterimSender, heeded};
use crate::key::{Canonical, Target};
use crate::rate::{Counted, Limited};
use crate::reason::PassReason;
use crate::rules::{CachePlan, RequestFacts};
use crate::upstream::Upstream;

/// What a cacheable request is answered by, besides its head.
pub(super) struct Cacheable<'r> {
    pub(super) target: &'r Target<'r>,
    pub(super) upstream: &'r Arc<Upstream>,
    pub(super) plan: &'r CachePlan,
    pub(super) limits: Limits<'r>,
}

/// What became of a cacheable request.
pub(super) enum Served {
    /// It was answered.
    Answered,
    /// It is to be passed.
    Passed(PassReason),
    /// It would go upstream, and is over a limit of such.
    Limited(Limited),
}

/// What comes of waiting for an upstream.
enum Next {
    Interim(Box<ResponseHeader>),
    Final(Answered),
}

impl Cacheable<'_> {
    /// Answers it, where it is neither to be passed nor over a limit.
    pub(super) async fn serve(
        &self,
        edge: &Edge,
        client: &mut Recipient<'_>,
        ctx: &mut RequestContext,
    ) -> pingora::Result<Served> {
        let head = client.head();
        let canonical = self.plan.settings.key.canonical(self.target, &head.headers);
        let asked = self.asked(ctx, head, &canonical, None);
        if let Some(answer) = edge.engine.at_hand(&asked).await {
            return send(client, ctx, answer).await;
        }
        let facts = RequestFacts::new(&head.method, self.target, &head.headers);
        if let Err(limited) = self.limits.check(Counted::Upstream, ctx.client.address, &facts) {
            return Ok(Served::Limited(limited));
        }
        // So that the client is free to carry interim responses while the upstream is waited for.
        let head = client.shared_head();
        let (interim, mut heads) = mpsc::unbounded_channel();
        // HTTP/1.0 knows no interim responses (RFC 9110 §15.2); Pingora sends none over HTTP/2.
        let interim = (head.version == Version::HTTP_11).then_some(&interim);
        let answered = {
            let asked = self.asked(ctx, &head, &canonical, interim);
            let mut answering = std::pin::pin!(edge.engine.answer(&asked));
            loop {
                let next = async {
                    tokio::select! {
                        biased;
                        Some(head) = heads.recv() => Next::Interim(head),
                        answered = &mut answering => Next::Final(answered),
                    }
                };
                match client.while_there(next).await? {
                    Next::Interim(head) => hand_on(client, head).await?,
                    Next::Final(answered) => break answered,
                }
            }
        };
        // What came together with the final head goes before it.
        while let Ok(head) = heads.try_recv() {
            hand_on(client, head).await?;
        }
        match answered {
            Answered::Answer(answer) => send(client, ctx, answer).await,
            Answered::Pass(reason) => Ok(Served::Passed(reason)),
        }
    }

    fn asked<'a>(
        &'a self,
        ctx: &'a RequestContext,
        head: &'a RequestHeader,
        canonical: &'a Canonical,
        interim: Option<&'a InterimSender>,
    ) -> Asked<'a> {
        Asked {
            rule: &ctx.rule,
            upstream: self.upstream,
            settings: &self.plan.settings,
            target: self.target,
            method: &head.method,
            canonical,
            headers: &head.headers,
            control: heeded(&self.plan.settings, &head.headers),
            interim,
            request_id: &ctx.request_id,
        }
    }
}

async fn hand_on(client: &mut Recipient<'_>, head: Box<ResponseHeader>) -> pingora::Result<()> {
    client.write_head(*head, None).await
}

async fn send(client: &mut Recipient<'_>, ctx: &mut RequestContext, mut answer: Answer) -> pingora::Result<Served> {
    let head = client.head();
    ctx.transform.finish(&head.headers, answer.status, author(answer.outcome), &mut answer.fields);
    ctx.outcome = answer.outcome;
    write(client, answer, &ctx.request_id).await.map(|()| Served::Answered)
}
