//! What the parts of a load are given: how to name entities, and the options.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Ids, Kind, SeedOptions};

/// The naming and the options of one load.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    ids: &'a dyn Ids,
    pub(super) options: &'a SeedOptions,
}

/// An entity's id and time, the time in text form.
pub(super) struct Made {
    pub(super) id: String,
    pub(super) at: String,
}

// === impl Scope ===

impl<'a> Scope<'a> {
    pub(super) fn new(ids: &'a dyn Ids, options: &'a SeedOptions) -> Self {
        Self { ids, options }
    }

    /// The id of an entity.
    pub(super) fn id(&self, kind: Kind, number: u64, key: fmt::Arguments<'_>) -> String {
        self.ids.id(kind, number, key)
    }

    /// An entity that is made with the shop.
    pub(super) fn make(&self, kind: Kind, number: u64, key: fmt::Arguments<'_>) -> Made {
        self.make_at(kind, number, key, &time_text(self.options.created_at))
    }

    /// An entity that is made at the time `at`, unless more is known of it.
    pub(super) fn make_at(&self, kind: Kind, number: u64, key: fmt::Arguments<'_>, at: &str) -> Made {
        let known = self.ids.created_at(kind, number, key);
        Made { id: self.ids.id(kind, number, key), at: known.map_or_else(|| at.to_owned(), time_text) }
    }

    /// The time at which the shop is made.
    pub(super) fn shop_time(&self) -> String {
        time_text(self.options.created_at)
    }

    /// The time at which product `number` is made.
    pub(super) fn product_time(&self, number: u64) -> String {
        let later = i64::try_from(number).ok().and_then(TimeDelta::try_milliseconds).unwrap_or_default();
        time_text(self.options.created_at + later)
    }
}

fn time_text(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
