//! Conditions on a named value: a query parameter, header field or cookie.

/// What must hold of the values under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is one.
    Present,
    /// There is none.
    Absent,
    /// One of them matches this text, in which `*` stands for anything.
    Like(Box<str>),
}
