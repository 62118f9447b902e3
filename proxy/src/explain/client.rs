//! What the client would be told by a stored object.

use http::{HeaderName, HeaderValue, StatusCode, header};

use super::report::{Client, Valued};
use super::words;
use crate::engine::Asked;
use crate::policy;
use crate::rules::{Author, Transform};
use crate::store::Object;

/// The fields that are told: those about caching, and about scripts of other sites.
const TOLD: [HeaderName; 9] = [
    header::CACHE_CONTROL,
    header::AGE,
    header::EXPIRES,
    header::ETAG,
    header::LAST_MODIFIED,
    header::VARY,
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
];

/// The fields of a hit at `now`, the rule's edits among them. Of an object that is brought into another content coding, Vary and
/// entity tag are those of the stored form.
pub(super) fn client(asked: &Asked<'_>, transform: &Transform, object: &Object, now: u64) -> Client {
    let (stored, lifetime) = (object.fields().to_map(), object.lifetime());
    let browser = asked.settings.browser_ttl;
    let mut fields = policy::fixed_fields(&stored, &lifetime, browser);
    let varying = policy::varying_fields(&stored, &lifetime, browser, now);
    fields.insert(header::AGE, HeaderValue::from(varying.age));
    fields.extend(varying.cache_control.map(|value| (header::CACHE_CONTROL, value)));
    let is_known = policy::is_not_modified(asked.headers, object.status(), &stored);
    let status = if is_known { StatusCode::NOT_MODIFIED } else { object.status() };
    transform.finish(asked.headers, status, Author::Upstream, &mut fields);
    let told = TOLD.iter().filter(|name| fields.contains_key(*name));
    let values = |name| fields.get_all(name).iter().map(|value| words::text(value.as_bytes())).collect();
    Client {
        fields: told.map(|name| Valued { name: words::field_name(name.as_str()), values: values(name) }).collect(),
    }
}
