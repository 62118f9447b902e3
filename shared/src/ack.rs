//! Waiting until a purge is acknowledged, as callers ask for it and are told: `?wait=acked` and `Prefer: wait=N` (RFC 7240), and
//! the `Vitrine-Ack` of the reply.
//!
//! The reply carries `Vitrine-Ack: acked;epoch="1.43";members=3;waited_ms=7`, with `lapsed="NAMES"` where it had to wait for leases to
//! run out, or, when the time ran out, status 202 and `pending;epoch="1.43";waiting_for="NAMES"`.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::epoch::Epoch;
use crate::ledger::{Acknowledged, Waiting};

/// Most members that a reply names.
const MAX_NAMES: usize = 8;
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// How far a purge has come when its caller is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acknowledgement {
    /// No member serves what it reached.
    Acked {
        /// Its epoch.
        epoch: Epoch,
        /// Who has applied it, and for whose lease's end it was waited.
        how: Acknowledged,
    },
    /// The time ran out before; the purge itself is committed.
    Pending {
        /// Its epoch, where it has one already.
        epoch: Option<Epoch>,
        /// Whom it waits for.
        waiting_for: Vec<Waiting>,
    },
}

/// What the sequencer says to one that waits for an epoch: `GET /v1/acks/TERM.SEQ?wait_ms=N`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckAnswer {
    /// How it was acknowledged; absent where it is not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledged>,
    /// Whom it waits for.
    #[serde(default)]
    pub waiting_for: Vec<Waiting>,
}

/// How long callers may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// Where they do not say.
    pub usual: Duration,
    /// At most.
    pub longest: Duration,
}

/// `wait` has another value than `acked`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Expected: 'acked' for field 'wait', but got: '{0}'")]
pub struct BadWait(String);

// === impl Waits ===

impl Waits {
    /// How long a caller wants to wait; `None` where nobody asked to.
    pub fn asked(self, query: Option<&str>, headers: &HeaderMap) -> Result<Option<Duration>, BadWait> {
        let mut asked = false;
        for pair in query.unwrap_or_default().split('&').filter(|pair| is_wait(pair)) {
            match pair.split_once('=').map_or("", |(_, value)| value) {
                "acked" => asked = true,
                other => return Err(BadWait(other.to_owned())),
            }
        }
        if let Some(seconds) = preferred_wait(headers) {
            return Ok(Some(Duration::from_secs(seconds).min(self.longest)));
        }
        Ok(asked.then(|| self.usual.min(self.longest)))
    }
}

/// Whether a pair of a query asks to wait.
pub fn is_wait(pair: &str) -> bool {
    pair.split('=').next() == Some("wait")
}

/// N of `Prefer: wait=N`; the first counts, and what cannot be read is no preference (RFC 7240, section 2).
fn preferred_wait(headers: &HeaderMap) -> Option<u64> {
    let lines = headers.get_all(PREFER).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("wait") {
            return None;
        }
        value.trim().trim_matches('"').parse().ok()
    })
}

// === impl Acknowledgement ===

impl Acknowledgement {
    /// What the sequencer answered of an epoch.
    pub fn of(epoch: Epoch, answer: AckAnswer) -> Self {
        match answer.acknowledged {
            Some(how) => Self::Acked { epoch, how },
            None => Self::Pending { epoch: Some(epoch), waiting_for: answer.waiting_for },
        }
    }

    /// Whether it is acknowledged.
    pub fn is_acked(&self) -> bool {
        matches!(self, Self::Acked { .. })
    }

    /// The value of `Vitrine-Ack`: an RFC 9651 item with parameters.
    pub fn header_value(&self, waited: Duration) -> HeaderValue {
        let reached = match self {
            Self::Acked { epoch, how } => {
                format!("acked;epoch=\"{epoch}\";members={}{}", how.members, names("lapsed", &how.lapsed))
            }
            Self::Pending { epoch: Some(epoch), waiting_for } => {
                let waiting_for = names("waiting_for", waiting_for.iter().map(|waiting| &waiting.name));
                format!("pending;epoch=\"{epoch}\"{waiting_for}")
            }
            Self::Pending { epoch: None, .. } => "pending".to_owned(),
        };
        let text = format!("{reached};waited_ms={:.3}", waited.as_secs_f64() * 1_000.0);
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("pending"))
    }
}

/// A parameter with members' names, the first of them where there are many; nothing for none.
fn names<'n>(key: &str, names: impl IntoIterator<Item = &'n String>) -> String {
    let mut named: Vec<String> = names.into_iter().take(MAX_NAMES).map(|name| plain(name)).collect();
    named.sort_unstable();
    if named.is_empty() { String::new() } else { format!(";{key}=\"{}\"", named.join(" ")) }
}

/// A name as a string of RFC 9651 can hold it, without the spaces between names.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_graphic() && c != '"' && c != '\\' { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefer(value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(PREFER, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn the_preference_is_found_among_others() {
        assert_eq!(preferred_wait(&prefer("respond-async, wait=7")), Some(7));
        assert_eq!(preferred_wait(&prefer("Wait = \"3\"; x=y")), Some(3));
        assert_eq!(preferred_wait(&prefer("wait=soon")), None);
        assert_eq!(preferred_wait(&prefer("waiting=7")), None);
        assert_eq!(preferred_wait(&HeaderMap::new()), None);
    }

    #[test]
    fn who_asks_to_wait_waits_no_longer_than_is_allowed() {
        let waits = Waits { usual: Duration::from_secs(10), longest: Duration::from_secs(30) };
        let asked = |query, headers| waits.asked(query, &headers).map(|wait| wait.map(|wait| wait.as_secs()));
        assert_eq!(asked(None, HeaderMap::new()), Ok(None));
        assert_eq!(asked(Some("a=b&waiting=1"), HeaderMap::new()), Ok(None));
        assert_eq!(asked(Some("a=b&wait=acked"), HeaderMap::new()), Ok(Some(10)));
        assert_eq!(asked(Some("wait=acked"), prefer("wait=3")), Ok(Some(3)));
        assert_eq!(asked(None, prefer("wait=99")), Ok(Some(30)));
        assert_eq!(asked(Some("wait=1"), HeaderMap::new()), Err(BadWait("1".into())));
        assert_eq!(asked(Some("wait"), HeaderMap::new()), Err(BadWait(String::new())));
    }

    #[test]
    fn the_reply_says_what_was_reached() {
        let epoch = Epoch::new(1, 43);
        let text = |acknowledgement: Acknowledgement| {
            acknowledgement.header_value(Duration::from_micros(6_912)).to_str().unwrap().to_owned()
        };
        let acked = |lapsed: &[&str]| Acknowledgement::Acked {
            epoch,
            how: Acknowledged { members: 3, lapsed: lapsed.iter().map(|&name| name.into()).collect() },
        };
        assert_eq!(text(acked(&[])), "acked;epoch=\"1.43\";members=3;waited_ms=6.912");
        assert_eq!(text(acked(&["b", "a \"1"])), "acked;epoch=\"1.43\";members=3;lapsed=\"a__1 b\";waited_ms=6.912");
        let waiting = Waiting { name: "edge-2".into(), id: "x".into(), applied: epoch, at_most_ms: 7 };
        let pending = |epoch, waiting_for| Acknowledgement::Pending { epoch, waiting_for };
        assert_eq!(
            text(pending(Some(epoch), vec![waiting])),
            "pending;epoch=\"1.43\";waiting_for=\"edge-2\";waited_ms=6.912"
        );
        assert_eq!(text(pending(None, Vec::new())), "pending;waited_ms=6.912");
    }
}
