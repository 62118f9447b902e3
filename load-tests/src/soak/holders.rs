//! Clients who hold connections and do little with them: idle ones, ones whose requests drip, and ones who read slowly.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::catalog::Object;
use super::response::Connection;
use super::tally::Tally;

/// Between two bytes of a dripping request.
const DRIP: Duration = Duration::from_millis(500);
/// Between two reads of one who reads slowly, and what the system holds for it.
const SIP: Duration = Duration::from_millis(200);
const SIPS: u32 = 4096;
/// Until a connection that the proxy has ended is made again.
const BACKOFF: Duration = Duration::from_secs(1);
/// What the content of a dripping request is announced to be, in bytes.
const ANNOUNCED: u32 = 100_000;

/// How a connection is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing was ever asked on it.
    Unused,
    /// One request was answered.
    Used,
    /// The head of a request comes byte by byte.
    Head,
    /// The content.
    Body,
    /// The answer is taken little by little.
    Slow,
}

/// Holds one connection until the task is ended: where the proxy ends it, another one.
pub(super) async fn hold(kind: Kind, local: SocketAddr, proxy: SocketAddr, object: Object, tally: Arc<Tally>) {
    let receives = (kind == Kind::Slow).then_some(SIPS);
    loop {
        if let Ok(mut connection) = Connection::open(local, proxy, receives).await {
            once(kind, &mut connection, object).await;
            tally.ended.add(1);
        }
        tokio::time::sleep(BACKOFF).await;
    }
}

/// Returns when the proxy has ended the connection.
async fn once(kind: Kind, connection: &mut Connection, object: Object) {
    let get = format!("GET {} HTTP/1.1\r\nHost: soak.example\r\n", object.target());
    match kind {
        Kind::Unused => connection.ended().await,
        Kind::Used => {
            if connection.send(format!("{get}\r\n").as_bytes()).await.is_ok() {
                connection.ended().await;
            }
        }
        Kind::Head => drip(connection, &format!("{get}X-Drip: ")).await,
        Kind::Body => {
            let head = format!("POST /drip HTTP/1.1\r\nHost: soak.example\r\nContent-Length: {ANNOUNCED}\r\n\r\n");
            drip(connection, &head).await;
        }
        Kind::Slow => {
            if connection.send(format!("{get}\r\n").as_bytes()).await.is_err() {
                return;
            }
            let Ok(head) = connection.head().await else { return };
            let mut content = head.content();
            while let Ok(Some(_)) = connection.next(&mut content).await {
                tokio::time::sleep(SIP).await;
            }
        }
    }
}

async fn drip(connection: &mut Connection, start: &str) {
    if connection.send(start.as_bytes()).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            () = connection.ended() => return,
            () = tokio::time::sleep(DRIP) => {}
        }
        if connection.send(b"a").await.is_err() {
            return;
        }
    }
}
