//! Why a request was answered as it was: the words that metrics, access log and Cache-Status share.
//!
//! Labels are stable: dashboards and alerts are written against them. Each reason has a sentence for operators beside its label; a
//! new one does not compile without both, and `tests/reasons.rs` asks for a test that produces it.

use crate::key::TargetError;

/// Label and sentence of each reason, and with them the list of all.
macro_rules! told {
    ($name:ident { $($variant:ident => $label:literal, $sentence:literal;)* }) => {
        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its stable label.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)*
                }
            }

            /// What happened, why, and what an operator can do about it.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$variant => $sentence,)*
                }
            }
        }
    };
}

/// Why a request was passed and not looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PassReason {
    /// Its rule says `action = "pass"`.
    Rule,
    /// No rule matched it.
    NoRule,
    /// Its method is neither GET nor HEAD (RFC 9110 §9.2.3).
    Method,
    /// It carries content, which has no meaning in a GET and is in no key (RFC 9110 §9.3.1).
    Body,
    /// It wants to switch protocols (RFC 9110 §7.8).
    Upgrade,
    /// It carries Authorization (RFC 9111 §3.5).
    Authorization,
    /// It carries a cookie that the rule names.
    Cookie,
    /// It carries a header that the rule names.
    Header,
    /// It carries a query parameter that the rule names.
    Query,
    /// Its path may mean another one to the upstream, which would be sent the client's cookies (`forward = "all"`).
    Path,
    /// It asks for a part of a response that is not stored, so that the upstream is asked for that part (RFC 9110 §14).
    Range,
    /// It is a HEAD for a response that is not stored, so that the upstream is asked for no more.
    HeadOnly,
}

/// Why a request that could have been answered from the cache went to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissReason {
    /// Nothing is stored under its key.
    Uri,
    /// Something is stored under its key, but for other values of the fields that Vary names.
    Vary,
    /// What is stored is stale.
    Stale,
    /// What is stored was purged (invalidation protocol, rules 4 and 5).
    Purged,
    /// This edge has no lease, and must ask (rule 11).
    Disconnected,
    /// What is stored is fresh, but the client's directives want the upstream asked (RFC 9111 §5.2.1).
    Request,
    /// The fill that it had joined was overtaken by a purge (rule 7).
    Overtaken,
}

/// Why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("not stored: {}", self.label())]
#[non_exhaustive]
pub enum NotStored {
    /// `no-store` (RFC 9111 §5.2.2.5).
    NoStore,
    /// `private`, with or without field names (§5.2.2.7).
    Private,
    /// It sets a cookie.
    SetCookie,
    /// The request carried cookies that are not in the key, and the response does not say that it may be kept.
    Cookie,
    /// The request carried Authorization and the response does not allow reuse (§3.5).
    Authorization,
    /// Vary holds `*`, or more names than are kept (§4.1).
    Vary,
    /// It varies by a field that the rule's `vary` does not know.
    UnknownVary,
    /// Its status is not stored under this rule.
    Status,
    /// An entry of the rule's `responses` says so.
    ResponseRule,
    /// It has neither freshness nor a validator, so it could never be reused.
    NoFreshness,
    /// A field of the invalidation protocol cannot be read.
    Protocol,
    /// It has more tags than are kept: one that is dropped would be a purge that is lost.
    TooManyTags,
    /// Its body is larger than the rule allows.
    TooLarge,
    /// The client asked that it is not (`no-store`, RFC 9111 §5.2.1.5), under a rule that heeds clients.
    RequestNoStore,
    /// Something of it was purged while it was on its way (invalidation protocol, rule 3).
    Overtaken,
}

