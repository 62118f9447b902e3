//! What an edge asks of its origin besides objects: the feed of purges, which has none here, and its lease.
//!
//! So ours runs as in front of a shop: every hit looks at the lease.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Page, Renewal, VERSION};

/// Where the feed stands, for ever.
const POSITION: Epoch = Epoch::new(1, 1);
/// As Vitrine's origin grants it.
const LEASE_MS: u64 = 3_000;
/// The longest that a question is held.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The answer, if the request is such a question.
pub(super) async fn answer(request: &Request<Incoming>) -> Option<Response<Full<Bytes>>> {
    let path = request.uri().path();
    let text = if path == "/v1/feed" {
        let (after, wait) = question(request.uri().query().unwrap_or_default());
        let behind = after != Some(POSITION);
        if !behind {
            tokio::time::sleep(wait).await;
        }
        let take_position = behind.then_some(POSITION);
        serde_json::to_string(&Page { v: VERSION, position: POSITION, take_position, batches: Vec::new() })
    } else if path.starts_with("/v1/members/") && request.method() == Method::PUT {
        serde_json::to_string(&Renewal { v: VERSION, position: POSITION, lease_ms: Some(LEASE_MS) })
    } else if path.starts_with("/v1/") {
        Ok(String::new())
    } else {
        return None;
    };
    text.ok().map(|text| Response::new(Full::from(text)))
}

/// After which epoch, and how long the answer may be held.
fn question(query: &str) -> (Option<Epoch>, Duration) {
    let value = |name| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let wait = value("wait_ms").and_then(|wait| wait.parse().ok()).map_or(Duration::ZERO, Duration::from_millis);
    (value("after").and_then(|after| after.parse().ok()), wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read() {
        assert_eq!(question("after=1.1&wait_ms=250"), (Some(POSITION), Duration::from_millis(250)));
        assert_eq!(question("wait_ms=99999999"), (None, LONGEST_WAIT));
    }
}
