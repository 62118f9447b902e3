//! What is asked, one request after the other.

use super::super::catalog::Object;

/// What the answer to a request must be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) object: Object,
    /// 200 with the object's body, or 304.
    pub(crate) status: u16,
    /// Whether the body's bytes are compared, and not only counted.
    pub(crate) sampled: bool,
}

impl Default for Expected {
    fn default() -> Self {
        Self { object: Object { id: 0, bytes: 0 }, status: 200, sampled: false }
    }
}

/// Says what is asked next.
pub(crate) trait Script {
    /// Writes the next request into the empty `request` and says what must come of it; `None` when all has been asked.
    fn next(&mut self, request: &mut Vec<u8>) -> Option<Expected>;
}