/// On what ground a stale object was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StaleReason {
    /// While a refresh runs behind (RFC 5861 §3).
    WhileRevalidate,
    /// Because the upstream failed (RFC 5861 §4).
    IfError,
    /// Softly purged, while a refresh runs behind (invalidation protocol, rule 4).
    SoftPurged,
    /// Neither feed nor upstream can be reached, and the rule has `serve_for` (rule 11).
    ServeFor,
    /// The client takes it so: `max-stale` (RFC 9111 §5.2.1.2).
    MaxStale,
}

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// From the cache, fresh.
    Hit,
    /// From the cache while cut off, by `on_disconnect = "serve"`.
    HitDisconnected,
    /// From the cache, stale.
    Stale(StaleReason),
    /// From the cache, after the upstream said 304.
    Revalidated(MissReason),
    /// From the upstream, through the cache.
    Miss(MissReason),
    /// From the upstream, past the cache.
    Pass(PassReason),
    /// By this edge itself: a preflight under a rule with `cors` (the Fetch standard, §3.3.2).
    Preflight,
    /// Not at all: it was a PURGE.
    Purge,
    /// Not at all: what the request asks for cannot be read in one way only, and it was refused.
    Refused(TargetError),
    /// Not at all: it is over a rate limit of its rule.
    Limited,
    /// Not at all: the client wanted a stored response alone, and none may be served (`only-if-cached`, RFC 9111 §5.2.1.7).
    NotCached,
    /// Not at all: the upstream failed and nothing stored may be served.
    Unavailable(MissReason),
    /// Not at all: the client left while the upstream was asked for it.
    Gone,
}

// === impl labels and sentences ===

told!(PassReason {
    Rule => "rule", "The rule passes everything that it matches (`action = \"pass\"`), so the cache is neither asked nor filled; \
        use `action = \"cache\"` where answers may be shared.";
    NoRule => "no_rule", "No rule matches this request, and what no rule matches is passed to `default_upstream`; write a rule for \
        it to cache it.";
    Method => "method", "Only GET and HEAD are answered from the cache; every other method goes to the upstream, and there is \
        nothing to change.";
    Body => "body", "The request carries a body, which is in no key, so its answer is not shared; send it without one to have \
        it cached.";
    Upgrade => "upgrade", "The request wants to switch to another protocol, such as WebSocket, which only the upstream can \
        answer.";
    Authorization => "authorization", "The request carries Authorization, so its answer may be for one person alone; where it is \
        not, set `authorization = false` under `bypass`.";
    Cookie => "cookie", "The request carries a cookie that the rule lists under `bypass`, which marks requests whose answers are \
        personal; take it off that list where they are not.";
    Header => "header", "The request carries a header that the rule lists under `bypass`; take it off that list to answer such \
        requests from the cache.";
    Query => "query", "The request has a query parameter that the rule lists under `bypass`; take it off that list to answer such \
        requests from the cache.";
    Path => "path", "The path holds an encoded delimiter, a `;` or an empty segment, which servers read in different ways, and the \
        rule sends the upstream all cookies (`forward = \"all\"`); with another `forward` it would be cached.";
    Range => "range", "The client wants a part of a response that this edge does not store, so the upstream is asked for that part \
        alone; why it is not stored is told beside.";
    HeadOnly => "head_only", "The request is a HEAD for a response that this edge does not store, so the upstream is asked for the \
        head alone; why it is not stored is told beside.";
});

told!(MissReason {
    Uri => "uri_miss", "Nothing is stored under this key: it was not asked for before, it was not stored, or it made room for \
        others. If that goes on, look at why the last answer was not stored, at what the key holds, and at `cache.memory`.";
    Vary => "vary_miss", "This URL is stored for other values of the request headers that the upstream's Vary names, and not for \
        this client's. Few values are shared more: see `vary` in the rule.";
    Stale => "stale", "What is stored is past its freshness and nothing allows it to be served while it is refreshed, so the upstream \
        is asked first. A longer `edge_ttl` or `stale_while_revalidate` serves it longer.";
    Purged => "purged", "What is stored was purged after it was fetched, so it is never served again; the next answer of the upstream \
        takes its place.";
    Disconnected => "disconnected", "This edge has no lease from the origin's feed and may have missed purges, so it asks the upstream \
        before it serves anything. Look at the feed in `/status`; `on_disconnect = \"serve\"` is for files that never change.";
    Request => "request", "What is stored is fresh, but the client asks for a newer answer with its Cache-Control, and the rule \
        heeds clients; `request_directives = \"ignore\"` makes that void.";
    Overtaken => "overtaken", "Something that the answer was made of was purged while the upstream was being asked, so this request \
        asked anew rather than be given what the purge was meant to replace. Nothing needs to be done.";
});

