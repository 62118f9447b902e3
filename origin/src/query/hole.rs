//! Places in a JSON text that are filled in later, without reading the text around them.
//!
//! Postgres ends an object that has computed values with `,"@":"<nonce>:<key>"`. The nonce is drawn for each request, so
//! no stored text can pass for a hole. Where the object's key is known, the hole becomes the computed members.

use std::borrow::Cow;

use rand::Rng as _;

/// The member that stands for computed ones.
pub const HOLE: &str = "@";

/// What marks the holes of one request.
#[derive(Debug, Clone)]
pub struct Nonce(String);

/// A text with a hole where none should be, or a hole that does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a document's place for computed values could not be read")]
pub struct HoleError;

/// A text and the places in it.
#[derive(Debug, Default)]
pub struct Holed {
    text: String,
    holes: Vec<Hole>,
}

#[derive(Debug)]
struct Hole {
    /// Where in the text its members go.
    at: usize,
    /// The key of the object around it.
    key: String,
}

// === impl Holed ===

impl Holed {
    /// The text; JSON where it has no places.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends the text, in each place the members that `fill` writes for its key: without a comma in front, or nothing.
    pub fn fill(&self, out: &mut Vec<u8>, mut fill: impl FnMut(&str, &mut Vec<u8>)) {
        let mut from = 0;
        for hole in &self.holes {
            out.extend_from_slice(self.text.get(from..hole.at).unwrap_or_default().as_bytes());
            let filled_from = out.len();
            fill(&hole.key, out);
            if out.len() == filled_from && out.last() == Some(&b',') {
                out.pop();
            }
            from = hole.at;
        }
        out.extend_from_slice(self.text.get(from..).unwrap_or_default().as_bytes());
    }
}

// === impl Nonce ===

impl Nonce {
    /// A new one: 128 random bits.
    pub fn new() -> Self {
        Self(format!("{:032x}", rand::rng().random::<u128>()))
    }

    /// What stands before the key.
    pub fn prefix(&self) -> String {
        format!("{}:", self.0)
    }

    /// What stands for a member that is to be left out.
    pub fn absent(&self) -> String {
        self.prefix()
    }

    /// The text without the members that are to be left out.
    pub fn without_absent<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mark = format!("\":\"{}\"", self.absent());
        if !text.contains(&mark) {
            return Cow::Borrowed(text);
        }
        let mut kept = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(&mark) {
            // Names are the graph's: no quote stands in them.
            let name = rest[..at].rfind('"').unwrap_or(at);
            kept.push_str(&rest[..name]);
            rest = &rest[at + mark.len()..];
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None if kept.ends_with(',') => {
                    kept.pop();
                }
                None => {}
            }
        }
        kept.push_str(rest);
        Cow::Owned(kept)
    }

    /// Takes the holes out of a text and keeps their places.
    pub fn holed(&self, text: String) -> Result<Holed, HoleError> {
        let mark = format!("\"{HOLE}\":\"{}:", self.0);
        if !text.contains(&mark) {
            return Ok(Holed { text, holes: Vec::new() });
        }
        let mut holed = Holed { text: String::with_capacity(text.len()), holes: Vec::new() };
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once(&mark) {
            let end = end_of_string(after).ok_or(HoleError)?;
            holed.text.push_str(before);
            let key = unescaped(after.get(..end).ok_or(HoleError)?)?;
            holed.holes.push(Hole { at: holed.text.len(), key });
            rest = after.get(end + 1..).ok_or(HoleError)?;
        }
        holed.text.push_str(rest);
        Ok(holed)
    }

    /// Appends `text` to `out`, each hole replaced by the members that `fill` writes for its key.
    ///
    /// The key is as JSON escapes it. `fill` writes members without a comma in front, or nothing.
    pub fn fill(
        &self,
        text: &str,
        out: &mut Vec<u8>,
        mut fill: impl FnMut(&str, &mut Vec<u8>),
    ) -> Result<(), HoleError> {
        let mark = format!("\"{HOLE}\":\"{}:", self.0);
        let mut rest = text;
        while let Some(at) = rest.find(&mark) {
            let before = &rest[..at];
            let after = &rest[at + mark.len()..];
            let end = end_of_string(after).ok_or(HoleError)?;
            out.extend_from_slice(before.as_bytes());
            let filled_from = out.len();
            fill(&after[..end], out);
            if out.len() == filled_from && out.last() == Some(&b',') {
                out.pop();
            }
            rest = &after[end + 1..];
        }
        out.extend_from_slice(rest.as_bytes());
        Ok(())
    }
}

impl Default for Nonce {
    fn default() -> Self {
        Self::new()
    }
}

/// The text that a JSON string's inside stands for.
fn unescaped(inside: &str) -> Result<String, HoleError> {
    if inside.contains('\\') {
        serde_json::from_str(&format!("\"{inside}\"")).map_err(|_| HoleError)
    } else {
        Ok(inside.to_owned())
    }
}

/// Where a JSON string ends, given what follows its opening quote.
fn end_of_string(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(nonce: &Nonce, text: &str) -> Result<String, HoleError> {
        let mut out = Vec::new();
        nonce.fill(text, &mut out, |key, out| {
            if key != "none" {
                out.extend_from_slice(format!("\"price\":\"of {key}\"").as_bytes());
            }
        })?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn holes_become_members_or_vanish() {
        let nonce = Nonce::new();
        let hole = |key: &str| format!("\"@\":\"{}{key}\"", nonce.prefix());
        let text = format!(r#"[{{"id":"a",{}}},{{"id":"n",{}}},{{{}}}]"#, hole("a"), hole("none"), hole(r#"q\"\\"#));
        assert_eq!(filled(&nonce, &text).unwrap(), r#"[{"id":"a","price":"of a"},{"id":"n"},{"price":"of q\"\\"}]"#);
    }

    #[test]
    fn what_only_looks_like_a_hole_is_left_alone() {
        let nonce = Nonce::new();
        let text = format!(r#"{{"title":"\"@\":\"{}x\"","@":"other:1"}}"#, nonce.prefix());
        assert_eq!(filled(&nonce, &text).unwrap(), text);
    }

    #[test]
    fn members_that_are_left_out_take_their_comma_along() {
        let nonce = Nonce::new();
        let none = nonce.absent();
        let text = format!(r#"{{"a":"{none}","b":1,"c":"{none}","d":{{"e":"{none}"}},"f":"{none}"}}"#);
        assert_eq!(nonce.without_absent(&text), r#"{"b":1,"d":{}}"#);
        assert_eq!(nonce.without_absent(r#"{"a":":"}"#), r#"{"a":":"}"#);
    }

    #[test]
    fn a_hole_without_end_is_an_error() {
        let nonce = Nonce::new();
        assert_eq!(filled(&nonce, &format!("\"@\":\"{}x", nonce.prefix())), Err(HoleError));
    }
}
