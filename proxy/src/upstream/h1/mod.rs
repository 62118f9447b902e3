//! HTTP/1.1 as fills speak it to upstreams: requests without content, one after the other on connections that are kept.
//!
//! A request is one write, and a small response one read: its head is parsed where it lies, and its content is handed on in pieces that hold
//! nothing else. A connection belongs to the thread that it was made on, so that taking one costs neither a lock that others hold nor
//! a task.

mod connection;
mod connector;
mod content;
mod head;
mod idle;
mod stream;
#[cfg(test)]
mod tests;

pub use connection::{Failure, Response};
pub(crate) use connector::{ConnectError, Connections, Connector, Endpoint};
