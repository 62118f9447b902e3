//! The load: keep-alive connections that ask again as soon as they were answered, on one thread.
//!
//! It reads a head and counts the bytes of a body, nothing more: what it takes of the machine is taken from whom it measures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bench::BenchError;
use crate::edge::parse_head;

/// What a read takes at most.
const READ: usize = 256 << 10;
/// A server that says nothing for so long has failed.
const SILENCE: Duration = Duration::from_mins(1);

/// Requests that are sent in turns.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    pub(super) address: SocketAddr,
    /// Each as it goes over the wire.
    pub(super) heads: Arc<Vec<Vec<u8>>>,
}

/// What came back in the time that was measured.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// How long each took, in milliseconds.
    pub(super) ms: Vec<f64>,
    pub(super) bytes: f64,
}

/// From when until when answers count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) begin: Instant,
    pub(super) end: Instant,
}

/// Asks on `connections` connections until the window ends.
pub(super) async fn ask(requests: Requests, connections: usize, window: Window) -> Result<Answers, BenchError> {
    let thread = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| failed(&e))?;
        let turn = Arc::new(AtomicUsize::new(0));
        let askers = (0..connections).map(|_| ask_on_one(requests.clone(), turn.clone(), window));
        let all = runtime.block_on(futures_util::future::try_join_all(askers))?;
        Ok(all.into_iter().fold(Answers::default(), |mut sum, part| {
            sum.ms.extend(part.ms);
            sum.bytes += part.bytes;
            sum
        }))
    });
    thread.await.map_err(|error| BenchError::Answer(error.to_string()))?
}

async fn ask_on_one(requests: Requests, turn: Arc<AtomicUsize>, window: Window) -> Result<Answers, BenchError> {
    let mut stream = TcpStream::connect(requests.address).await.map_err(|error| failed(&error))?;
    stream.set_nodelay(true).map_err(|error| failed(&error))?;
    let mut answers = Answers::default();
    let mut buffer = vec![0; READ];
    while Instant::now() < window.end {
        let index = turn.fetch_add(1, Ordering::Relaxed) % requests.heads.len().max(1);
        let Some(head) = requests.heads.get(index) else { break };
        let start = Instant::now();
        let answered = tokio::time::timeout(SILENCE, exchange(&mut stream, head, &mut buffer)).await;
        let bytes = answered.map_err(|_| BenchError::Answer(format!("nothing within {SILENCE:?}")))??;
        let now = Instant::now();
        if now >= window.begin && now < window.end {
            answers.ms.push((now - start).as_secs_f64() * 1_000.0);
            answers.bytes += crate::bench::as_f64(bytes);
        }
    }
    Ok(answers)
}

/// Sends a request and reads its answer; the length of the body.
async fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut [u8]) -> Result<usize, BenchError> {
    stream.write_all(request).await.map_err(|error| failed(&error))?;
    let mut begun = 0;
    let head = loop {
        let read = stream.read(buffer.get_mut(begun..).unwrap_or_default()).await.map_err(|error| failed(&error))?;
        begun += read;
        if read == 0 {
            return Err(BenchError::Answer("the server hung up".to_owned()));
        }
        if let Some(head) = parse_head(buffer.get(..begun).unwrap_or_default()).map_err(|error| failed(&error))? {
            break head;
        }
    };
    if head.status != 200 {
        let shown = String::from_utf8_lossy(buffer.get(..begun.min(600)).unwrap_or_default()).into_owned();
        return Err(BenchError::Answer(format!("{} to {}: {shown}", head.status, String::from_utf8_lossy(request))));
    }
    let mut left = (head.length + head.body).saturating_sub(begun);
    while left > 0 {
        let take = left.min(READ);
        let read = stream.read(buffer.get_mut(..take).unwrap_or_default()).await.map_err(|error| failed(&error))?;
        if read == 0 {
            return Err(BenchError::Answer("the server hung up within a body".to_owned()));
        }
        left -= read;
    }
    Ok(head.body)
}

fn failed(error: &dyn std::fmt::Display) -> BenchError {
    BenchError::Answer(error.to_string())
}
