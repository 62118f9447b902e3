//! What is done to users: those who run the shop.

use vitrine_shared::event::Change;

use super::{Done, Work};
use crate::modules::auth::identity;
use crate::modules::metadata::{self, Metadata};
use crate::modules::{Patch, WriteError, user};
use crate::outbox::Outbox;

/// An update of a user.
#[derive(Debug, Clone, Default)]
pub struct UserPatch {
    /// The given name.
    pub first_name: Patch<Option<String>>,
    /// The family name.
    pub last_name: Patch<Option<String>>,
    /// A picture.
    pub avatar_url: Patch<Option<String>>,
    /// The shop's own; merged.
    pub metadata: Patch<Metadata>,
}

/// Changes a user. `None` where there is no such one.
pub async fn update(outbox: &Outbox, id: &str, patch: UserPatch) -> Result<Option<Done<()>>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let Some(mut record) = user::lock(work.conn(), id).await? else {
        return Ok(None);
    };
    patch.first_name.apply(&mut record.first_name);
    patch.last_name.apply(&mut record.last_name);
    patch.avatar_url.apply(&mut record.avatar_url);
    metadata::merge(patch.metadata, &mut record.metadata);
    user::save(work.conn(), &record).await?;
    work.emit("user.updated", told(id)).await?;
    work.commit(()).await.map(Some)
}

/// Deletes a user softly, and what signs it in (`removeUserAccountWorkflow`); returns these identities. One that is not there
/// is deleted.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<Vec<String>>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    if user::lock(work.conn(), id).await?.is_none() {
        return work.commit(Vec::new()).await;
    }
    user::delete(work.conn(), id).await?;
    let identities = identity::detach(work.conn(), identity::ActorKey::User, id).await?;
    work.emit("user.deleted", told(id)).await?;
    work.commit(identities).await
}

fn told(id: &str) -> Change {
    Change::Private { kind: "user".to_owned(), id: id.to_owned() }
}
