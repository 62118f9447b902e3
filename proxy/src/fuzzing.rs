//! What the fuzz targets in `fuzz/` look at and nobody else sees. It is compiled for them alone.

pub use crate::disk::fuzzing as disk;
pub use crate::downstream::fuzzing::{Head, chunked, parse_head};
