//! `vitrine`.
fn main() {}
