//! Workflows: what the shop does.
