//! Whose cart it is (`core-flows/dist/cart/steps/find-or-create-customer.js`).

use super::facts::{Customer, Facts};

/// Who a cart belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'f> {
    /// To nobody who is known.
    Nobody,
    /// To somebody who is.
    Known(&'f Customer),
    /// To a guest who is to be made: who buys under this e-mail address and does not sign in.
    Guest(&'f str),
}

/// Who a cart with this e-mail address belongs to: the cart's customer, whoever is known by the address, or a new guest.
///
/// A registered customer stays who they are, whatever address they write.
pub fn whose<'f>(facts: &'f Facts, email: Option<&'f str>) -> Whose<'f> {
    let own = facts.customer.as_ref();
    let Some(email) = email else {
        return own.map_or(Whose::Nobody, Whose::Known);
    };
    let is_theirs = |customer: &&Customer| customer.has_account || customer.email.as_deref() == Some(email);
    let guests =
        || facts.namesakes.iter().find(|customer| !customer.has_account && customer.email.as_deref() == Some(email));
    let found = own.or(facts.namesakes.first()).filter(is_theirs).or_else(guests);
    found.map_or(Whose::Guest(email), Whose::Known)
}
