//! Looks at a request under a configuration, and at what an edge holds for it.

use http::HeaderValue;
use vitrine_shared::clock::BootTime;
use vitrine_shared::tag::Tag;

use super::question::Question;
use super::report::{self, Explanation, Request, Upstream, Verdict};
use super::{client, object, rule, words};
use crate::config::Config;
use crate::engine::{self, Engine, Next, Outlook, With};
use crate::feed::connection::State;
use crate::key::{Canonical, KeyParts, Target};
use crate::purge::Purger;
use crate::rate::{Caller, Counted, RateLimits};
use crate::reason::{NotStored, Outcome, PassReason, StaleReason};
use crate::rules::{Action, DEFAULT_RULE, Decision, RequestFacts};
use crate::service::preflight;
use crate::service::purge::{self, Right};
use crate::service::target::target;

/// The name of an explained request in logs, where it would have one.
const REQUEST_ID: HeaderValue = HeaderValue::from_static("explain");

/// A running edge.
#[derive(Clone, Copy, Debug)]
pub struct Edge<'e> {
    /// Its name.
    pub name: &'e str,
    /// What it holds.
    pub engine: &'e Engine,
    /// What was purged.
    pub purger: &'e Purger,
    /// The number of the configuration.
    pub generation: u64,
    /// What was counted under the rate limits; absent where another configuration than theirs is asked about.
    pub limits: Option<&'e RateLimits>,
}

/// Explains a request under `config`: with what `edge` holds, or by the configuration alone. `tags` are those of which is to be told
/// whether the object has them.
pub fn explain(config: &Config, question: &Question, tags: &[Tag], edge: Option<Edge<'_>>) -> Explanation {
    let looker = Looker { config, question, tags, edge };
    let mut explanation = looker.look();
    explanation.edge = edge.map(|edge| report::Edge {
        name: edge.name.to_owned(),
        generation: edge.generation,
        connected: edge.engine.connection().state(BootTime::now()) == State::Connected,
        applied: edge.engine.context().live.applied().to_string(),
    });
    explanation
}

struct Looker<'l> {
    config: &'l Config,
    question: &'l Question,
    tags: &'l [Tag],
    edge: Option<Edge<'l>>,
}

