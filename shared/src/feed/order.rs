//! Purges that are ordered: `POST /v1/purges` of the internal port, by an edge on behalf of its operators.

use std::hash::Hasher as _;

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::{Mode, VERSION};
use crate::epoch::Epoch;
use crate::tag::Tag;

/// Most tags of one order: an edge's thousand URLs, each under several rules.
pub const MAX_ORDER_TAGS: usize = 10_000;
/// Longest name of who orders, in bytes.
pub const MAX_WHO: usize = 128;
/// Longest key of an order, in bytes.
pub const MAX_KEY: usize = 255;
/// Longest order as JSON, in bytes: tags of the greatest number and length, and their quotes.
pub const MAX_ORDER: usize = 4 << 20;

/// One purge to be numbered: all of it gets one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Version of the form.
    pub v: u32,
    /// How it acts.
    #[serde(default)]
    pub mode: Mode,
    /// What it reaches, at most [`MAX_ORDER_TAGS`].
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Whether it reaches every object, whatever its tags.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everything: bool,
    /// Who orders it, for people; at most [`MAX_WHO`] bytes.
    pub who: String,
    /// Names this order: sent again under the same key it is numbered once. 1 to [`MAX_KEY`] bytes of visible ASCII.
    pub key: String,
}

/// The answer to an [`Order`]: it is numbered, and that cannot be lost any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// Version of the form.
    pub v: u32,
    /// Its epoch; of a repeated order that of the first time.
    pub epoch: Epoch,
}

/// Why an order cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Written by another version.
    #[error("feed version {0} is not understood here (this is version {VERSION}): upgrade the older side")]
    Version(u32),
    /// It reaches nothing.
    #[error("an order names tags, or everything")]
    Nothing,
    /// It reaches too much by itself.
    #[error("an order holds at most {MAX_ORDER_TAGS} tags, not {0}: send several")]
    Tags(usize),
    /// Not a name.
    #[error("`who` holds at most {MAX_WHO} bytes")]
    Who,
    /// Not a key.
    #[error("`key` holds 1 to {MAX_KEY} bytes of visible ASCII")]
    Key,
}

// === impl Order ===

impl Order {
    /// Checks what its form alone does not say.
    pub fn check(&self) -> Result<(), OrderError> {
        match () {
            () if self.v != VERSION => Err(OrderError::Version(self.v)),
            () if self.tags.is_empty() && !self.everything => Err(OrderError::Nothing),
            () if self.tags.len() > MAX_ORDER_TAGS => Err(OrderError::Tags(self.tags.len())),
            () if self.who.len() > MAX_WHO => Err(OrderError::Who),
            () if !is_key(&self.key) => Err(OrderError::Key),
            () => Ok(()),
        }
    }

    /// The name of its event, for the trail and `explain` of every edge.
    pub fn event(&self) -> String {
        format!("operator.purge by {}", self.who)
    }

    /// Tells it from another order under the same key. Who sends it does not count: a colleague may repeat it.
    pub fn digest(&self) -> u128 {
        let mut hasher = SipHasher13::new();
        hasher.write_u8(u8::from(self.mode == Mode::Soft));
        hasher.write_u8(u8::from(self.everything));
        for tag in &self.tags {
            hasher.write(tag.as_str().as_bytes());
            // No tag holds it.
            hasher.write_u8(b' ');
        }
        hasher.finish128().as_u128()
    }
}

/// Whether a text can be an order's key.
pub fn is_key(text: &str) -> bool {
    (1..=MAX_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            v: VERSION,
            mode: Mode::Hard,
            tags: vec![Tag::product("1"), Tag::product("2")],
            everything: false,
            who: "anna".into(),
            key: "k".into(),
        }
    }

    #[test]
    fn what_is_no_order_is_refused() {
        assert_eq!(order().check(), Ok(()));
        let many = vec![Tag::product("1"); MAX_ORDER_TAGS + 1];
        for (wrong, error) in [
            (Order { v: 2, ..order() }, OrderError::Version(2)),
            (Order { tags: Vec::new(), ..order() }, OrderError::Nothing),
            (Order { tags: many, ..order() }, OrderError::Tags(MAX_ORDER_TAGS + 1)),
            (Order { who: "x".repeat(MAX_WHO + 1), ..order() }, OrderError::Who),
            (Order { key: String::new(), ..order() }, OrderError::Key),
            (Order { key: "x".repeat(MAX_KEY + 1), ..order() }, OrderError::Key),
            (Order { key: "caf\u{e9}".into(), ..order() }, OrderError::Key),
        ] {
            assert_eq!(wrong.check(), Err(error));
        }
        assert_eq!(Order { tags: Vec::new(), everything: true, ..order() }.check(), Ok(()));
        assert!(serde_json::from_str::<Order>(r#"{"v":1,"tag":["a"],"who":"","key":"k"}"#).is_err());
    }

    #[test]
    fn the_longest_order_has_room() {
        let tag = Tag::parse(&"x".repeat(crate::tag::MAX_TAG_LEN)).unwrap();
        let longest = Order { tags: vec![tag; MAX_ORDER_TAGS], who: "\u{1}".repeat(MAX_WHO), ..order() };
        assert!(serde_json::to_vec(&longest).unwrap().len() <= MAX_ORDER);
    }

    #[test]
    fn the_digest_tells_orders_apart_and_not_who_sends_them() {
        let digest = order().digest();
        assert_eq!(Order { who: "bert".into(), key: "l".into(), ..order() }.digest(), digest);
        for other in [
            Order { mode: Mode::Soft, ..order() },
            Order { everything: true, ..order() },
            Order { tags: vec![Tag::product("1")], ..order() },
            Order { tags: vec![Tag::product("2"), Tag::product("1")], ..order() },
        ] {
            assert_ne!(other.digest(), digest);
        }
    }
}
