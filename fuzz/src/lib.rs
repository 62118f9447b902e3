//! What the targets have in common: inputs as text that people can read and write, and second readings of it that are simple instead of fast.

use http::{HeaderMap, HeaderName, HeaderValue};
use vitrine_proxy::fast::{HeaderSection, RequestHead};

/// `name: value` lines as fields; what can be no field is left out.
pub fn fields(lines: &[u8]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in lines.split(|&byte| byte == b'\n').filter_map(field) {
        fields.append(name, value);
    }
    fields
}

/// One `name: value` line.
pub fn field(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    Some((name, value))
}

/// The part before the first empty line, and what follows it.
pub fn section(text: &[u8]) -> (&[u8], &[u8]) {
    match text.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&text[..=at], &text[at + 2..]),
        None => (text, &[]),
    }
}

/// The first line, and what follows it.
pub fn line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|&byte| byte == b'\n') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}

/// Choices that an input makes, a byte each; zero where none are left.
#[derive(Debug)]
pub struct Choices<'i>(pub &'i [u8]);

impl Choices<'_> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let (&byte, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        byte
    }

    /// The next choice among so many.
    pub fn among(&mut self, many: usize) -> usize {
        usize::from(self.byte()) % many
    }

    /// The next choice of two.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }
}

/// The lines of each field in reversed order, the fields as they are.
pub fn reversed(fields: &HeaderMap) -> HeaderMap {
    let mut reversed = HeaderMap::new();
    for name in fields.keys() {
        let lines: Vec<&HeaderValue> = fields.get_all(name).iter().collect();
        for line in lines.into_iter().rev() {
            reversed.append(name.clone(), line.clone());
        }
    }
    reversed
}

/// The lines of each field as one, as any recipient may combine them (RFC 9110 §5.3).
pub fn combined(fields: &HeaderMap) -> HeaderMap {
    let mut combined = HeaderMap::new();
    for name in fields.keys() {
        let lines: Vec<&[u8]> = fields.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(line) = HeaderValue::from_bytes(&lines.join(&b", "[..])) {
            combined.insert(name.clone(), line);
        }
    }
    combined
}

/// The members of a list, `None` where it is not of the grammar `#( token [ "=" ( token / quoted-string ) ] )` (RFC 9110 §5.6.1): each
/// member's name, and its argument as it stands.
pub fn strict_list(line: &[u8]) -> Option<Vec<(&[u8], Option<&[u8]>)>> {
    let mut members = Vec::new();
    let mut rest = trim(line);
    loop {
        if let Some(after) = rest.strip_prefix(b",") {
            rest = trim(after);
            continue;
        }
        if rest.is_empty() {
            return Some(members);
        }
        let (name, after) = token(rest)?;
        let (argument, after) = match after.strip_prefix(b"=") {
            Some(quoted) if quoted.starts_with(b"\"") => {
                let end = closing_quote(quoted)?;
                (Some(&quoted[..=end]), &quoted[end + 1..])
            }
            Some(bare) => token(bare).map(|(argument, after)| (Some(argument), after))?,
            None => (None, after),
        };
        members.push((name, argument));
        rest = trim(after);
        if !(rest.is_empty() || rest.starts_with(b",")) {
            return None;
        }
    }
}

/// Without optional whitespace around (RFC 9110 §5.6.3).
pub fn trim(text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let from = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    let to = text.iter().rposition(|byte| !is_space(byte)).map_or(from, |at| at + 1);
    &text[from..to]
}

fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let end = text.iter().position(|byte| !is_tchar(byte)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Where the quoted string that `text` begins with is closed.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// A head that is whole, as the fast path is given it.
pub fn with_head<T>(bytes: &[u8], then: impl FnOnce(&RequestHead<'_>) -> Option<T>) -> Option<T> {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut parsed = httparse::Request::new(&mut fields);
    let is_whole = parsed.parse(bytes).is_ok_and(|status| status.is_complete());
    let (Some(method), Some(path), Some(version)) = (parsed.method, parsed.path, parsed.version) else { return None };
    if !is_whole {
        return None;
    }
    let section = HeaderSection::of(bytes, parsed.headers);
    then(&RequestHead::new(method, path, version, &section))
}
