//! Where carts answer otherwise than Medusa's, and why.

/// A difference.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The sample's number.
    pub(crate) sample: &'static str,
    /// Where: members after dots, entries of arrays as `[]`.
    pub(crate) path: &'static str,
    /// Why.
    #[expect(dead_code, reason = "for whoever reads the table")]
    pub(crate) reason: &'static str,
}

/// An array that is compared by id.
#[derive(Debug)]
pub(crate) struct Unordered {
    /// Where.
    pub(crate) path: &'static str,
}

impl Unordered {
    /// Whether it is about this array.
    pub(crate) fn matches(&self, _: &str, path: &str) -> bool {
        path == self.path
    }
}

/// Differences in content.
pub(crate) const DIFFERENCES: &[Difference] = &[];

/// Arrays whose order is none in Medusa.
pub(crate) const UNORDERED: &[Unordered] = &[];
