//! Module customer: who buys, under which addresses, and in which groups.

pub mod address;
pub mod group;
mod record;

pub use address::{AddressPatch, CustomerAddress, NewAddress};
pub use record::{Customer, account_exists, delete, find_or_create_guest, insert, lock, save};
