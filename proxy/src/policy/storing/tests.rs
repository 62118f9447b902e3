//! Tables of what is stored, and for how long.