told!(NotStored {
    NoStore => "no_store", "The upstream says `no-store`, so its answer is given to one client and forgotten; change what it sends \
        in Cache-Control, or in a targeted field, to have it stored.";
    Private => "private", "The upstream says `private`: the answer is for one client's own cache. Let it say `public` or nothing \
        where the answer is the same for all.";
    SetCookie => "set_cookie", "The answer sets a cookie, which must not reach other clients. Let the upstream not set it here, or \
        take it out for everybody with `set_cookie = \"strip\"`.";
    Cookie => "cookie", "The upstream was sent cookies that are not in the key (`forward = \"all\"`) and does not say that its answer \
        may be shared. Let it say `public` or a `max-age`, name the cookie under `key`, or forward less.";
    Authorization => "authorization", "The request carried Authorization and the upstream does not allow its answer to be shared; \
        it does so with `public`, `must-revalidate` or `s-maxage`.";
    Vary => "vary", "The answer varies by everything (`Vary: *`), by too many headers, or in the middle of its life, so it is not \
        known whom else it is for; let the upstream name the few headers that it reads.";
    UnknownVary => "unknown_vary", "The answer varies by a request header that the rule does not know, and would be stored anew for \
        every client. Name the header under `vary` in the rule, with `exact`, a list of choices, or `ignore`.";
    Status => "status", "Answers with this status are not stored here, or it is a failure that must not take the place of a stored \
        answer. An entry of `responses` with `edge_ttl` stores a status that is not stored otherwise.";
    ResponseRule => "response_rule", "An entry of the rule's `responses` says `store = false` for answers like this one.";
    NoFreshness => "no_freshness", "The answer has neither freshness nor a validator, so it could never be used again. Let the \
        upstream send `max-age` or an `ETag`, or set `edge_ttl` or `heuristic` in the rule.";
    Protocol => "protocol", "A field by which the origin names tags, epoch or end of the answer cannot be read, and a purge of it \
        could be lost; correct what the upstream sends in that field.";
    TooManyTags => "too_many_tags", "The answer has more tags than this edge keeps, and a tag that is dropped would be a purge that is \
        lost; let the upstream send fewer and coarser ones.";
    TooLarge => "too_large", "The body is larger than is stored; see `max_object` of the rule, and `cache.memory`.";
    RequestNoStore => "request_no_store", "The client says `no-store`, and the rule heeds clients; `request_directives = \"ignore\"` \
        makes that void.";
    Overtaken => "overtaken", "Something that the answer was made of was purged while it was on its way, so only those got it who had \
        asked before. The newest purges stand in `GET /purges`; nothing needs to be done.";
});

told!(StaleReason {
    WhileRevalidate => "swr", "What is stored is past its freshness and is served at once while one refresh runs behind; for how \
        long after, `stale_while_revalidate` says.";
    IfError => "sie", "The upstream failed, and what is stored is served in its place; for how long after its freshness, \
        `stale_if_error` says. Look at the upstream.";
    SoftPurged => "soft_purged", "What is stored was softly purged: it is served once more while one refresh runs behind. A hard purge \
        would have made this request wait.";
    ServeFor => "serve_for", "Neither the origin's feed nor the upstream can be reached, and the rule's `serve_for` still allows what \
        is stored. Look at both; when that time is over, clients get 503.";
    MaxStale => "max_stale", "What is stored is past its freshness, and the client takes it so (`max-stale`); the rule heeds clients.";
});

/// An example of each kind of outcome; a kind that is not listed does not compile.
macro_rules! kinds {
    ($($kind:pat => $example:expr;)*) => {
        impl Outcome {
            /// One of each kind; where a kind has reasons, one of them.
            pub const KINDS: &[Self] = &[$($example),*];
        }

        const _: fn(Outcome) = |outcome| match outcome {
            $($kind => {})*
        };
    };
}

kinds! {
    Outcome::Hit => Outcome::Hit;
    Outcome::HitDisconnected => Outcome::HitDisconnected;
    Outcome::Stale(_) => Outcome::Stale(StaleReason::WhileRevalidate);
    Outcome::Revalidated(_) => Outcome::Revalidated(MissReason::Stale);
    Outcome::Miss(_) => Outcome::Miss(MissReason::Uri);
    Outcome::Pass(_) => Outcome::Pass(PassReason::Rule);
    Outcome::Preflight => Outcome::Preflight;
    Outcome::Purge => Outcome::Purge;
    Outcome::Refused(_) => Outcome::Refused(TargetError::Host);
    Outcome::Limited => Outcome::Limited;
    Outcome::NotCached => Outcome::NotCached;
    Outcome::Unavailable(_) => Outcome::Unavailable(MissReason::Uri);
    Outcome::Gone => Outcome::Gone;
}

