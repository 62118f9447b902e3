//! Who is asked where the cache cannot answer.

mod address;
mod definition;
mod tag_header;

pub use address::{Address, AddressError};
pub use definition::{CONNECT_TIMEOUT, TRANSFER_TIMEOUT, Upstream};
pub use tag_header::{TagHeader, TagHeaderError};
