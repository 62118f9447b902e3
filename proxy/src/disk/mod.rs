//! The disk tier: what leaves memory, or would be lost with the process, is found again in a folder. `docs/disk.md` tells why what
//! comes back was not purged.
//!
//! A hit does not know of it. A fill asks it first ([`Tier::recall`]), and what is found goes back into memory. Objects are handed to
//! it when they leave memory ([`Tier::leaving`]) and by a [sweep](sweep) over what is used there.
//!
//! From the bottom: [`wire`], [`record`] and [`layout`] say what stands in the files; [`segment`] and [`log`] write and read them,
//! [`index`] finds them; [`state`], [`entry`], [`folder`] and [`journal`] keep what was purged; [`tier`], [`writer`], [`readers`] and
//! [`recall`] put it together, and [`convert`] alone knows how memory holds objects.

mod admission;
mod boot;
mod convert;
mod entry;
mod folder;
mod health;
mod index;
pub(crate) mod io;
mod journal;
mod layout;
mod log;
pub mod metrics;
mod open;
mod queue;
mod readers;
mod recall;
pub mod record;
mod segment;
mod state;
mod sweep;
mod tier;
mod wire;
mod writer;

#[cfg(test)]
pub(crate) mod faulty;
#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(test)]
mod tests;

pub use health::{Failing, Part};
pub use journal::Unsettled;
pub use metrics::DiskMetrics;
pub use open::{Opened, open};
pub use recall::{Arriving, Cut, Recall, Recalled, RecalledBody};
pub use tier::{DiskReport, Stage, Tier};
