//! The sequencer: numbers purges for shops whose origin is not Vitrine's, and decides when they are acknowledged (invalidation protocol,
//! rules 2, 9 and 10). It needs a folder and nothing else.
//!
//! [`line`] and [`standing`] are pure: what stands in the journal, and what follows from it. [`journal`] keeps the files, [`writer`] is the one
//! thread that numbers, [`books`] share the ledger among tasks, [`handle`] is what others ask, and [`serve`] speaks `vitrine_shared::feed` with the members.
//!
//! Why nothing stale is served after an acknowledgement:
//! - A number is on the disk before anybody hears of it, and the books know it before any member can.
//! - A member is on the disk before its first lease. Who goes on with the journal waits for those on record, or for their leases to end.
//! - The folder is locked, so no two processes number by one journal.
//! - Where the journal is gone, torn, or older than what a member knows, a new term begins: all floors rise to it, and nothing is
//!   acknowledged while leases of before may run.

mod books;
mod handle;
mod journal;
mod line;
mod metrics;
mod serve;
mod standing;
mod writer;

pub use handle::{OrderRefused, ReportRefused, Sequencer};
pub use journal::{Loss, Unusable};
pub use metrics::SequencerMetrics;
pub use serve::serve;
pub use writer::Down;

#[cfg(test)]
mod tests;
