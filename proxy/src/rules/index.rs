//! The place of a rate limit.

/// The place of a rate limit in its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitIndex(usize);

// === impl LimitIndex ===

impl LimitIndex {
    /// The limit at this place in `[rate_limits]`.
    pub const fn new(place: usize) -> Self {
        Self(place)
    }

    /// The place.
    pub const fn get(self) -> usize {
        self.0
    }
}
