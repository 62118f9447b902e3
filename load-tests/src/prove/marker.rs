//! What a written version looks like in a title, a name or a file: `~e012v00000345~`, entity 12 in version 345.

use memchr::memmem;

const BEGIN: &[u8] = b"~e";
const ENTITY: usize = 3;
const VERSION: usize = 8;
/// Bytes of a marker.
const LENGTH: usize = BEGIN.len() + ENTITY + 1 + VERSION + 1;

/// An entity's number and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) entity: usize,
    pub(super) version: u64,
}

impl std::fmt::Display for Mark {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "~e{:03}v{:08}~", self.entity, self.version)
    }
}

/// Finds all marks of a body.
pub(super) fn scan(body: &[u8], mut found: impl FnMut(Mark)) {
    for at in memmem::find_iter(body, BEGIN) {
        if let Some(mark) = body.get(at..at + LENGTH).and_then(read) {
            found(mark);
        }
    }
}

fn read(text: &[u8]) -> Option<Mark> {
    let (entity, rest) = text[BEGIN.len()..].split_at(ENTITY);
    let (version, end) = rest.strip_prefix(b"v")?.split_at(VERSION);
    if end != b"~" {
        return None;
    }
    Some(Mark { entity: usize::try_from(number(entity)?).ok()?, version: number(version)? })
}

/// A number of at most 18 decimal digits.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_found_and_nothing_else() {
        let marks = [Mark { entity: 0, version: 1 }, Mark { entity: 999, version: 99_999_999 }];
        let body = format!("{{\"title\":\"{}\",\"x\":\"~e1~e00~\",\"t\":\"a {} b\"}}~e00", marks[0], marks[1]);
        let mut found = Vec::new();
        scan(body.as_bytes(), |mark| found.push(mark));
        assert_eq!(found, marks);
        assert_eq!(marks[0].to_string().len(), LENGTH);
    }
}
