//! Fills.
pub mod body;
pub mod budget;
pub mod exchange;
pub mod peer;
