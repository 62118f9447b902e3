//! HTTP/1.1 request heads and chunked content: what is accepted has one meaning for every reader, this edge's Pingora among them.
//!
//! Input: a byte of choices, then what a client sends.
#![no_main]

use http::HeaderName;
use libfuzzer_sys::fuzz_target;
use pingora::protocols::http::ServerSession;
use tokio::io::AsyncWriteExt;
use tokio::runtime::{Builder, Runtime};
use vitrine_proxy::downstream::Limits;
use vitrine_proxy::fuzzing::{Head, chunked, parse_head};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
}

fuzz_target!(|data: &[u8]| {
    let Some((&choices, bytes)) = data.split_first() else { return };
    let limits = match choices & 3 {
        0 => Limits { head: 120, fields: 4, target: 20, ..Limits::default() },
        _ => Limits::default(),
    };
    let length = parse_head(bytes, &limits, |parsed| match parsed {
        Ok(Some(head)) => {
            accepted(&head, bytes, &limits);
            pingora_agrees(&head, bytes);
            Some(head.length)
        }
        Ok(None) => {
            assert!(bytes.len() < limits.head, "more is waited for than may come");
            None
        }
        Err(status) => {
            assert!(matches!(status, 400 | 414 | 431), "{status}");
            None
        }
    });
    prefixes(bytes, length, usize::from(choices >> 2), &limits);
    content(length.map_or(bytes, |length| &bytes[length..]), usize::from(choices >> 2));
});

/// What a head is by RFC 9112, read by hand.
#[derive(Debug, PartialEq, Eq)]
struct Read<'b> {
    method: &'b [u8],
    target: &'b [u8],
    minor: u8,
    fields: Vec<(Vec<u8>, &'b [u8])>,
}

fn by_hand(head: &[u8]) -> Read<'_> {
    let text = head.strip_suffix(b"\r\n\r\n").expect("an empty line at the end");
    let mut lines = split(text, b"\r\n");
    let first: Vec<&[u8]> = lines.remove(0).split(|&byte| byte == b' ').collect();
    let [method, target, version] = first[..] else { panic!("a first line of {} words", first.len()) };
    let minor = match version {
        b"HTTP/1.0" => 0,
        b"HTTP/1.1" => 1,
        _ => panic!("{version:?}"),
    };
    let field = |line: &&'_ [u8]| line.iter().position(|&byte| byte == b':').expect("a colon");
    let fields = lines.iter().map(|line| {
        let colon = field(line);
        (line[..colon].to_ascii_lowercase(), vitrine_fuzz::trim(&line[colon + 1..]))
    });
    Read { method, target, minor, fields: fields.collect() }
}

fn split<'t>(text: &'t [u8], by: &[u8]) -> Vec<&'t [u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(by.len()).position(|window| window == by) {
        parts.push(&rest[..at]);
        rest = &rest[at + by.len()..];
    }
    parts.push(rest);
    parts
}

fn accepted(head: &Head<'_>, bytes: &[u8], limits: &Limits) {
    let own = &bytes[..head.length];
    assert!(own.len() <= limits.head);
    assert_eq!(own.windows(4).position(|end| end == b"\r\n\r\n"), Some(own.len() - 4), "another end");
    // No line ends but CRLF, no CR elsewhere, and no NUL (RFC 9112 §2.2; RFC 9110 §5.5).
    for (at, &byte) in own.iter().enumerate() {
        assert!(byte != b'\n' || own[at - 1] == b'\r');
        assert!(byte != b'\r' || own[at + 1] == b'\n');
        assert!(byte != 0 && byte != 0x7f);
    }
    let read = by_hand(own);
    let request = &head.request;
    assert_eq!((request.method.as_bytes(), request.target.as_bytes(), request.minor_version), (read.method, read.target, read.minor));
    let is_token = |name: &[u8]| !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte));
    assert!(is_token(read.method) && read.fields.iter().all(|(name, _)| is_token(name)), "{read:?}");
    assert!(read.fields.len() <= limits.fields);
    let lines = |name: &str| -> Vec<&[u8]> {
        read.fields.iter().filter(|(given, _)| given == name.as_bytes()).map(|(_, value)| *value).collect()
    };
    for (name, _) in &read.fields {
        let named = HeaderName::from_bytes(name).expect("a name");
        let found: Vec<&[u8]> = request.fields.lines(&named).collect();
        assert_eq!(found, lines(named.as_str()), "{named}");
        let backwards: Vec<&[u8]> = request.fields.lines(&named).rev().collect();
        assert!(backwards.iter().rev().eq(found.iter()));
    }
    // RFC 9112 §6.3: one framing, of which nobody can have another opinion.
    let (lengths, codings) = (lines("content-length"), lines("transfer-encoding"));
    match head.content_length {
        None => {
            assert!(lengths.is_empty() && codings.len() == 1 && read.minor == 1);
            assert!(codings[0].eq_ignore_ascii_case(b"chunked"));
        }
        Some(length) => {
            assert!(codings.is_empty() && lengths.len() <= 1);
            let said = lengths.first().map_or(Ok(0), |said| String::from_utf8_lossy(said).parse());
            assert_eq!(said, Ok(length));
            assert!(lengths.iter().all(|said| said.iter().all(u8::is_ascii_digit)));
        }
    }
    assert!(lines("host").len() == 1 || (read.minor == 0 && lines("host").is_empty()));
    assert_eq!(head.upgrades, !lines("upgrade").is_empty());
}

