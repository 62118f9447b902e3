//! (owned by the read side)
