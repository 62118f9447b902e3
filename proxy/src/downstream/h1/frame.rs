//! Where a request ends.

/// What of a head says where its request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// How its content is framed.
    pub(super) framing: Framing,
    /// Whether it asks for another protocol.
    pub(super) upgrades: bool,
}

/// How a request's content is framed (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::downstream) enum Framing {
    /// By its length, which is zero where there is none.
    Length(u64),
    /// In chunks.
    Chunked,
}

// === impl Frame ===

impl Frame {
    /// With its head.
    pub(super) const EMPTY: Self = Self { framing: Framing::Length(0), upgrades: false };
}
