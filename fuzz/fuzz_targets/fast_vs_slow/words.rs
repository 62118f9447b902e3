//! The words that requests and responses are made of.

use std::fmt;

use arbitrary::{Result, Unstructured};
use http::{HeaderName, HeaderValue};

/// Names and values of fields; a value that is `None` stands for any bytes.
pub type Lines = Vec<(HeaderName, HeaderValue)>;
type Word = (&'static str, &'static [&'static str]);

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: &'static str,
    pub target: String,
    pub version: &'static str,
    pub lines: Lines,
    /// Whether a trusted proxy is connected.
    pub is_proxy: bool,
    /// Whether it is the last of its connection.
    pub is_last: bool,
}

pub const HOSTS: [&str; 4] = ["shop.example", "SHOP.example:80", "other.example", "10.0.0.1"];
/// Each is a rule of its own: see `edge.rs`.
const FOLDERS: [&str; 8] = ["plain", "ttl", "revalidate", "compress", "cors", "keyed", "obey", "vary"];
const FILES: [&str; 7] = ["a", "b", "a?x=1&b=2", "a?b=2&x=1&utm_source=z", "%61", "a/../b", "a;b//c"];
const DATES: [&str; 4] = [
    "Thu, 01 Jan 2026 00:00:00 GMT",
    "Thu, 01 Jan 2026 00:00:01 GMT",
    "Fri, 01 Jan 2100 00:00:00 GMT",
    "yesterday",
];
const TAGS: [&str; 6] = ["\"a\"", "W/\"a\"", "\"b\"", "*", "a", "\"b\", W/\"a\""];

const OF_REQUESTS: [Word; 33] = [
    ("accept-encoding", &["gzip", "br", "zstd, gzip;q=0.5", "identity", "*;q=0", "gzip, br, zstd", "", "identity;q=0, br", "x-gzip"]),
    ("if-none-match", &TAGS),
    ("if-modified-since", &DATES),
    ("cache-control", &["no-cache", "max-age=0", "max-age=100", "only-if-cached", "min-fresh=50", "max-stale", "no-store"]),
    ("pragma", &["no-cache"]),
    ("cookie", &["session=1", "currency=eur", "a=1; currency=usd", ""]),
    ("authorization", &["Bearer x"]),
    ("origin", &["https://shop.example", "https://a.shop.example", "https://evil.example", "null", ""]),
    ("x-request-id", &["abc-1", "not a token!", "", "0123456789012345678901234567890123456789012345678901234567890123456789"]),
    ("x-forwarded-for", &["198.51.100.1", "10.1.0.2, 198.51.100.1", "unknown"]),
    ("x-forwarded-proto", &["https", "http", "ftp"]),
    ("x-forwarded-host", &["shop.example", "other.example", "not a host"]),
    ("forwarded", &["for=198.51.100.1;proto=https;host=other.example"]),
    ("accept-language", &["de", "en-GB, en;q=0.5", "fr", "*"]),
    ("accept", &["text/html", "*/*", "application/json, text/html;q=0.5"]),
    ("x-locale", &["de", "en", ""]),
    ("x-vary", &["1", "2", "1, 2"]),
    ("user-agent", &["iPhone Mobile", "Android", "Mozilla/5.0"]),
    ("x-device-class", &["mobile"]),
    ("connection", &["close", "keep-alive", "Keep-Alive", "x-locale", "close, x-vary", "upgrade", ""]),
    ("range", &["bytes=0-1", "bytes=-5", "x"]),
    ("if-range", &TAGS),
    ("if-match", &TAGS),
    ("if-unmodified-since", &DATES),
    ("expect", &["100-continue"]),
    ("upgrade", &["websocket"]),
    ("te", &["trailers"]),
    ("trailer", &["x"]),
    ("x-bypass", &["1"]),
    ("priority", &["u=0, i"]),
    ("via", &["1.1 vitrine"]),
    ("x-http-method-override", &["POST"]),
    ("access-control-request-method", &["PUT"]),
];

const OF_RESPONSES: [Word; 27] = [
    ("cache-control", &["max-age=105", "public, max-age=605", "s-maxage=305, max-age=5", "no-cache", "max-age=105, must-revalidate",
        "max-age=105, no-transform", "max-age=0, stale-while-revalidate=1005", "max-age=5, max-age=6", "private=\"x\""]),
    ("cdn-cache-control", &["max-age=205", "max-age=0"]),
    ("etag", &TAGS),
    ("last-modified", &DATES),
    ("date", &DATES),
    ("expires", &DATES),
    ("age", &["15", "x", "100000"]),
    ("vary", &["accept-encoding", "x-vary", "accept-language", "Origin, x-vary", "cookie", "accept", "user-agent"]),
    ("content-type", &["text/html", "application/json; charset=utf-8", "image/png", "multipart/byteranges; boundary=x"]),
    ("content-encoding", &["gzip", "br", "identity", "deflate"]),
    ("content-length", &["7"]),
    ("content-language", &["de"]),
    ("content-range", &["bytes 0-1/2"]),
    ("content-digest", &["sha-256=:AA==:"]),
    ("set-cookie", &["a=1"]),
    ("x-request-id", &["of-the-upstream"]),
    ("cache-status", &["other; hit", "vitrine; hit; ttl=999999999999998; detail=\"rule=plain\""]),
    ("connection", &["close", "x-other", "keep-alive"]),
    ("keep-alive", &["timeout=5"]),
    ("access-control-allow-origin", &["*", "https://shop.example"]),
    ("access-control-allow-credentials", &["true"]),
    ("x-powered-by", &["test"]),
    ("x-frame-options", &["SAMEORIGIN"]),
    ("vitrine-tags", &["product:1", "bad,tag"]),
    ("vitrine-cache-epoch", &["1.5"]),
    ("pragma", &["no-cache"]),
    ("x-other", &["1", "2", "caf\u{e9}"]),
];

/// The paths of one case: few, so that requests find what is stored.
pub fn paths(input: &mut Unstructured<'_>) -> Result<Vec<String>> {
    let folder = input.choose(&FOLDERS)?;
    let mut paths = Vec::new();
    for _ in 0..input.int_in_range(1..=2)? {
        paths.push(format!("/{folder}/{}", input.choose(&FILES)?));
    }
    Ok(paths)
}

pub fn request(paths: &[String], input: &mut Unstructured<'_>) -> Result<Request> {
    let mut lines = vec![(http::header::HOST, HeaderValue::from_static(if input.ratio(9, 10)? { HOSTS[0] } else { input.choose(&HOSTS)? }))];
    more_lines(&OF_REQUESTS, 6, input, &mut lines)?;
    Ok(Request {
        method: input.choose(&["GET", "GET", "GET", "HEAD", "POST", "OPTIONS"])?,
        target: input.choose(paths)?.clone(),
        version: if input.ratio(1, 20)? { "HTTP/1.0" } else { "HTTP/1.1" },
        lines,
        is_proxy: input.arbitrary()?,
        is_last: input.ratio(1, 10)?,
    })
}

pub fn of_response(input: &mut Unstructured<'_>) -> Result<Lines> {
    let mut lines = Vec::new();
    more_lines(&OF_RESPONSES, 7, input, &mut lines)?;
    Ok(lines)
}

/// Some of what a client sends, for what was stored for another one.
pub fn of_client(input: &mut Unstructured<'_>) -> Result<Lines> {
    let mut lines = Vec::new();
    more_lines(&OF_REQUESTS, 3, input, &mut lines)?;
    Ok(lines)
}

fn more_lines(words: &[Word], most: usize, input: &mut Unstructured<'_>, lines: &mut Lines) -> Result<()> {
    for _ in 0..input.int_in_range(0..=most)? {
        let (name, values) = input.choose(words)?;
        let value = match input.int_in_range(0..=15)? {
            0 => any_value(input)?,
            _ => HeaderValue::from_str(input.choose(values)?).ok(),
        };
        lines.extend(value.map(|value| (HeaderName::from_static(name), value)));
    }
    Ok(())
}

/// Any bytes that may stand in a field, without space around, which parsers take away.
fn any_value(input: &mut Unstructured<'_>) -> Result<Option<HeaderValue>> {
    let length = input.int_in_range(0..=24)?;
    let bytes = input.bytes(length.min(input.len()))?;
    Ok(HeaderValue::from_bytes(bytes.trim_ascii()).ok())
}

impl Request {
    /// As it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} {}\r\n", self.method, self.target, self.version).into_bytes();
        for (name, value) in &self.lines {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                bytes.extend_from_slice(part);
            }
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}(proxy {}, last {})\n", String::from_utf8_lossy(&self.bytes()), self.is_proxy, self.is_last)
    }
}
