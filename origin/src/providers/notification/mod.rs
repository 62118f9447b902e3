//! Where messages for people go: a mail for a password reset, a code for a verification.
//!
//! A message carries what its reader needs to act, such as a token. A provider hands that over to whoever sends mails, and
//! writes none of it into a log.

mod file;
mod log;
mod webhook;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::config::Notifications;
use file::FileNotifications;
use log::LogNotifications;
use webhook::WebhookNotifications;

/// A message for somebody.
#[derive(Clone)]
pub struct Notification {
    /// Medusa's name of the event that it comes of, such as `auth.password_reset`.
    pub event: &'static str,
    /// The event's data, as Medusa's subscribers get it. It may hold secrets.
    pub data: Map<String, Value>,
}

/// Hands messages over.
#[async_trait]
pub trait NotificationProvider: Send + Sync {
    /// Hands one over; when it returns, it is in other hands or lost.
    async fn send(&self, notification: Notification) -> Result<(), NotificationError>;
}

/// A message was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// The file cannot be written.
    #[error("the file of notifications cannot be written: {0}")]
    File(#[from] std::io::Error),
    /// The webhook does not answer.
    #[error("the webhook for notifications cannot be reached: {0}")]
    Webhook(#[from] reqwest::Error),
    /// The webhook refuses.
    #[error("the webhook for notifications answered with {0}")]
    Refused(u16),
}

// === impl Notification ===

impl Notification {
    /// As JSON: `{"name": …, "data": …}`, Medusa's form of an event.
    fn to_json(&self) -> Value {
        json!({ "name": self.event, "data": self.data })
    }
}

impl fmt::Debug for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notification").field("event", &self.event).finish_non_exhaustive()
    }
}

/// The provider that is configured.
pub fn provider(config: &Notifications) -> Result<Arc<dyn NotificationProvider>, reqwest::Error> {
    if !config.webhook_url.is_empty() {
        return Ok(Arc::new(WebhookNotifications::new(config)?));
    }
    if config.file.as_os_str().is_empty() {
        return Ok(Arc::new(LogNotifications));
    }
    Ok(Arc::new(FileNotifications::new(config.file.clone())))
}
