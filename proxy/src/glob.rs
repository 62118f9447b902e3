//! Text in which `*` stands for anything, nothing included: names and values in rules.

use std::fmt;

use memchr::memmem;

/// A compiled text. Matching is linear in what is matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: Box<str>,
    /// What stands between the stars; one piece where there is none.
    pieces: Box<[Box<str>]>,
}

impl Glob {
    /// Of a text as a rule writes it; every text is one.
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), pieces: text.split('*').map(Into::into).collect() }
    }

    /// Its text, as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether all of these bytes are as it says.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        let (first, last, between) = match &*self.pieces {
            [] => return bytes.is_empty(),
            [only] => return only.as_bytes() == bytes,
            [first, between @ .., last] => (first, last, between),
        };
        // Comparing with nothing is slow: see the segments of paths.
        let rest = if first.is_empty() { Some(bytes) } else { bytes.strip_prefix(first.as_bytes()) };
        let rest = if last.is_empty() { rest } else { rest.and_then(|rest| rest.strip_suffix(last.as_bytes())) };
        let Some(mut rest) = rest else {
            return false;
        };
        // The leftmost place of each piece leaves the most room for those after it.
        for piece in between {
            match memmem::find(rest, piece.as_bytes()) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        true
    }

    /// Whether it surely matches all that `other` matches. Never wrongly true.
    ///
    /// The stars of `other` are matched as text: what they stand for then falls under a star of this one.
    pub fn covers(&self, other: &Self) -> bool {
        self.matches(other.text.as_bytes())
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (glob, matching, others) in [
            ("", &[""][..], &["a"][..]),
            ("a", &["a"], &["", "A", "aa"]),
            ("*", &["", "a", "*"], &[]),
            ("utm_*", &["utm_", "utm_source"], &["utm", "xutm_a"]),
            ("*-id", &["-id", "x-id"], &["id", "x-id-"]),
            ("a*b*c", &["abc", "a-b-c", "abbcc", "abcbc"], &["ac", "acb", "ab"]),
            ("ab*ba", &["abba", "ab-ba"], &["aba"]),
            ("a**b", &["ab", "a-b"], &["a"]),
        ] {
            for text in matching {
                assert!(Glob::new(glob).matches(text.as_bytes()), "{glob} {text}");
            }
            for text in others {
                assert!(!Glob::new(glob).matches(text.as_bytes()), "{glob} {text}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn matching_is_what_a_search_of_all_ways_finds(glob in "[ab*]{0,6}", text in "[ab]{0,8}") {
            fn all_ways(glob: &[u8], text: &[u8]) -> bool {
                match glob.split_first() {
                    None => text.is_empty(),
                    Some((b'*', rest)) => (0..=text.len()).any(|from| all_ways(rest, &text[from..])),
                    Some((byte, rest)) => text.first() == Some(byte) && all_ways(rest, &text[1..]),
                }
            }
            prop_assert_eq!(Glob::new(&glob).matches(text.as_bytes()), all_ways(glob.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn covering_is_never_wrong(wide in "[ab*]{0,5}", narrow in "[ab*]{0,5}", text in "[ab]{0,6}") {
            let (wide, narrow) = (Glob::new(&wide), Glob::new(&narrow));
            if wide.covers(&narrow) && narrow.matches(text.as_bytes()) {
                prop_assert!(wide.matches(text.as_bytes()));
            }
        }
    }
}
