//! Which sites may call from a browser.

use http::{HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::state::StartError;

const METHODS: [Method; 6] = [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::POST, Method::DELETE];

/// The layer for comma lists of origins. `*` allows any site, but then no credentials (cookies).
pub fn cors(key: &'static str, lists: &[&str]) -> Result<CorsLayer, StartError> {
    let layer = CorsLayer::new()
        .allow_methods(AllowMethods::list(METHODS))
        .allow_headers(AllowHeaders::mirror_request())
        .vary([header::ORIGIN]);
    let mut origins = Vec::new();
    for text in lists.iter().flat_map(|list| list.split(',')).map(str::trim).filter(|text| !text.is_empty()) {
        if text == "*" {
            return Ok(layer.allow_origin(AllowOrigin::any()));
        }
        let wrong = || StartError::Cors { key, value: text.to_owned() };
        let text = text.trim_end_matches('/');
        if !text.contains("://") {
            return Err(wrong());
        }
        origins.push(HeaderValue::from_str(text).map_err(|_| wrong())?);
    }
    Ok(layer.allow_credentials(true).allow_origin(AllowOrigin::list(origins)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_origin_stops_the_start() {
        assert!(cors("k", &["http://localhost:8000, https://shop.example/"]).is_ok());
        assert!(cors("k", &["*", "http://a"]).is_ok());
        assert!(matches!(cors("k", &["localhost:8000"]), Err(StartError::Cors { key: "k", .. })));
    }
}
