//! Answers, read from their bytes, and what of two must be equal.

use std::collections::BTreeMap;

use http::{HeaderMap, StatusCode};

use crate::words::Request;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    reason: Option<String>,
    /// Names in lower case, each with its values in their order.
    fields: BTreeMap<String, Vec<Vec<u8>>>,
    body: Vec<u8>,
}

impl Answer {
    pub fn read(whole: &[u8], request: &Request) -> Self {
        let mut headers = [httparse::EMPTY_HEADER; 128];
        let mut head = httparse::Response::new(&mut headers);
        let told = || format!("{:?}: {request}", String::from_utf8_lossy(whole));
        let length = match head.parse(whole) {
            Ok(httparse::Status::Complete(length)) => length,
            other => panic!("{other:?}: {}", told()),
        };
        assert!(whole[..length].ends_with(b"\r\n\r\n") && head.version == Some(1), "{}", told());
        let mut fields: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for header in &*head.headers {
            fields.entry(header.name.to_ascii_lowercase()).or_default().push(header.value.to_vec());
        }
        let answer = Self {
            status: head.code.unwrap_or_default(),
            reason: Some(head.reason.unwrap_or_default().to_owned()),
            fields,
            body: whole[length..].to_vec(),
        };
        answer.assert_framed(request);
        answer
    }

    pub fn of_map(status: StatusCode, given: &HeaderMap, body: Vec<u8>) -> Self {
        let mut fields: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for (name, value) in given {
            // What a parser of HTTP/1.1 leaves off; it never lets such a value in either.
            fields.entry(name.as_str().to_owned()).or_default().push(value.as_bytes().trim_ascii().to_vec());
        }
        Self { status: status.as_u16(), reason: None, fields, body }
    }

    /// Without what it says of an HTTP/1.1 connection, which HTTP/2 does not say (RFC 9113 §8.2.2).
    pub fn for_any_connection(&self) -> Self {
        let mut answer = self.clone();
        answer.fields.remove("connection");
        answer
    }

    pub fn keeps_alive(&self) -> bool {
        let close = |values: &Vec<Vec<u8>>| values.iter().any(|value| value.eq_ignore_ascii_case(b"close"));
        !self.fields.get("connection").is_some_and(close)
    }

    /// RFC 9112 §6.3: its content is as long as it says.
    fn assert_framed(&self, request: &Request) {
        let length = self.fields.get("content-length");
        assert!(length.is_none_or(|lines| lines.len() == 1), "{self:?}{request}");
        let length = length.map(|lines| String::from_utf8_lossy(&lines[0]).parse::<usize>().expect("a length"));
        if request.method == "HEAD" || matches!(self.status, 204 | 304) {
            assert!(self.body.is_empty(), "{self:?}{request}");
        } else if !self.fields.contains_key("transfer-encoding") {
            assert_eq!(length, Some(self.body.len()), "{self:?}{request}");
        }
    }

    /// Fails where this is not the same answer as `other`, that of `whose`.
    pub fn assert_is(&self, other: &Self, whose: &str, request: &Request) {
        let told = || format!("{whose} says\n{other:#?}\nin place of\n{self:#?}\nto {request}");
        assert_eq!(self.status, other.status, "{}", told());
        if let (Some(one), Some(other)) = (&self.reason, &other.reason) {
            assert_eq!(one, other, "{}", told());
        }
        let (one, two) = (self.normal(request), other.normal(request));
        for name in one.fields.keys().chain(two.fields.keys()) {
            let (one, two) = (one.fields.get(name), two.fields.get(name));
            let is_same = match (one, two) {
                (Some(one), Some(two)) => {
                    one.len() == two.len() && one.iter().zip(two).all(|(one, two)| is_same(name, one, two))
                }
                _ => false,
            };
            assert!(is_same, "{name}: {}", told());
        }
        assert!(one.body == two.body, "another body: {}", told());
    }

    /// Without what has to differ.
    fn normal(&self, request: &Request) -> Self {
        let mut normal = self.clone();
        // Pingora writes its own clock's; the connection puts the right one in its place, which other tests see.
        normal.fields.remove("date");
        normal.fields.remove("keep-alive");
        let given = request.lines.iter().any(|(name, _)| name == "x-request-id");
        if let Some(id) = normal.fields.get_mut("x-request-id")
            && id.len() == 1
            && id[0].len() == 26
            && !(given && request.lines.iter().any(|(_, value)| value.as_bytes() == id[0]))
        {
            id[0] = b"a ulid".to_vec();
        }
        // Over HTTP/2, and where it goes on, nothing need be said.
        if normal.keeps_alive() {
            normal.fields.remove("connection");
        }
        normal
    }
}

/// Whether two values are the same but for a second.
fn is_same(name: &str, one: &[u8], other: &[u8]) -> bool {
    let number = match name {
        "age" => "",
        "cache-status" => "ttl=",
        "cache-control" => "max-age=",
        _ => return one == other,
    };
    if one == other {
        return true;
    }
    let (Some((before, value, after)), Some((before2, value2, after2))) = (split(one, number), split(other, number)) else {
        return false;
    };
    before == before2 && after == after2 && value.abs_diff(value2) <= 1
}

/// What is before a number, it, and what is behind it.
fn split<'v>(value: &'v [u8], begins: &str) -> Option<(&'v str, i64, &'v str)> {
    let text = std::str::from_utf8(value).ok()?;
    let at = text.find(begins)? + begins.len();
    let end = text[at..].find(|c: char| c != '-' && !c.is_ascii_digit()).map_or(text.len(), |end| at + end);
    Some((&text[..at], text[at..end].parse().ok()?, &text[end..]))
}