/// Of a head whose beginning is refused nothing else is accepted, and no part of it is a head.
fn prefixes(bytes: &[u8], length: Option<usize>, cut: usize, limits: &Limits) {
    let cut = cut * bytes.len() / 64;
    parse_head(&bytes[..cut], limits, |part| match (part, length) {
        (Ok(Some(part)), whole) => assert_eq!(Some(part.length), whole, "a part is another head"),
        (Ok(None), Some(length)) => assert!(cut < length),
        (Err(status), Some(_)) => panic!("a part is refused with {status}, and the whole is a head"),
        (Ok(None) | Err(_), None) => {}
    });
}

/// Chunked content by RFC 9112 §7.1: `Ok(None)` where it goes on.
fn chunks_by_hand(bytes: &[u8]) -> Result<Option<(usize, usize)>, ()> {
    let (mut at, mut data) = (0, 0);
    loop {
        let Some(line) = line(&bytes[at..])? else { return Ok(None) };
        let digits = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
        let (size, extension) = line.split_at(digits);
        let is_text = |bytes: &[u8]| bytes.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
        if size.is_empty() || size.len() > 15 || !(extension.is_empty() || extension.starts_with(b";")) || !is_text(extension) {
            return Err(());
        }
        let size = usize::from_str_radix(std::str::from_utf8(size).map_err(drop)?, 16).map_err(drop)?;
        at += line.len() + 2;
        if size == 0 {
            break;
        }
        let Some(end) = bytes.get(at..).and_then(|rest| rest.get(size..)) else { return Ok(None) };
        match end {
            [b'\r', b'\n', ..] => {}
            [] | [b'\r'] => return Ok(None),
            _ => return Err(()),
        }
        data += size;
        at += size + 2;
    }
    loop {
        let Some(line) = line(&bytes[at..])? else { return Ok(None) };
        at += line.len() + 2;
        if line.is_empty() {
            return Ok(Some((at, data)));
        }
        let colon = line.iter().position(|&byte| byte == b':').ok_or(())?;
        let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let is_text = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
        if colon == 0 || !line[..colon].iter().all(is_token) || !line[colon + 1..].iter().all(is_text) {
            return Err(());
        }
    }
}

/// The line that bytes begin with, without its CRLF; nothing where it goes on.
fn line(bytes: &[u8]) -> Result<Option<&[u8]>, ()> {
    match bytes.iter().position(|&byte| byte == b'\r' || byte == b'\n') {
        Some(at) if bytes[at] == b'\n' => Err(()),
        Some(at) => match bytes.get(at + 1) {
            Some(b'\n') => Ok(Some(&bytes[..at])),
            Some(_) => Err(()),
            None => Ok(None),
        },
        None => Ok(None),
    }
}

fn content(bytes: &[u8], step: usize) {
    let whole = chunked(std::iter::once(bytes));
    assert_eq!(whole, chunked(bytes.chunks(step.max(1))), "how it comes in pieces means something");
    match (chunks_by_hand(bytes), whole) {
        (Ok(Some((used, data))), Some(found)) => assert_eq!(found, (used, data, true)),
        (Ok(Some(_)), None) => panic!("a content is refused"),
        (Err(()), found) => assert!(found.is_none(), "{found:?}"),
        // It may be known already that nothing can come of it.
        (Ok(None), found) => assert!(found.is_none_or(|(_, _, is_ended)| !is_ended)),
    }
}

/// Pingora, which is lent the connection for the slow path, reads the same head and the same content.
fn pingora_agrees(head: &Head<'_>, bytes: &[u8]) {
    let rest = &bytes[head.length..];
    let (used, data) = match head.content_length {
        Some(length) => match usize::try_from(length).ok().filter(|length| *length <= rest.len()) {
            Some(length) => (length, length),
            None => return,
        },
        None => match chunks_by_hand(rest) {
            Ok(Some(found)) => found,
            _ => return,
        },
    };
    let sent = &bytes[..head.length + used];
    RUNTIME.with(|runtime| runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        client.write_all(sent).await.expect("room");
        drop(client);
        let mut session = ServerSession::new_http1(Box::new(server));
        // What it refuses it cannot misread.
        let Ok(true) = session.read_request().await else { return };
        let read = by_hand(&bytes[..head.length]);
        let theirs = session.req_header();
        assert_eq!(theirs.method.as_str().as_bytes(), read.method);
        assert_eq!(theirs.raw_path(), read.target);
        assert_eq!(theirs.headers.len(), read.fields.len(), "{:?}", theirs.headers);
        for (name, _) in &read.fields {
            let name = HeaderName::from_bytes(name).expect("a name");
            let own: Vec<&[u8]> = head.request.fields.lines(&name).collect();
            assert!(theirs.headers.get_all(&name).iter().map(|line| line.as_bytes()).eq(own), "{name}");
        }
        let mut found = 0;
        loop {
            match session.read_request_body().await {
                Ok(Some(piece)) => found += piece.len(),
                Ok(None) => break,
                Err(error) => panic!("Pingora cannot read the content: {error}"),
            }
        }
        assert_eq!(found, data, "Pingora reads another content");
    }));
}
