//! HTTP/2: Pingora keeps the connection and its streams; what is fresh in memory is answered before Pingora's own way begins. All
//! frames are looked at on their way, for the limits that only they show.

mod app;
mod frames;
mod lent;
mod streams;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use app::App;
use frames::Frame;
use lent::{Back, Lent, Returned};
use pingora::apps::ServerApp as _;
use tokio::io::AsyncWrite as _;
use tokio::sync::watch;

use super::H2Limits;
use super::closing::{self, Closing};
use super::connection::Connection;
use super::pingora_io::PingoraIo;

/// What a client sends first, in clear text too (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// ENHANCE_YOUR_CALM (RFC 9113 §7).
const CALM: u32 = 0xb;
/// Most bytes of a stream's content that may come unasked for.
const MOST_WINDOW: u32 = 1 << 20;

/// Bytes of contents that may come unasked for.
#[derive(Clone, Copy, Debug)]
struct Windows {
    /// In all streams together.
    connection: u32,
    /// In one.
    stream: u32,
}

/// Serves a connection to its end.
pub(super) async fn serve(connection: Box<Connection>) {
    let app = Arc::new(App::new(&connection));
    let back = Back::default();
    // Turns true when no more requests are to come.
    let (ending, ends) = watch::channel(false);
    let lent = Lent::new(connection, back.clone(), ending);
    app.process_new(Box::new(PingoraIo(lent)), &ends).await;
    // Pingora has dropped it by now.
    let Some(Returned { mut connection, goaway }) = back.lock().take() else {
        return;
    };
    connection.watch.clear();
    let Some(last) = goaway else {
        return closing::close(&mut connection, Closing::Now).await;
    };
    // So few bytes are taken at once, or the client does not read.
    let bytes = Frame::goaway(last, CALM);
    poll_fn(|cx| {
        let _ = Pin::new(&mut connection.transport).poll_write(cx, &bytes).is_ready();
        Poll::Ready(())
    })
    .await;
    closing::close(&mut connection, Closing::Linger).await;
}

// === impl Windows ===

impl Windows {
    fn of(limits: &H2Limits) -> Self {
        // Half for what comes, half for what goes.
        let connection = limits.memory / 2;
        Self { connection, stream: (connection / 2).min(MOST_WINDOW) }
    }
}
