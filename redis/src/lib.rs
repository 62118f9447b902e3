//! Redis as Vitrine's programs reach it: one server, a master that Sentinel names, or a cluster.
//!
//! [`Address`] is what a configuration says, [`Server::connect`] makes one [`Connection`] of it, and a [`Link`] is a connection that
//! comes and goes by itself. What a failover may lose, nobody here needs: the stream is a fast way to what Postgres holds, and
//! documents carry stamps.

mod address;
mod connection;
mod link;
mod server;

pub use address::{Address, AddressError};
pub use connection::Connection;
pub use link::Link;
pub use server::{LOOK_AGAIN, Server, Timeouts};
