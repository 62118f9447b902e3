//! One line of JSON for each message, at the end of a file: for development, and for a mailer that follows it.

use std::path::PathBuf;

use async_trait::async_trait;
use tokio::io::AsyncWriteExt as _;

use super::{Notification, NotificationError, NotificationProvider};

/// Appends to a file that its owner alone may read.
#[derive(Debug)]
pub(super) struct FileNotifications {
    path: PathBuf,
}

// === impl FileNotifications ===

impl FileNotifications {
    /// Into this file, which is made where it is not there.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

#[async_trait]
impl NotificationProvider for FileNotifications {
    async fn send(&self, notification: Notification) -> Result<(), NotificationError> {
        let line = format!("{}\n", notification.to_json());
        let mut options = tokio::fs::OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        let mut file = options.open(&self.path).await?;
        // One write: lines of several processes do not mix.
        file.write_all(line.as_bytes()).await?;
        file.flush().await?;
        Ok(())
    }
}
