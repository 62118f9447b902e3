//! What Vitrine is tested and tried with: a private stack of real servers, the launcher that runs the shop on it, and benches.

pub mod bench;
pub mod edge;
pub mod launcher;
pub mod prove;
pub mod soak;
pub mod stack;
mod zipf;