// The places of outcomes that have reasons, one after the other.
const STALE: usize = 2;
const REVALIDATED: usize = STALE + StaleReason::ALL.len();
const MISS: usize = REVALIDATED + MissReason::ALL.len();
const UNAVAILABLE: usize = MISS + MissReason::ALL.len();
const PASS: usize = UNAVAILABLE + MissReason::ALL.len();
const REFUSED: usize = PASS + PassReason::ALL.len();
const ALONE: usize = REFUSED + TargetError::ALL.len();

impl Outcome {
    /// Those without a reason of a type, behind all others.
    const LAST: [Self; 5] = [Self::Preflight, Self::Purge, Self::Limited, Self::NotCached, Self::Gone];

    /// How many there are, with all their reasons.
    pub const COUNT: usize = ALONE + Self::LAST.len();

    /// Its place among [`Outcome::all`].
    pub const fn index(self) -> usize {
        match self {
            Self::Hit => 0,
            Self::HitDisconnected => 1,
            Self::Stale(reason) => STALE + reason as usize,
            Self::Revalidated(reason) => REVALIDATED + reason as usize,
            Self::Miss(reason) => MISS + reason as usize,
            Self::Unavailable(reason) => UNAVAILABLE + reason as usize,
            Self::Pass(reason) => PASS + reason as usize,
            Self::Refused(error) => REFUSED + error as usize,
            Self::Preflight => ALONE,
            Self::Purge => ALONE + 1,
            Self::Limited => ALONE + 2,
            Self::NotCached => ALONE + 3,
            Self::Gone => ALONE + 4,
        }
    }

    /// All, each with each of its reasons.
    pub fn all() -> impl Iterator<Item = Self> {
        let misses = |of: fn(MissReason) -> Self| MissReason::ALL.iter().copied().map(of);
        [Self::Hit, Self::HitDisconnected]
            .into_iter()
            .chain(StaleReason::ALL.iter().copied().map(Self::Stale))
            .chain(misses(Self::Revalidated))
            .chain(misses(Self::Miss))
            .chain(misses(Self::Unavailable))
            .chain(PassReason::ALL.iter().copied().map(Self::Pass))
            .chain(TargetError::ALL.iter().copied().map(Self::Refused))
            .chain(Self::LAST)
    }

    /// Its stable label, without the reason.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hit | Self::HitDisconnected => "hit",
            Self::Stale(_) => "stale",
            Self::Revalidated(_) => "revalidated",
            Self::Miss(_) => "miss",
            Self::Pass(_) => "pass",
            Self::Preflight => "preflight",
            Self::Purge => "purge",
            Self::Refused(_) => "refused",
            Self::Limited => "limited",
            Self::NotCached | Self::Unavailable(_) => "unavailable",
            Self::Gone => "gone",
        }
    }

    /// The label of its reason; empty where it needs none.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Hit | Self::Preflight | Self::Purge | Self::Gone => "",
            Self::HitDisconnected => "disconnected",
            Self::NotCached => "only_if_cached",
            Self::Limited => "rate_limit",
            Self::Refused(error) => error.label(),
            Self::Stale(reason) => reason.label(),
            Self::Miss(reason) | Self::Revalidated(reason) | Self::Unavailable(reason) => reason.label(),
            Self::Pass(reason) => reason.label(),
        }
    }

    /// What happened, why, and what an operator can do about it.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Hit => {
                "What is stored is fresh and nothing of it was purged, so it is served without asking the upstream."
            }
            Self::HitDisconnected => {
                "This edge has no lease from the origin's feed, but the rule serves what is stored all the same \
                 (`on_disconnect = \"serve\"`, for files that never change). Look at the feed in `/status`."
            }
            Self::Stale(reason) => reason.sentence(),
            Self::Miss(reason) | Self::Revalidated(reason) | Self::Unavailable(reason) => reason.sentence(),
            Self::Pass(reason) => reason.sentence(),
            Self::Preflight => {
                "It is a browser's question whether a script of another site may ask, and this edge answers it by the rule's `cors`; \
                 remove `cors` to let the upstream answer."
            }
            Self::Purge => {
                "It is a request to purge this URL, which this edge answers itself: for addresses of the rule's `purge_from` and \
                 whoever has the operations token."
            }
            Self::Refused(error) => error.sentence(),
            Self::Limited => {
                "The caller has sent more requests than a rate limit of the rule allows, so it gets 429 and is told when to come again; \
                 which limit it is, `vitrine_rate_limited_total` counts. Look at `rate_limits` where it should not be refused."
            }
            Self::NotCached => {
                "The client wants a stored answer or none (`only-if-cached`), and nothing stored may be served, so it gets 504."
            }
            Self::Gone => {
                "The client left while the upstream was asked for it, so nothing was sent; what comes may still be stored."
            }
        }
    }
}

