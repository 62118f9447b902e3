//! Module product: products with their options, variants and images, and where they are found.

pub mod facets;
pub mod image;
pub mod links;
pub mod option;
pub mod physical;
pub mod record;
pub mod variant;

pub use physical::{Physical, PhysicalPatch};
pub use record::{Product, Status};
pub use variant::Variant;
