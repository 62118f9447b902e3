//! A product document as Redis keeps it: a line with its stamp, then JSON.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::tag::TagHash;

/// The form's version; another one is not read.
const VERSION: u8 = 1;
/// Hex digits of a stamp: a term's 8 and a sequence's 16, so that texts compare as epochs do.
pub(super) const STAMP: usize = 24;

/// A full document with what it was made of.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored<'d> {
    v: u8,
    /// Hashes of its tags.
    pub(super) tags: Vec<TagHash>,
    /// The document.
    #[serde(borrow)]
    pub(super) document: &'d RawValue,
    /// Candidate prices of its variants, in all currencies.
    #[serde(borrow)]
    pub(super) prices: &'d RawValue,
}

// === impl Stored ===

impl<'d> Stored<'d> {
    /// One of this version.
    pub(super) fn new(tags: Vec<TagHash>, document: &'d RawValue, prices: &'d RawValue) -> Self {
        Self { v: VERSION, tags, document, prices }
    }

    /// Its text, stamp first.
    pub(super) fn write(&self, stamp: Epoch) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = stamp_text(stamp).into_bytes();
        serde_json::to_writer(&mut text, self)?;
        Ok(text)
    }

    /// Reads a text; `None` where it is not of this form, whatever the reason.
    pub(super) fn read(text: &'d [u8]) -> Option<(Epoch, Self)> {
        let text = std::str::from_utf8(text).ok()?;
        let (stamp, json) = text.split_at_checked(STAMP)?;
        let (term, seq) = stamp.split_at_checked(8)?;
        let stamp = Epoch::new(u32::from_str_radix(term, 16).ok()?, u64::from_str_radix(seq, 16).ok()?);
        let stored: Self = serde_json::from_str(json).ok()?;
        (stored.v == VERSION).then_some((stamp, stored))
    }
}

/// A stamp in the form that compares as text.
pub(super) fn stamp_text(stamp: Epoch) -> String {
    format!("{:08x}{:016x}", stamp.term, stamp.seq)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vitrine_shared::tag::Tag;

    use super::*;

    #[test]
    fn a_document_is_read_as_it_was_written() {
        let raw = |text: &'static str| serde_json::from_str::<&RawValue>(text).unwrap();
        let tags = vec![Tag::product("p").hash()];
        let stamp = Epoch::new(3, 77);
        let text = Stored::new(tags.clone(), raw(r#"{"id":"p"}"#), raw("[]")).write(stamp).unwrap();
        let (read, stored) = Stored::read(&text).unwrap();
        assert_eq!((read, stored.tags, stored.document.get()), (stamp, tags, r#"{"id":"p"}"#));
        assert!(Stored::read(&text[1..]).is_none());
        assert!(Stored::read(b"").is_none());
    }

    proptest! {
        #[test]
        fn stamps_compare_as_their_texts(a in any::<(u32, u64)>(), b in any::<(u32, u64)>()) {
            let (a, b) = (Epoch::new(a.0, a.1), Epoch::new(b.0, b.1));
            prop_assert_eq!(a.cmp(&b), stamp_text(a).cmp(&stamp_text(b)));
            prop_assert_eq!(stamp_text(a).len(), STAMP);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Stored::read(&bytes);
        }
    }
}