told!(TargetError {
    Host => "host", "The host is missing, repeated or no host, so it is not known for whom the answer would be; it gets 400.";
    Path => "path", "The path holds what no URL may hold, or climbs out of its folder once it is decoded further, which servers read \
        in different ways; it gets 400.";
    Query => "query", "The query holds what no URL may hold, or too many parameters; it gets 400.";
    TooLong => "length", "Path and query together are longer than this edge reads; it gets 414.";
    Method => "method", "TRACE would show whoever can make a browser ask what this edge adds to requests; it gets 501.";
});

#[cfg(test)]
mod tests {
    use super::*;

    fn unique(labels: &[&str]) {
        let mut sorted = labels.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), labels.len(), "{labels:?}");
        let is_word = |label: &&str| label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(labels.iter().all(|label| is_word(label) && !label.is_empty()), "{labels:?}");
    }

    #[test]
    fn labels_are_words_and_unique_where_they_stand() {
        unique(&PassReason::ALL.iter().map(|reason| reason.label()).collect::<Vec<_>>());
        unique(&MissReason::ALL.iter().map(|reason| reason.label()).collect::<Vec<_>>());
        unique(&NotStored::ALL.iter().map(|reason| reason.label()).collect::<Vec<_>>());
        unique(&StaleReason::ALL.iter().map(|reason| reason.label()).collect::<Vec<_>>());
        unique(&TargetError::ALL.iter().map(|reason| reason.label()).collect::<Vec<_>>());
        let both: Vec<String> =
            Outcome::KINDS.iter().map(|kind| format!("{}_{}", kind.label(), kind.reason())).collect();
        unique(&both.iter().map(|label| label.trim_end_matches('_')).collect::<Vec<_>>());
    }

    #[test]
    fn places_are_those_in_the_list_of_all() {
        assert!(Outcome::all().map(Outcome::index).eq(0..Outcome::COUNT));
    }

    #[test]
    fn each_stands_in_the_docs_as_it_is_told() {
        let pairs = |told: &mut dyn Iterator<Item = (&'static str, &'static str)>| {
            told.fold(String::new(), |table, (label, sentence)| table + "| `" + label + "` | " + sentence + " |\n")
        };
        let alone = [
            Outcome::Hit,
            Outcome::HitDisconnected,
            Outcome::Preflight,
            Outcome::Purge,
            Outcome::Limited,
            Outcome::NotCached,
            Outcome::Gone,
        ];
        let name = |outcome: Outcome| if outcome.reason().is_empty() { outcome.label() } else { outcome.reason() };
        let tables = [
            pairs(&mut alone.iter().map(|outcome| (name(*outcome), outcome.sentence()))),
            pairs(&mut MissReason::ALL.iter().map(|reason| (reason.label(), reason.sentence()))),
            pairs(&mut StaleReason::ALL.iter().map(|reason| (reason.label(), reason.sentence()))),
            pairs(&mut PassReason::ALL.iter().map(|reason| (reason.label(), reason.sentence()))),
            pairs(&mut TargetError::ALL.iter().map(|reason| (reason.label(), reason.sentence()))),
            pairs(&mut NotStored::ALL.iter().map(|reason| (reason.label(), reason.sentence()))),
        ];
        let docs = include_str!("../../docs/explain.md");
        for table in tables {
            assert!(docs.contains(&table), "docs/explain.md needs\n{table}");
        }
    }

    #[test]
    fn sentences_are_short_and_end() {
        let outcomes = Outcome::KINDS.iter().map(|reason| reason.sentence());
        let sentences = outcomes
            .chain(PassReason::ALL.iter().map(|reason| reason.sentence()))
            .chain(MissReason::ALL.iter().map(|reason| reason.sentence()))
            .chain(NotStored::ALL.iter().map(|reason| reason.sentence()))
            .chain(StaleReason::ALL.iter().map(|reason| reason.sentence()))
            .chain(TargetError::ALL.iter().map(|reason| reason.sentence()));
        for sentence in sentences {
            assert!(sentence.ends_with('.') && sentence.len() < 320 && !sentence.contains("  "), "{sentence}");
        }
    }
}
