//! What a product refers to must exist, and stays until the transaction ends.

use sqlx::PgConnection;

use crate::modules::{WriteError, collection, product_type};

/// Refuses a collection that does not exist.
pub(super) async fn hold_collection(conn: &mut PgConnection, id: Option<&str>) -> Result<(), WriteError> {
    match id {
        Some(id) if !collection::hold(conn, id).await? => Err(WriteError::no_such("collection_id", id)),
        _ => Ok(()),
    }
}

/// Refuses a type that does not exist.
pub(super) async fn hold_type(conn: &mut PgConnection, id: Option<&str>) -> Result<(), WriteError> {
    match id {
        Some(id) if !product_type::hold(conn, id).await? => Err(WriteError::no_such("type_id", id)),
        _ => Ok(()),
    }
}
