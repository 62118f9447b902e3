//! `?wait=acked` and `Prefer: wait=N` on writes: the answer comes when no member serves what the write replaced.
//!
//! Either one asks for it; N is in seconds (RFC 7240). The reply then carries `Vitrine-Ack: acked;epoch="1.43";members=3;waited_ms=7`,
//! with `lapsed="NAMES"` where it had to wait for leases to run out, or, when the time ran out, status 202 and
//! `pending;epoch="1.43";waiting_for="NAMES"`. A write that did not ask carries no such header: it is committed,
//! and its purges are on their way.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use serde::Serialize;
use vitrine_shared::headers::VITRINE_ACK;

use crate::config::Feed;
use crate::error::ApiError;
use crate::feed::ack::{self, Acknowledgement};
use crate::outbox::Receipt;
use crate::state::AppState;

/// The answer to a write: its receipt makes it possible to wait for it.
#[derive(Debug)]
pub struct Written<T> {
    /// What to wait for.
    pub receipt: Receipt,
    /// The body, sent as JSON.
    pub body: T,
}

/// Most members that a reply names.
const MAX_NAMES: usize = 8;
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

impl<T: Serialize> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        response.extensions_mut().insert(self.receipt);
        response
    }
}

/// Takes `wait` off the query, lets the route answer, and then waits where that was asked for and there is a receipt.
///
/// Only routes that have let the caller in leave a receipt, so strangers cannot hold requests open.
pub async fn layer(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let limit = match limit(request.uri(), request.headers(), &state.config.feed) {
        Ok(limit) => limit,
        Err(error) => return error.into_response(),
    };
    if let Some(uri) = without_wait(request.uri()) {
        *request.uri_mut() = uri;
    }
    let mut response = next.run(request).await;
    let (Some(limit), Some(receipt)) = (limit, response.extensions_mut().remove::<Receipt>()) else {
        return response;
    };
    let since = receipt.committed().unwrap_or_else(Instant::now);
    let acknowledgement = ack::wait(&state, &receipt, limit).await;
    if let Acknowledgement::Pending { .. } = acknowledgement {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    let headers = response.headers_mut();
    headers.insert(VITRINE_ACK, header_value(&acknowledgement, since.elapsed()));
    if let Ok(applied) = HeaderValue::from_str(&format!("wait={}", limit.as_secs())) {
        headers.insert(PREFERENCE_APPLIED, applied);
    }
    response
}

/// How long to wait; `None` where nobody asked to.
fn limit(uri: &Uri, headers: &HeaderMap, config: &Feed) -> Result<Option<Duration>, ApiError> {
    let mut asked = false;
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if name == "wait" {
            if value != "acked" {
                let message = format!("Invalid request: Expected: 'acked' for field 'wait', but got: '{value}'");
                return Err(ApiError::invalid_data(message));
            }
            asked = true;
        }
    }
    let longest = Duration::from_millis(config.max_ack_wait_ms);
    if let Some(seconds) = preferred_wait(headers) {
        return Ok(Some(Duration::from_secs(seconds).min(longest)));
    }
    Ok(asked.then(|| Duration::from_millis(config.ack_wait_ms).min(longest)))
}

/// N of `Prefer: wait=N`; the first counts, and what cannot be read is no preference (RFC 7240, section 2).
fn preferred_wait(headers: &HeaderMap) -> Option<u64> {
    let lines = headers.get_all(PREFER).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("wait") {
            return None;
        }
        value.trim().trim_matches('"').parse().ok()
    })
}

/// The URI without its `wait` parameters, so that routes may refuse parameters that they do not know.
fn without_wait(uri: &Uri) -> Option<Uri> {
    let query = uri.query()?;
    let is_wait = |pair: &&str| pair.split('=').next() == Some("wait");
    if !query.split('&').any(|pair| is_wait(&pair)) {
        return None;
    }
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_wait(pair)).collect();
    let path_and_query =
        if kept.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), kept.join("&")) };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// An RFC 9651 item with parameters.
fn header_value(acknowledgement: &Acknowledgement, waited: Duration) -> HeaderValue {
    let reached = match acknowledgement {
        Acknowledgement::Acked { epoch, how } => {
            format!("acked;epoch=\"{epoch}\";members={}{}", how.members, names("lapsed", &how.lapsed))
        }
        Acknowledgement::Pending { epoch: Some(epoch), waiting_for } => {
            let waiting_for = names("waiting_for", waiting_for.iter().map(|waiting| &waiting.name));
            format!("pending;epoch=\"{epoch}\"{waiting_for}")
        }
        Acknowledgement::Pending { epoch: None, .. } => "pending".to_owned(),
    };
    let text = format!("{reached};waited_ms={:.3}", waited.as_secs_f64() * 1_000.0);
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("pending"))
}

/// A parameter with members' names, the first of them where there are many; nothing for none.
fn names<'n>(key: &str, names: impl IntoIterator<Item = &'n String>) -> String {
    let mut named: Vec<String> = names.into_iter().take(MAX_NAMES).map(|name| plain(name)).collect();
    named.sort_unstable();
    if named.is_empty() { String::new() } else { format!(";{key}=\"{}\"", named.join(" ")) }
}

/// A name as a string of RFC 9651 can hold it, without the spaces between names.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_graphic() && c != '"' && c != '\\' { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefer(value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(PREFER, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn the_preference_is_found_among_others() {
        assert_eq!(preferred_wait(&prefer("respond-async, wait=7")), Some(7));
        assert_eq!(preferred_wait(&prefer("Wait = \"3\"; x=y")), Some(3));
        assert_eq!(preferred_wait(&prefer("wait=soon")), None);
        assert_eq!(preferred_wait(&prefer("waiting=7")), None);
        assert_eq!(preferred_wait(&HeaderMap::new()), None);
    }

    #[test]
    fn only_the_wait_parameter_is_taken_off() {
        let of = |uri: &str| without_wait(&uri.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(of("/admin/products?wait=acked").as_deref(), Some("/admin/products"));
        assert_eq!(of("/p?a=1&wait=acked&b=%26").as_deref(), Some("/p?a=1&b=%26"));
        assert_eq!(of("/p?waiting=1"), None);
        assert_eq!(of("/p"), None);
    }

    #[test]
    fn the_reply_says_what_was_reached() {
        use vitrine_shared::epoch::Epoch;
        use vitrine_shared::ledger::{Acknowledged, Waiting};
        let epoch = Epoch::new(1, 43);
        let text =
            |acknowledgement| header_value(&acknowledgement, Duration::from_micros(6_912)).to_str().unwrap().to_owned();
        let acked = |lapsed: &[&str]| Acknowledgement::Acked {
            epoch,
            how: Acknowledged { members: 3, lapsed: lapsed.iter().map(|&name| name.into()).collect() },
        };
        assert_eq!(text(acked(&[])), "acked;epoch=\"1.43\";members=3;waited_ms=6.912");
        assert_eq!(text(acked(&["b", "a \"1"])), "acked;epoch=\"1.43\";members=3;lapsed=\"a__1 b\";waited_ms=6.912");
        let waiting = Waiting { name: "edge-2".into(), id: "x".into(), applied: epoch, at_most_ms: 7 };
        let pending = |epoch, waiting_for| Acknowledgement::Pending { epoch, waiting_for };
        assert_eq!(
            text(pending(Some(epoch), vec![waiting])),
            "pending;epoch=\"1.43\";waiting_for=\"edge-2\";waited_ms=6.912"
        );
        assert_eq!(text(pending(None, Vec::new())), "pending;waited_ms=6.912");
    }
}
