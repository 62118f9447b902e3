//! Messages for people, prepared and handed over behind the answer.

use std::sync::Arc;

use crate::error::ApiError;
use crate::providers::notification::Notification;
use crate::state::AppState;

/// Has a message prepared and sent in the background; nothing of it shows in the answer, not even by its time. What fails is
/// logged without its content, and lost: who waits for it asks again.
pub(crate) fn notify<F>(state: &AppState, event: &'static str, prepare: F) -> Result<(), ApiError>
where
    F: Future<Output = Result<Option<Notification>, ApiError>> + Send + 'static,
{
    let Ok(turn) = Arc::clone(&state.notifying).try_acquire_owned() else {
        return Err(ApiError::unavailable("Too many messages are being sent just now; try again."));
    };
    let provider = Arc::clone(&state.notifications);
    tokio::spawn(async move {
        let _turn = turn;
        match prepare.await {
            Ok(Some(notification)) => {
                if let Err(error) = provider.send(notification).await {
                    tracing::error!(%error, event, "a notification was not sent");
                }
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, event, "a notification could not be prepared"),
        }
    });
    Ok(())
}
