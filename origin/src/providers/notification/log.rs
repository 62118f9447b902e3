//! The default: nobody is told, and the log says that there would have been something to tell, without its content.

use async_trait::async_trait;

use super::{Notification, NotificationError, NotificationProvider};

/// Names the event in the log.
#[derive(Debug)]
pub(super) struct LogNotifications;

#[async_trait]
impl NotificationProvider for LogNotifications {
    async fn send(&self, notification: Notification) -> Result<(), NotificationError> {
        tracing::warn!(
            event = notification.event,
            "a notification was not sent: `[notifications]` names neither a webhook nor a file"
        );
        Ok(())
    }
}