impl Looker<'_> {
    /// In the order of [`Edge`](crate::service::Edge).
    fn look(&self) -> Explanation {
        let head = self.question.head();
        let client = self.question.client(self.config);
        let address = client.address.map(|address| address.to_string());
        let request = |target: Option<&Target>| Request {
            method: head.method.to_string(),
            url: target.map(|target| [target.scheme().as_str(), "://", target.host(), &target.passed()].concat()),
            client: address.clone(),
            dropped: Vec::new(),
        };
        let target = match target(head, &client, &self.config.listen.limits) {
            Ok(target) => target,
            Err(error) => return answered(request(None), None, Outcome::Refused(error), ""),
        };
        let rules = &self.config.rules;
        let facts = RequestFacts::new(&head.method, &target, &head.headers);
        let request = request(Some(&target));
        if let Some((rule, _)) = preflight::find(rules, head, &target) {
            return answered(request, Some(bare(&rule.name)), Outcome::Preflight, "");
        }
        if let Some((rule, right)) = purge::find(rules, &facts, client.address) {
            let more = match right {
                Right::Nobody => "It gets 405: the rule has no `purge_from`.",
                Right::ThisAddress => "This client's address may.",
                Right::Others => "This client's address may not; it gets 403 without the operations token.",
            };
            let name = rule.map_or(DEFAULT_RULE, |rule| &rule.name);
            return answered(request, Some(bare(name)), Outcome::Purge, more);
        }
        let decision = rules.decide(&facts);
        let caller = Caller { address: client.address, request: &facts };
        let told = rule::rule(self.config, &caller);
        if let Some(more) = self.limited(&decision, Counted::All, &caller) {
            return answered(request, Some(told), Outcome::Limited, &more);
        }
        match &decision.action {
            Action::Pass(reason) => match self.limited(&decision, Counted::Upstream, &caller) {
                Some(more) => answered(request, Some(told), Outcome::Limited, &more),
                None => self.passed(request, told, &decision, &target, *reason),
            },
            Action::Cache(plan) => {
                let canonical = plan.settings.key.canonical(&target, &head.headers);
                let asked = engine::Asked {
                    rule: &decision.rule,
                    upstream: &decision.upstream,
                    settings: &plan.settings,
                    target: &target,
                    canonical: &canonical,
                    method: &head.method,
                    headers: &head.headers,
                    control: engine::heeded(&plan.settings, &head.headers),
                    interim: None,
                    request_id: &REQUEST_ID,
                };
                let request = Request { dropped: rule::dropped(&target, &plan.settings), ..request };
                let limited = self.limited(&decision, Counted::Upstream, &caller);
                self.cached(request, told, &decision, &asked, limited)
            }
        }
    }

    /// Which rate limit would refuse the request, and for how long, where one would.
    fn limited(&self, decision: &Decision, counted: Counted, caller: &Caller<'_>) -> Option<String> {
        let named = self.config.rules.rate_limits(decision.place);
        let limits = self.edge.and_then(|edge| edge.limits)?;
        let limited = limits.look(named, counted, caller, BootTime::now()).err()?;
        Some(format!("It is the limit `{}`, for another {}.", limited.limit, words::span(limited.retry_after())))
    }

    fn passed(
        &self,
        request: Request,
        rule: report::Rule,
        decision: &Decision,
        target: &Target,
        reason: PassReason,
    ) -> Explanation {
        let mut summary = format!("Pass: the upstream `{}` is asked past the cache.", decision.upstream.name);
        summary = format!("{summary} {}", reason.sentence());
        if let Some(name) = &rule.passed_for {
            summary = format!("{summary} Here it is the {name}.");
        }
        let upstream = self.upstream(decision, target, &target.passed());
        Explanation { summary, upstream: Some(upstream), ..answered(request, Some(rule), Outcome::Pass(reason), "") }
    }

    fn cached(
        &self,
        request: Request,
        rule: report::Rule,
        decision: &Decision,
        asked: &engine::Asked<'_>,
        limited: Option<String>,
    ) -> Explanation {
        let upstream = self.upstream(decision, asked.target, &asked.canonical.path_and_query);
        let outlook = self.edge.map(|edge| (edge, edge.engine.outlook(asked)));
        let hash = outlook.as_ref().map(|_| format!("{:032x}", asked.canonical.key.hash()));
        let key = key(asked.canonical, hash);
        let Some((edge, outlook)) = outlook else {
            let sentence = "No running edge was asked, so only the file speaks: the request is looked up in the cache under this \
                key, and the upstream is asked where that holds nothing that may be served.";
            let verdict = Verdict {
                outcome: "lookup",
                reason: "",
                sentence: sentence.to_owned(),
                conditionally: false,
                is_on_disk: false,
                is_filling: false,
                if_the_upstream_fails: None,
            };
            let summary = format!("Rule `{}` caches it. {sentence}", rule.name);
            let upstream = Some(upstream);
            let mut explanation = blank(request, Some(rule), verdict, summary);
            (explanation.key, explanation.upstream) = (key, upstream);
            return explanation;
        };
        if let (Some(more), Next::Asks { .. } | Next::Passed(_)) = (limited, &outlook.next) {
            return answered(request, Some(rule), Outcome::Limited, &more);
        }
        let object = outlook
            .object
            .as_ref()
            .map(|stored| object::object(edge.engine, edge.purger, asked, stored, self.tags, outlook.now));
        let client =
            outlook.object.as_ref().map(|stored| client::client(asked, &decision.transform, stored, outlook.now));
        let verdict = verdict(&outlook);
        let last_not_stored = not_stored(&outlook, asked);
        let summary = summary(&rule.name, &verdict, &outlook, object.as_ref(), last_not_stored.as_ref());
        let variants = variants(&outlook);
        Explanation {
            key,
            variants,
            object,
            last_not_stored,
            client,
            upstream: Some(upstream),
            ..blank(request, Some(rule), verdict, summary)
        }
    }

    fn upstream(&self, decision: &Decision, target: &Target, path_and_query: &str) -> Upstream {
        let upstream = &decision.upstream;
        let health = self.edge.and_then(|edge| {
            let reports = edge.engine.context().client.pools().report();
            reports.into_iter().find(|report| *report.name == *upstream.name).map(|report| report.addresses)
        });
        Upstream {
            name: upstream.name.to_string(),
            asked_for: upstream.request_target(path_and_query),
            host: upstream.host.as_deref().unwrap_or(target.host()).to_owned(),
            addresses: upstream.addresses.iter().map(ToString::to_string).collect(),
            health,
        }
    }
}

fn key(canonical: &Canonical, hash: Option<String>) -> Option<report::Key> {
    let parts = KeyParts::of(&canonical.key)?;
    Some(report::Key {
        hash,
        scope: parts.scope.to_owned(),
        url: parts.url(),
        headers: parts.headers.iter().map(words::of_header).collect(),
        cookies: parts.cookies.iter().map(words::of_cookie).collect(),
        device: parts.device.map(str::to_owned),
    })
}

fn variants(outlook: &Outlook) -> Option<report::Variants> {
    let variants = outlook.variants.as_ref()?;
    let this = KeyParts::of(&outlook.key).map(|parts| words::of_variant(&parts)).unwrap_or_default();
    Some(report::Variants { kept: variants.kept().len(), this })
}

