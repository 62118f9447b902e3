//! The program's allocator, and what it has given out.

use tikv_jemalloc_ctl::{epoch, stats};

/// What is freed goes back to the system after a moment (`.cargo/config.toml`): a cache that is full frees as much as it takes, and what the
/// budget counts should be what is resident.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Bytes of the pages that hold what is allocated now, and of what the allocator itself needs; as far as it tells.
pub(crate) fn in_use() -> Option<u64> {
    epoch::advance().ok()?;
    let pages = stats::active::read().ok()?;
    let own = stats::metadata::read().ok()?;
    Some((pages + own) as u64)
}
