//! Users (`api/admin/users/validators.js`).

use serde_json::{Map, Value};

use super::field::Text;
use super::object::read;
use crate::error::ApiError;
use crate::workflows::user::UserPatch;

/// The body of `POST /admin/users/:id`.
pub(in crate::api::admin) fn user_patch(body: &Map<String, Value>) -> Result<UserPatch, ApiError> {
    read(body, |object| {
        let mut text = |field| object.patch_nullish::<Text>(field).map(|text| text.map(|text| text.0));
        let (first_name, last_name, avatar_url) = (text("first_name"), text("last_name"), text("avatar_url"));
        UserPatch { first_name, last_name, avatar_url, metadata: object.patch_nullish("metadata") }
    })
}
