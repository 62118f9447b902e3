//! What Vitrine is tested and tried with: a private stack of real servers, and the launcher that runs the shop on it.

pub mod launcher;
pub mod stack;
