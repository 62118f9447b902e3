//! Content codings at the edge: one representation is stored, the others are derived from it.

/// The settings of a rule's compression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compression {
    /// The codings that clients are offered, the preferred first.
    pub codings: Vec<Coding>,
    /// Media types in lower case: `text/html`, or `text/` for all that begin so.
    pub types: Vec<Box<str>>,
    /// Least size of a body in bytes: smaller ones are sent as they are.
    pub min: u64,
}

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// Zstandard (RFC 8878).
    Zstd,
    /// Brotli (RFC 7932).
    Br,
    /// gzip (RFC 9110 §8.4.1.3).
    Gzip,
}
