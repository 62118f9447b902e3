//! Modules: one per domain, owning its tables.
