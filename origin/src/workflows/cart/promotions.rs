//! Promotion codes are given and taken back.

use super::Shop;
use super::change::Change;
use crate::cart::{Codes, Refresh};
use crate::error::ApiError;
use crate::query::cart::Ask;

/// Changes which promotions a cart has.
pub async fn set_promotions(shop: Shop<'_>, id: &str, codes: Codes) -> Result<(), ApiError> {
    let named = match &codes {
        Codes::These(named) | Codes::Add(named) => named.as_slice(),
        Codes::Same | Codes::Without(_) => &[],
    };
    let change = Change::begin(shop, id, Ask { codes: named, ..Ask::default() }).await?;
    change.finish(&Refresh { codes, ..Refresh::default() }).await
}
