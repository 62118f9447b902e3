//! JSON bodies.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value};

use crate::error::{ApiError, ErrorKind};
use crate::state::AppState;

/// The fields of a request's JSON body; no body is an empty object, as for Express.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JsonBody(pub Map<String, Value>);

impl FromRequest<AppState> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        parse(&read(request, state).await?).map(Self)
    }
}

async fn read(request: Request, state: &AppState) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let limit = state.config.http.max_body_bytes;
            return ApiError::new(ErrorKind::TooLarge, format!("The body is longer than {limit} bytes."));
        }
        ApiError::invalid_data("The body could not be read to its end.")
    })
}

/// The fields of a request's JSON body that is an object, or a list of objects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JsonBodies(pub Vec<Map<String, Value>>);

impl FromRequest<AppState> for JsonBodies {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        parse_all(&read(request, state).await?).map(Self)
    }
}

fn parse_all(bytes: &[u8]) -> Result<Vec<Map<String, Value>>, ApiError> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Array(list)) => {
            let object = |value| if let Value::Object(fields) = value { Some(fields) } else { None };
            let objects: Option<Vec<_>> = list.into_iter().map(object).collect();
            objects.ok_or_else(|| ApiError::invalid_data("Invalid request: the body must be a list of JSON objects"))
        }
        _ => parse(bytes).map(|fields| vec![fields]),
    }
}

fn parse(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(ApiError::invalid_data("Invalid request: the body must be a JSON object")),
        Err(error) => Err(ApiError::invalid_data(format!("Invalid request: the body is not JSON: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_are_bodies_and_nothing_is_an_empty_one() {
        assert_eq!(parse(b"").unwrap(), Map::new());
        assert_eq!(parse(br#"{"a":1}"#).unwrap()["a"], 1);
        for wrong in [&b"[]"[..], b"1", b"{", b"\xff", b"null"] {
            assert_eq!(parse(wrong).unwrap_err().kind(), ErrorKind::InvalidData, "{wrong:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let _ = parse(&bytes);
        }
    }
}
