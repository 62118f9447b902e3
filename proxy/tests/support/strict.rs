//! What a strict client makes of the bytes that it gets: it takes nothing for whole that may not be, and nothing for harmless that
//! another client could take for a response of its own.

/// A final response, and the interim ones before it.
#[derive(Debug, PartialEq, Eq)]
pub struct Strict {
    pub interim: Vec<u16>,
    /// 0 where no head came.
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// Whether the content came to the end that its framing announces.
    pub whole: bool,
}

// === impl Strict ===

impl Strict {
    /// Reads all bytes of a connection on which one request was made.
    ///
    /// Panics where the head is no HTTP/1.1 or its framing is ambiguous, and where bytes follow the response: they would be taken for
    /// the next one (RFC 9112 §11.1).
    pub fn of(bytes: &[u8], is_head: bool) -> Self {
        let mut interim = Vec::new();
        let mut rest = bytes;
        loop {
            let Some(end) = find(rest, b"\r\n\r\n") else {
                return Self { interim, status: 0, head: String::new(), body: rest.to_vec(), whole: false };
            };
            let head = checked(&rest[..end]);
            rest = &rest[end + 4..];
            let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
            if (100..200).contains(&status) && status != 101 {
                interim.push(status);
                continue;
            }
            let (body, whole) = content(&head, status, is_head, rest);
            return Self { interim, status, head, body, whole };
        }
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// All values of a field.
    pub fn values(&self, name: &str) -> Vec<&str> {
        values(&self.head, name)
    }

    /// The only value of a field; empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        let values = self.values(name);
        assert!(values.len() < 2, "{name}: {values:?}");
        values.first().copied().unwrap_or_default()
    }
}

fn values<'h>(head: &'h str, name: &str) -> Vec<&'h str> {
    let fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    fields.filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
}

/// RFC 9112 §4, §5: lines end in CRLF and hold no other control character, and each field has a name without white space.
fn checked(head: &[u8]) -> String {
    let head = String::from_utf8_lossy(head).into_owned();
    let mut lines = head.split("\r\n");
    assert!(lines.next().unwrap().starts_with("HTTP/1.1 "), "{head}");
    for line in lines {
        assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
        let name = line.split_once(':').unwrap_or_else(|| panic!("{line:?}")).0;
        assert!(!name.is_empty() && !name.contains([' ', '\t']), "{line:?}");
    }
    head
}

/// The content and whether it is whole (RFC 9112 §6.3).
fn content(head: &str, status: u16, is_head: bool, rest: &[u8]) -> (Vec<u8>, bool) {
    let lengths = values(head, "content-length");
    let codings = values(head, "transfer-encoding");
    assert!(lengths.len() + codings.len() < 2, "ambiguous framing: {head}");
    if is_head || matches!(status, 204 | 304) {
        // RFC 9110 §8.6, RFC 9112 §6.1
        assert!(status != 204 || lengths.len() + codings.len() == 0, "framing where no content may be: {head}");
        assert!(rest.is_empty(), "content where none may be: {}", String::from_utf8_lossy(rest));
        return (Vec::new(), true);
    }
    if let Some(coding) = codings.first() {
        assert!(coding.eq_ignore_ascii_case("chunked"), "{head}");
        return chunks(rest);
    }
    let Some(length) = lengths.first() else {
        assert_eq!(status, 101, "the end of this could not be told from a cut: {head}");
        return (rest.to_vec(), true);
    };
    assert!(length.bytes().all(|byte| byte.is_ascii_digit()), "{head}");
    let length: usize = length.parse().unwrap();
    assert!(rest.len() <= length, "bytes after the end: {}", String::from_utf8_lossy(&rest[length..]));
    (rest.to_vec(), rest.len() == length)
}

fn chunks(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = find(rest, b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        rest = &rest[end + 2..];
        if rest.len() < size + 2 {
            body.extend_from_slice(&rest[..size.min(rest.len())]);
            break;
        }
        assert_eq!(&rest[size..size + 2], b"\r\n");
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
        if size == 0 {
            assert!(rest.is_empty(), "bytes after the end: {}", String::from_utf8_lossy(rest));
            return (body, true);
        }
    }
    (body, false)
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}
