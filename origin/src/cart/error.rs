//! Why a cart is not changed.

use crate::error::ApiError;
use crate::promotion::ComputeError;
use crate::totals::TooLarge;

/// A change that did not happen. The texts are Medusa's, since storefronts match them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CartError {
    /// It breaks a rule, or what it refers to is wrong.
    #[error("{0}")]
    Invalid(String),
    /// What it is about does not exist.
    #[error("{0}")]
    NotFound(String),
    /// There are not enough pieces.
    #[error("Some variant does not have the required inventory")]
    Stock,
}

impl From<TooLarge> for CartError {
    fn from(error: TooLarge) -> Self {
        Self::Invalid(format!("{error}; make quantities smaller."))
    }
}

impl From<ComputeError> for CartError {
    fn from(error: ComputeError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<CartError> for ApiError {
    fn from(error: CartError) -> Self {
        match error {
            CartError::Invalid(message) => Self::invalid_data(message),
            CartError::NotFound(message) => Self::not_found(message),
            CartError::Stock => Self::not_allowed(error.to_string()).with_code("insufficient_inventory"),
        }
    }
}
