//! Requests as browsers send them: a dozen fields, which differ from visitor to visitor.

use std::fmt::Write as _;

/// The host that is asked for.
pub(super) const HOST: &str = "shop.example";
/// Visitors with a head of their own.
const VISITORS: u32 = 48;

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
];
const LANGUAGES: [&str; 3] = ["de-DE,de;q=0.9,en;q=0.8", "en-GB,en;q=0.9", "da,en-US;q=0.7,en;q=0.3"];

/// The heads of many visitors, each asked for in its turn.
pub(super) struct Browsers {
    /// All fields but Host, and the empty line.
    heads: Vec<String>,
    next: usize,
}

impl Browsers {
    pub(super) fn new() -> Self {
        Self { heads: (0..VISITORS).map(head_of).collect(), next: 0 }
    }

    /// Writes a GET, with `precondition` (whole lines) among its fields.
    pub(super) fn get(&mut self, target: &str, precondition: &str, request: &mut Vec<u8>) {
        self.next = (self.next + 1) % self.heads.len();
        for part in ["GET ", target, " HTTP/1.1\r\nHost: ", HOST, "\r\n", precondition, &self.heads[self.next]] {
            request.extend_from_slice(part.as_bytes());
        }
    }

    /// The fields of one of them, `Name: value` each, for a tool that makes its own requests.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        let head = self.heads.first().map(String::as_str).unwrap_or_default();
        head.lines().filter(|line| !line.is_empty() && !line.starts_with("Connection:"))
    }
}

fn head_of(visitor: u32) -> String {
    let pick = |from: &[&'static str]| from[visitor as usize % from.len()];
    let mut head = format!("User-Agent: {}\r\n", pick(&AGENTS));
    head.push_str("Accept: image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8\r\n");
    let _ = write!(head, "Accept-Language: {}\r\n", pick(&LANGUAGES));
    head.push_str("Accept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\n");
    let _ = write!(head, "Referer: https://{HOST}/de/products/linen-shirt-{}\r\n", visitor * 31);
    let session = u64::from(visitor + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let _ =
        write!(head, "Cookie: _ga=GA1.1.{}.17620{visitor:05}; consent=all; region=eu-{}", session >> 33, visitor % 5);
    if visitor.is_multiple_of(3) {
        let _ = write!(head, "; _medusa_cart_id=cart_01{session:016X}");
    }
    head.push_str("\r\nSec-Fetch-Dest: image\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: same-origin\r\n\r\n");
    head
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn requests_are_whole_and_differ() {
        let mut browsers = Browsers::new();
        let mut seen = BTreeSet::new();
        for _ in 0..VISITORS {
            let mut request = Vec::new();
            browsers.get("/media/1", "If-None-Match: \"a\"\r\n", &mut request);
            let text = String::from_utf8(request).unwrap();
            assert!(text.starts_with("GET /media/1 HTTP/1.1\r\nHost: shop.example\r\nIf-None-Match: \"a\"\r\n"));
            assert!(text.ends_with("\r\n\r\n") && text.matches("\r\n\r\n").count() == 1, "{text}");
            seen.insert(text);
        }
        assert_eq!(seen.len(), VISITORS as usize);
        assert_eq!(browsers.fields().count(), 9);
    }
}
