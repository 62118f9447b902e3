//! Messages as `POST` requests to whoever sends mails.

use std::time::Duration;

use async_trait::async_trait;

use super::{Notification, NotificationError, NotificationProvider};
use crate::config::{Notifications, Secret};

/// Longest that the webhook may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Posts to a URL.
#[derive(Debug)]
pub(super) struct WebhookNotifications {
    client: reqwest::Client,
    url: String,
    token: Secret,
}

// === impl WebhookNotifications ===

impl WebhookNotifications {
    /// To the URL that is configured.
    pub(super) fn new(config: &Notifications) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { client, url: config.webhook_url.clone(), token: config.webhook_token.clone() })
    }
}

#[async_trait]
impl NotificationProvider for WebhookNotifications {
    async fn send(&self, notification: Notification) -> Result<(), NotificationError> {
        let mut request = self.client.post(&self.url).json(&notification.to_json());
        if !self.token.is_empty() {
            request = request.bearer_auth(self.token.expose());
        }
        // The URL may hold a secret of its own.
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        if answer.status().is_success() { Ok(()) } else { Err(NotificationError::Refused(answer.status().as_u16())) }
    }
}
