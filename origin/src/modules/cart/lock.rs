//! The lock under which a cart is changed.

use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};

/// Longest id that is looked for.
pub const MAX_ID: usize = 64;

/// Begins a transaction that holds a cart's row lock, in one round trip; whoever changes a cart begins so.
///
/// `None` where no cart can have such an id. A cart that does not exist locks nothing, which the caller finds when it reads.
/// The statement goes out with the `BEGIN`, which binds no values, so the id stands in its text: only letters, digits and `_`
/// get there, of which ids are made.
pub async fn lock(pool: &PgPool, id: &str) -> Result<Option<Transaction<'static, Postgres>>, sqlx::Error> {
    if !is_id(id) {
        return Ok(None);
    }
    let begin = format!("BEGIN; SELECT 1 FROM cart WHERE id = '{id}' AND deleted_at IS NULL FOR NO KEY UPDATE");
    pool.begin_with(AssertSqlSafe(begin)).await.map(Some)
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_get_into_the_statement() {
        assert!(is_id("cart_01M7YPR9FA3N5JJ5NMRW18XR1T"));
        for wrong in ["", "cart'", "cart;", "cart\\", "cart-1", "cart 1", "cart\0", "ü", &"a".repeat(MAX_ID + 1)] {
            assert!(!is_id(wrong), "{wrong:?}");
        }
    }
}
