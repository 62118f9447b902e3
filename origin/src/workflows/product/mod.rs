//! What is done to products.

mod create;
mod delete;
mod references;
mod update;

pub use create::{NewProduct, create};
pub use delete::delete;
pub use update::{ProductPatch, update};

use crate::modules::WriteError;
use crate::modules::handle;

/// Refuses a given handle that cannot stand in a URL (`validateProductPayload`).
fn check_handle(given: &str) -> Result<(), WriteError> {
    if handle::is_valid(given) {
        return Ok(());
    }
    Err(WriteError::Invalid(format!("Invalid product handle '{given}'. It must contain URL safe characters")))
}
