//! Percent-encoding normalised, so that equivalent URIs are one text (RFC 3986 §6.2.2.1 and §6.2.2.2).

/// Which part of a URI is normalised: they differ in the bytes that may stand unencoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Segments and the slashes between them (§3.3).
    Path,
    /// The query, without its `?` (§3.4).
    Query,
}

/// The text holds a byte that no URI may hold, or a broken triplet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Appends `text` in normal form to `out`.
///
/// Triplets of unreserved characters are decoded, others get capital digits. Bytes that browsers send unencoded though
/// the RFC wants them encoded are encoded. Refused are controls, space, `#`, and in a path backslash, broken triplets and `%00`,
/// which servers read in different ways. A broken triplet in a query is a literal `%`, as form decoders take it.
pub(super) fn normalise(text: &str, part: Part, out: &mut String) -> Result<(), Malformed> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte == b'%' {
            match triplet(&bytes[at..]) {
                Some(0) | None if part == Part::Path => return Err(Malformed),
                Some(decoded) => {
                    at += 2;
                    if is_unreserved(decoded) { out.push(char::from(decoded)) } else { encode(decoded, out) }
                }
                None => encode(b'%', out),
            }
        } else if stands_in(byte, part) {
            out.push(char::from(byte));
        } else if byte <= b' ' || byte == 0x7f || byte == b'#' || (byte == b'\\' && part == Part::Path) {
            return Err(Malformed);
        } else {
            encode(byte, out);
        }
    }
    Ok(())
}

/// Whether a query is in normal form for certain: no byte of it is, or begins, anything that [`normalise`] would change or refuse.
pub(super) fn is_normal_query(query: &str) -> bool {
    const PLAIN: [bool; 256] = plain(Part::Query);
    query.bytes().all(|byte| PLAIN[usize::from(byte)])
}

/// Whether a path is in normal form for certain, and no segment of it begins with a dot. A semicolon is looked at more closely elsewhere.
pub(super) fn is_plain_path(path: &str) -> bool {
    const PLAIN: [bool; 256] = plain(Part::Path);
    let mut before = 0;
    path.bytes().all(|byte| {
        let is_plain = PLAIN[usize::from(byte)] && !(byte == b'.' && before == b'/');
        before = byte;
        is_plain
    })
}

const fn plain(part: Part) -> [bool; 256] {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        #[expect(clippy::cast_possible_truncation, reason = "below 128")]
        let of = byte as u8;
        plain[byte] = stands_in(of, part) && of != b';';
        byte += 1;
    }
    plain
}

/// The text with its triplets decoded, where that is UTF-8; else as it is.
pub(crate) fn decode(text: &str) -> std::borrow::Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap_or(std::borrow::Cow::Borrowed(text))
}

/// The text with its triplets decoded once; what is not UTF-8 is replaced.
pub(super) fn decode_lossy(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Whether a path in normal form holds an encoded byte that means something to servers which decode it: a delimiter, a percent
/// sign, or a control.
pub(super) fn has_encoded_delimiter(path: &str) -> bool {
    let mut triplets = path.match_indices('%').filter_map(|(at, _)| triplet(&path.as_bytes()[at + 1..]));
    triplets.any(|byte| byte.is_ascii_control() || matches!(byte, b'/' | b'\\' | b'?' | b'#' | b';' | b'%'))
}

fn triplet(after_percent: &[u8]) -> Option<u8> {
    let digit = |index: usize| after_percent.get(index).and_then(|&byte| char::from(byte).to_digit(16));
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

fn encode(byte: u8, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

const fn stands_in(byte: u8, part: Part) -> bool {
    let sub_delim_or_pchar = matches!(
        byte,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'/'
    );
    is_unreserved(byte) || sub_delim_or_pchar || (byte == b'?' && matches!(part, Part::Query))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(text: &str, part: Part) -> Result<String, Malformed> {
        let mut out = String::new();
        normalise(text, part, &mut out).map(|()| out)
    }

    #[test]
    fn equivalent_texts_become_one() {
        for (part, given, expected) in [
            (Part::Path, "/%7Euser", "/~user"),       // §6.2.2.2
            (Part::Path, "/a%2fb", "/a%2Fb"),         // §6.2.2.1; a reserved character keeps its encoding
            (Part::Path, "/caf\u{e9}", "/caf%C3%A9"), // as WHATWG URL encodes it
            (Part::Path, "/a|b[c]", "/a%7Cb%5Bc%5D"), // sent raw by browsers
            (Part::Query, "id[0]=1", "id%5B0%5D=1"),  // qs raw and encoded are one
            (Part::Query, "id%5b0%5d=1", "id%5B0%5D=1"),
            (Part::Query, "q=100%&r=%zz", "q=100%25&r=%25zz"),
            (Part::Query, "a=b+c%20d", "a=b+c%20d"),
        ] {
            assert_eq!(normal(given, part).as_deref(), Ok(expected), "{given}");
        }
    }

    #[test]
    fn what_no_uri_may_hold_is_refused() {
        for given in ["/a b", "/a\tb", "/a#b", "/a\\b", "/%", "/%2", "/%zz", "/%00", "/\u{7f}"] {
            assert_eq!(normal(given, Part::Path), Err(Malformed), "{given:?}");
        }
        for given in ["a b", "a#b", "a\nb"] {
            assert_eq!(normal(given, Part::Query), Err(Malformed), "{given:?}");
        }
    }

    proptest! {
        /// What is taken for normal without looking closer is.
        #[test]
        fn what_is_normal_stays(text in "[a-zA-Z0-9/?&=+.;%\\\\# \\PC]{0,12}") {
            for part in [Part::Path, Part::Query] {
                let is_plain = if part == Part::Path { is_plain_path(&text) } else { is_normal_query(&text) };
                if is_plain {
                    prop_assert_eq!(normal(&text, part), Ok(text.clone()));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn normal_form_is_a_fixed_point(text in "\\PC{0,40}", query in any::<bool>()) {
            let part = if query { Part::Query } else { Part::Path };
            if let Ok(once) = normal(&text, part) {
                prop_assert!(once.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert_eq!(normal(&once, part), Ok(once));
            }
        }
    }
}
