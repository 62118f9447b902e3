//! Password resets and verifications. Their tokens go to who is to have them by the notification provider, once the transaction
//! is committed, and stand in no event and no log: the database holds hashes alone.

use vitrine_shared::event::Change;

use super::{Done, Work};
use crate::modules::WriteError;
use crate::modules::auth::reset;
use crate::modules::auth::verification::{self, Asked, Verification};
use crate::outbox::Outbox;

/// Makes way for a token of this `jti` (`generateResetPasswordTokenWorkflow`). Returns whether there is such an identity;
/// nobody who asks may be told.
pub async fn begin_reset(outbox: &Outbox, email: &str, jti: &str) -> Result<Done<bool>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let Some(identity) = reset::create(work.conn(), email, jti).await? else {
        return work.commit(false).await;
    };
    work.emit("auth.password_reset", told("auth_identity", &identity)).await?;
    work.commit(true).await
}

/// Gives an identity another password for a token that is good. Returns the identity's id.
pub async fn finish_reset(
    outbox: &Outbox,
    email: &str,
    jti: &str,
    password_hash: &str,
) -> Result<Done<Option<String>>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let identity = reset::redeem(work.conn(), email, jti, password_hash).await?;
    work.commit(identity).await
}

/// Asks for a verification by this code (`requestVerificationWorkflow`).
pub async fn request_verification(
    outbox: &Outbox,
    identity_id: &str,
    asked: &Asked,
    code: &str,
) -> Result<Done<Verification>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let found = verification::request(work.conn(), identity_id, asked, code).await?;
    let found = found.ok_or_else(|| {
        let most = verification::MAX_OF_IDENTITY;
        WriteError::NotAllowed(format!("There is no such identity, or it has {most} verifications already"))
    })?;
    if found.verified_at.is_none() {
        work.emit("auth.verification_requested", told("auth_verification", &found.id)).await?;
    }
    work.commit(found).await
}

/// Takes a code.
pub async fn confirm_verification(outbox: &Outbox, code: &str) -> Result<Done<Verification>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let confirmed = verification::confirm(work.conn(), code).await?;
    work.commit(confirmed).await
}

fn told(kind: &str, id: &str) -> Change {
    Change::Private { kind: kind.to_owned(), id: id.to_owned() }
}
