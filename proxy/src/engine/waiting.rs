//! How many requests are at one point of their way, such as waiting for the head of a fill's response.

use tokio::sync::watch;

/// The count, which can be waited for.
#[derive(Debug)]
pub(super) struct Waiting(watch::Sender<usize>);

/// One request's part of the count.
#[derive(Debug)]
pub(super) struct Wait<'w>(&'w Waiting);

impl Default for Waiting {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Waiting {
    pub(super) fn begin(&self) -> Wait<'_> {
        self.0.send_modify(|count| *count += 1);
        Wait(self)
    }

    pub(super) fn now(&self) -> usize {
        *self.0.borrow()
    }

    pub(super) async fn until(&self, requests: usize) {
        // The sender lives as long as this does, so the wait cannot fail.
        let _ = self.0.subscribe().wait_for(|&count| count == requests).await;
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
