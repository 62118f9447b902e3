//! The disk tier: what leaves memory, or would be lost with the process, is found again in a folder.

mod index;
mod io;
mod layout;
mod log;
pub mod metrics;
pub mod record;
mod segment;
mod wire;

#[cfg(test)]
mod faulty;
