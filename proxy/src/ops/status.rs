//! What `/status` says.

use serde::Serialize;
use vitrine_shared::clock::BootTime;
use vitrine_shared::epoch::Epoch;

use crate::disk::DiskReport;
use crate::engine::Engine;
use crate::feed::connection::State;
use crate::feed::status::{Snapshot, Status};
use crate::reload::ConfigReport;
use crate::store::{Kind, Store};
use crate::upstream::UpstreamReport;

/// This edge at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct StatusReport {
    /// Its name.
    pub name: String,
    /// Version of the program.
    pub version: &'static str,
    /// Whether it may serve without asking.
    pub connected: bool,
    /// How much of the lease is left, in milliseconds; absent without feed or lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_left_ms: Option<u64>,
    /// The epoch up to which every purge was applied.
    pub applied: Epoch,
    /// Objects stamped below it are gone.
    pub floor: Epoch,
    /// Tags in the table.
    pub tags: usize,
    /// The feed; absent where none is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feed: Option<Snapshot>,
    /// The memory store.
    pub store: StoreReport,
    /// The disk behind it; absent where none is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskReport>,
    /// Running fills.
    pub fills: FillReport,
    /// The upstreams and their addresses, by name.
    pub upstreams: Vec<UpstreamReport>,
    /// The configuration in force, and the last tries to change it.
    pub config: ConfigReport,
}

/// The memory store.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StoreReport {
    /// Entries: objects, bodies in other forms, and by what objects vary.
    pub entries: usize,
    /// Objects alone.
    pub objects: usize,
    /// Bytes in use, running fills among them.
    pub bytes: u64,
    /// Bytes in use by kind.
    pub bytes_by: BytesByKind,
    /// Most bytes that may be used.
    pub capacity: u64,
}

/// Bytes in use, by what they are used for.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct BytesByKind {
    /// Objects: keys, heads, tags, marks of URLs, and small bodies.
    pub objects: u64,
    /// Other bodies of objects.
    pub bodies: u64,
    /// Bodies in other forms, and by what objects vary.
    pub derived: u64,
    /// Bodies on their way.
    pub fills: u64,
    /// Tables and queues.
    pub index: u64,
    /// All else that the process has in use.
    pub process: u64,
}

/// Running fills.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FillReport {
    /// How many may be joined.
    pub running: usize,
    /// Requests that wait for a fill's head.
    pub waiting: usize,
    /// Bytes that they keep.
    pub bytes: u64,
}

impl BytesByKind {
    fn of(store: &Store) -> Self {
        Self {
            objects: store.bytes_of(Kind::Objects),
            bodies: store.bytes_of(Kind::Bodies),
            derived: store.bytes_of(Kind::Derived),
            fills: store.bytes_of(Kind::Fills),
            index: store.bytes_of(Kind::Index),
            process: store.bytes_of(Kind::Process),
        }
    }
}

impl StatusReport {
    /// Looks around.
    pub fn of(name: &str, engine: &Engine, feed: Option<&Status>, config: ConfigReport) -> Self {
        let context = engine.context();
        let now = BootTime::now();
        Self {
            name: name.to_owned(),
            version: env!("CARGO_PKG_VERSION"),
            connected: engine.connection().state(now) == State::Connected,
            lease_left_ms: engine
                .connection()
                .lease_ends()
                .map(|ends| u64::try_from(ends.since(now).as_millis()).unwrap_or(u64::MAX)),
            applied: context.live.applied(),
            floor: context.live.floor(),
            tags: context.live.tags(),
            feed: feed.map(Status::snapshot),
            store: StoreReport {
                entries: context.store.len(),
                objects: context.store.objects_len(),
                bytes: context.store.bytes(),
                bytes_by: BytesByKind::of(&context.store),
                capacity: context.store.capacity(),
            },
            disk: context.disk.as_ref().map(|disk| disk.report()),
            fills: FillReport {
                running: context.inflight.len(),
                waiting: engine.waiting(),
                bytes: context.budget.used(),
            },
            upstreams: context.client.pools().report(),
            config,
        }
    }
}
