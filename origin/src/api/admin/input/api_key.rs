//! API keys (`api/admin/api-keys/validators.js`).

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Map, Value, json};

use super::field::{Field, Name};
use super::object::read;
use crate::api::input::issues::{Issues, Path};
use crate::error::ApiError;
use crate::modules::api_key::Kind;
use crate::workflows::api_key::NewApiKey;

impl Field for Kind {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let read = value.as_str().and_then(Self::from_name);
        if read.is_none() {
            issues.none_of(path, &Self::ALL.map(Self::name), value);
        }
        read
    }

    fn schema() -> Value {
        json!({ "enum": Self::ALL.map(Self::name) })
    }
}

/// The body of `POST /admin/api-keys`.
pub(in crate::api::admin) fn new_api_key(body: &Map<String, Value>) -> Result<NewApiKey, ApiError> {
    read(body, |object| NewApiKey { title: object.required::<Name>("title").0, kind: object.required("type") })
}

/// The body of `POST /admin/api-keys/:id`: the title.
pub(in crate::api::admin) fn api_key_patch(body: &Map<String, Value>) -> Result<String, ApiError> {
    read(body, |object| object.required::<Name>("title").0)
}

/// The body of `POST /admin/api-keys/:id/revoke`: in how many seconds; at once where nothing is said.
pub(in crate::api::admin) fn revocation(body: &Map<String, Value>) -> Result<u32, ApiError> {
    read(body, |object| {
        let seconds: Option<Decimal> = object.optional("revoke_in");
        // As in Medusa, what is past is now; a time that is further than years away is none that anybody means.
        seconds.map_or(0, |seconds| seconds.max(Decimal::ZERO).trunc().to_u32().unwrap_or(u32::MAX))
    })
}
