//! HTTP/2 without TLS, by prior knowledge: one connection to each edge, and several streams at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request, header};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::cast::{Plan, Target};
use super::super::history::Begun;
use super::super::judge::{Answer, Asked, Judge, Shared};
use super::super::tally::Aside;
use super::plan::{Share, fields, uri};
use super::{LOST, Reading};

const STREAMS: u32 = 4;
const AGAIN: Duration = Duration::from_millis(200);

/// Reads until it is told to stop.
pub(super) fn run(reading: &Reading, shared: &Shared, stop: &AtomicBool, rest: &AtomicBool) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let judge = Arc::new(Mutex::new(Judge::new(shared.clone())));
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let edges = reading.edges.iter().enumerate();
        let all = edges.map(|(edge, address)| connections(edge, *address, reading, &judge, stop, rest));
        futures_util::future::join_all(all).await;
    });
}

/// One connection after the other.
async fn connections(
    edge: usize,
    address: SocketAddr,
    reading: &Reading,
    judge: &Mutex<Judge>,
    stop: &AtomicBool,
    rest: &AtomicBool,
) {
    let mut seed = reading.seed.wrapping_add(1_000 * (1 + edge as u64));
    while !stop.load(Ordering::Relaxed) {
        if let Some(send) = connect(address).await {
            let streams = (0..STREAMS).map(|_| {
                seed = seed.wrapping_add(1);
                stream(edge, send.clone(), reading, judge, StdRng::seed_from_u64(seed), (stop, rest))
            });
            futures_util::future::join_all(streams).await;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn connect(address: SocketAddr) -> Option<SendRequest<Bytes>> {
    let connected = timeout(AGAIN, TcpStream::connect(address)).await.ok()?.ok()?;
    let _ = connected.set_nodelay(true);
    let (send, connection) = timeout(LOST, h2::client::handshake(connected)).await.ok()?.ok()?;
    tokio::task::spawn_local(connection);
    Some(send)
}

/// Asks again and again, until the connection fails.
async fn stream(
    edge: usize,
    mut send: SendRequest<Bytes>,
    reading: &Reading,
    judge: &Mutex<Judge>,
    mut random: StdRng,
    (stop, rest): (&AtomicBool, &AtomicBool),
) {
    let targets = judge.lock().shared.targets.clone();
    let read: Vec<usize> = targets
        .iter()
        .enumerate()
        .filter(|(_, target)| matches!(target.plan, Plan::Plain | Plan::Vary))
        .map(|(index, _)| index)
        .collect();
    let asking = f64::from(STREAMS) * f64::from(u32::try_from(reading.edges.len()).unwrap_or(1));
    let every = Duration::from_secs_f64(asking / (f64::from(reading.rate) * Share::H2).max(1.0));
    let mut next = tokio::time::interval(every);
    next.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut begun = Begun::default();
    while !stop.load(Ordering::Relaxed) {
        next.tick().await;
        if rest.load(Ordering::Relaxed) {
            continue;
        }
        let target = read[random.random_range(0..read.len())];
        let Some(request) = request(&targets[target], &reading.key) else { return };
        let ready = timeout(LOST, send.clone().ready()).await;
        let Ok(Ok(ready)) = ready else { return };
        send = ready;
        {
            let judge = judge.lock();
            judge.shared.history.begin(&targets[target].members, &mut begun);
        }
        let Some((status, headers, body)) = timeout(LOST, exchange(&mut send, request)).await.ok().flatten() else {
            judge.lock().shared.tally.aside(Aside::Lost);
            return;
        };
        let field = |name: &http::HeaderName| headers.get(name).map(http::HeaderValue::as_bytes);
        let head = format!("{status} {headers:?}");
        let answer = Answer {
            status,
            etag: field(&header::ETAG),
            cache_status: field(&CACHE_STATUS).unwrap_or_default(),
            gzip: field(&header::CONTENT_ENCODING) == Some(b"gzip"),
            body: &body,
            head: head.as_bytes(),
        };
        judge.lock().judge(Asked { target, edge, h2: true, begun: &begun, condition: None }, answer);
    }
}

const CACHE_STATUS: http::HeaderName = http::HeaderName::from_static("cache-status");

fn request(target: &Target, key: &str) -> Option<Request<()>> {
    let mut request = Request::get(uri(target));
    for (name, value) in fields(target, key) {
        request = request.header(name, value);
    }
    request.body(()).ok()
}

async fn exchange(send: &mut SendRequest<Bytes>, request: Request<()>) -> Option<(u16, HeaderMap, Vec<u8>)> {
    let (response, _) = send.send_request(request, true).ok()?;
    let (head, mut content) = response.await.ok()?.into_parts();
    let mut body = Vec::new();
    while let Some(part) = content.data().await {
        let part = part.ok()?;
        let _ = content.flow_control().release_capacity(part.len());
        body.extend_from_slice(&part);
    }
    Some((head.status.as_u16(), head.headers, body))
}
