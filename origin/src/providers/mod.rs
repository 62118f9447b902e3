//! What the shop buys in: traits with a provider each, so that another can stand in its place.

pub mod file;
pub mod notification;
