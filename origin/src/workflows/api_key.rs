//! What is done to API keys. What a publishable key shows depends on it, so that each change purges what was shown for it.

use vitrine_shared::event::Change;
use vitrine_shared::id;

use super::customer::Membership;
use super::{Done, Work};
use crate::modules::WriteError;
use crate::modules::api_key::{self, Kind, Made};
use crate::outbox::Outbox;

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What it is called.
    pub title: String,
    /// Whom it is for.
    pub kind: Kind,
}

/// Makes a key; returns it with its token, which is kept of a publishable one alone.
pub async fn create(outbox: &Outbox, given: NewApiKey, created_by: &str) -> Result<Done<Made>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let token = api_key::new_token(given.kind);
    let made = api_key::insert(work.conn(), &id::new("apk"), &given.title, given.kind, &token, created_by).await?;
    work.emit("api_key.created", told(&made.id)).await?;
    work.commit(made).await
}

/// Calls a key something else.
pub async fn rename(outbox: &Outbox, id: &str, title: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    lock(&mut work, id).await?;
    api_key::rename(work.conn(), id, title).await?;
    work.commit(()).await
}

/// Ends a key in so many seconds (`revokeApiKeysWorkflow`). One that is publishable can be ended again, for another moment.
pub async fn revoke(outbox: &Outbox, id: &str, after: u32, revoked_by: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let key = lock(&mut work, id).await?;
    if key.kind == Kind::Secret && key.is_revoked {
        return Err(WriteError::Invalid("There are 1 secret keys that are already revoked.".into()));
    }
    api_key::revoke(work.conn(), id, after, revoked_by).await?;
    work.emit("api_key.updated", told(id)).await?;
    work.commit(()).await
}

/// Deletes a key for good, once it is revoked. One that is not there is deleted.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let Some(key) = api_key::lock(work.conn(), id).await? else {
        return work.commit(()).await;
    };
    if !key.is_revoked {
        return Err(WriteError::NotAllowed(format!("Cannot delete api keys that are not revoked - {id}")));
    }
    api_key::delete(work.conn(), id).await?;
    work.emit("api_key.deleted", told(id)).await?;
    work.commit(()).await
}

/// Sells through a publishable key in these channels, and in those no more (`linkSalesChannelsToApiKeyWorkflow`).
pub async fn set_channels(outbox: &Outbox, id: &str, given: Membership) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let key = lock(&mut work, id).await?;
    if key.kind != Kind::Publishable {
        let text = "Sales channels can only be associated with publishable API keys";
        return Err(WriteError::Invalid(text.into()));
    }
    let unknown = api_key::add_channels(work.conn(), id, &given.add).await?;
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        return Err(WriteError::Invalid(format!("Sales channels with IDs {unknown} do not exist")));
    }
    api_key::remove_channels(work.conn(), id, &given.remove).await?;
    work.emit("api_key.updated", told(id)).await?;
    work.commit(()).await
}

async fn lock(work: &mut Work, id: &str) -> Result<api_key::Locked, WriteError> {
    let found = api_key::lock(work.conn(), id).await?;
    found.ok_or_else(|| WriteError::not_found("API Key", id))
}

fn told(id: &str) -> Change {
    Change::ApiKey { id: id.to_owned() }
}