fn not_stored(outlook: &Outlook, asked: &engine::Asked<'_>) -> Option<report::NotStored> {
    if asked.control.no_store {
        let reason = NotStored::RequestNoStore;
        return Some(report::NotStored { reason: reason.label(), sentence: reason.sentence(), ago_seconds: 0 });
    }
    let unstored = outlook.unstored?;
    Some(report::NotStored {
        reason: unstored.reason.label(),
        sentence: unstored.reason.sentence(),
        ago_seconds: unstored.ago.as_secs(),
    })
}

fn verdict(outlook: &Outlook) -> Verdict {
    let (outcome, conditionally) = match outlook.next {
        Next::Answered(outcome) => (outcome, false),
        Next::Passed(reason) => (Outcome::Pass(reason), false),
        Next::Asks { reason, conditionally, .. } => (Outcome::Miss(reason), conditionally),
    };
    let on_failure = outlook.on_failure.filter(|_| matches!(outlook.next, Next::Asks { .. }));
    Verdict {
        outcome: outcome.label(),
        reason: outcome.reason(),
        sentence: outcome.sentence().to_owned(),
        conditionally,
        is_on_disk: outlook.is_on_disk,
        is_filling: outlook.is_filling,
        if_the_upstream_fails: on_failure.map(|reason: StaleReason| reason.sentence().to_owned()),
    }
}

/// One to three sentences: what would be done, why, and what is in the way.
fn summary(
    rule: &str,
    verdict: &Verdict,
    outlook: &Outlook,
    object: Option<&report::Object>,
    not_stored: Option<&report::NotStored>,
) -> String {
    let headline = match outlook.next {
        Next::Answered(Outcome::NotCached) => "Unavailable: nothing that may be served is stored.".to_owned(),
        Next::Answered(outcome) => {
            let word = if matches!(outcome, Outcome::Stale(_)) { "Stale" } else { "Hit" };
            let ttl = object.map_or(0, |object| object.ttl_seconds);
            let left = words::span(ttl.unsigned_abs());
            let fresh = if ttl >= 0 { format!("fresh for another {left}") } else { format!("fresh until {left} ago") };
            format!("{word}: rule `{rule}` serves what is stored, {fresh}.")
        }
        Next::Passed(_) => "Pass: the upstream is asked past the cache.".to_owned(),
        Next::Asks { with, conditionally, .. } => {
            let how = if conditionally { "whether what is stored still holds" } else { "for the whole answer" };
            let with = match with {
                With::Others => "",
                With::Running => "; that is under way, and this request would wait for it",
                With::Nobody => "; it would not share the answer with others who wait",
            };
            format!("Miss: under rule `{rule}` the upstream is asked {how}{with}.")
        }
    };
    let mut summary = format!("{headline} {}", verdict.sentence);
    if outlook.is_on_disk {
        let more = "Before that the disk is looked at, which holds something under this key: where that may be served, it is a hit.";
        summary = format!("{summary} {more}");
    }
    let is_hit = matches!(outlook.next, Next::Answered(Outcome::Hit | Outcome::HitDisconnected));
    if let Some(purge) = object.and_then(|object| object.purge.as_ref()).filter(|_| !is_hit) {
        let ago = purge.ago_seconds.map(|ago| format!(", {} ago", words::span(ago))).unwrap_or_default();
        summary = format!("{summary} It was {}{ago}.", purge.sentence);
    }
    if let Some(unstored) = not_stored.filter(|_| object.is_none()) {
        summary = format!("{summary} The last answer was not stored (`{}`): {}", unstored.reason, unstored.sentence);
    }
    summary
}

/// The name of a rule of which no more was asked.
fn bare(name: &str) -> report::Rule {
    report::Rule {
        name: name.to_owned(),
        action: "answer",
        passed_for: None,
        passed_over: Vec::new(),
        settings: None,
        changes: None,
        rate_limits: Vec::new(),
    }
}

/// What is answered, passed or refused without a look into the cache.
fn answered(request: Request, rule: Option<report::Rule>, outcome: Outcome, more: &str) -> Explanation {
    let verdict = Verdict {
        outcome: outcome.label(),
        reason: outcome.reason(),
        sentence: format!("{} {more}", outcome.sentence()).trim_end().to_owned(),
        conditionally: false,
        is_on_disk: false,
        is_filling: false,
        if_the_upstream_fails: None,
    };
    let mut word = verdict.outcome.to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let summary = format!("{word}: {}", verdict.sentence);
    blank(request, rule, verdict, summary)
}

fn blank(request: Request, rule: Option<report::Rule>, verdict: Verdict, summary: String) -> Explanation {
    Explanation {
        summary,
        verdict,
        request,
        rule,
        key: None,
        variants: None,
        object: None,
        last_not_stored: None,
        client: None,
        upstream: None,
        edge: None,
    }
}
