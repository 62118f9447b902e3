//! HTTP/1.1: one request after the other, each answered from memory here or handed to the slow path.

mod content;
mod frame;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod head;
mod known;
mod lent;
mod own;
mod requests;
mod sending;
mod slow;

use std::future::poll_fn;

pub(super) use head::Malformed;
pub(crate) use lent::{ContentError, keep_date};
pub use own::OwnSession;
use requests::{Next, Request, Requests};
use slow::After;

use super::closing;
use super::connection::Connection;
use super::h2;

/// Serves a connection to its end.
pub(super) async fn serve(mut connection: Box<Connection>) {
    let mut requests = Requests::new(&connection);
    let closing = loop {
        match poll_fn(|cx| requests.poll_next(&mut connection, cx)).await {
            // Boxed, since it is large and most connections are idle most of the time.
            Next::Slow(request) => match Box::pin(answer(connection, request)).await {
                After::Next(back) => connection = back,
                After::Close(back, closing) => {
                    connection = back;
                    break closing;
                }
                After::Gone => return,
            },
            Next::H2 => return Box::pin(h2::serve(connection)).await,
            Next::Close(closing) => break closing,
        }
        requests.begin(&connection);
    };
    closing::close(&mut connection, closing).await;
}

#[cfg(test)]
mod tests;

/// Answers a request that is not answered from memory.
async fn answer(connection: Box<Connection>, request: Request) -> After {
    match own::answer(connection, request).await {
        Ok(after) => after,
        Err(connection) => slow::answer(connection, request).await,
    }
}
