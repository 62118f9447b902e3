//! Module product: the tree of categories. Siblings are ranked from 0 without gaps, and `mpath` is the way from the root.

pub mod record;
pub mod tree;

pub use record::Category;
