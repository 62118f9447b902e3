//! An upstream that answers on its own, well or badly as the test says, and counts what it is asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::upstream::{read_request, response};

/// Where health checks ask.
pub const HEALTH: &str = "/health";

/// What it does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 200, fresh for a minute; the body is the port.
    Answers,
    /// This status.
    Status(u16),
    /// Closes the connection before the head.
    HangsUp,
}

/// The listener. It refuses connections once it is dropped.
pub struct Automatic {
    pub addr: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    mode: Mutex<Mode>,
    healthy: AtomicBool,
    /// Requests, but for those of health checks.
    asked: AtomicUsize,
    checks: AtomicUsize,
    last_check: Mutex<String>,
}

impl Automatic {
    pub async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// Where one was stopped.
    pub async fn start_at(addr: SocketAddr) -> Self {
        Self::on(TcpListener::bind(addr).await.unwrap())
    }

    fn on(listener: TcpListener) -> Self {
        let addr = listener.local_addr().unwrap();
        let state = Arc::new(State {
            mode: Mutex::new(Mode::Answers),
            healthy: AtomicBool::new(true),
            asked: AtomicUsize::new(0),
            checks: AtomicUsize::new(0),
            last_check: Mutex::default(),
        });
        let shared = state.clone();
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, addr.port(), shared.clone()));
            }
        });
        Self { addr, state, accepting }
    }

    pub fn set(&self, mode: Mode) {
        *self.state.mode.lock() = mode;
    }

    pub fn set_healthy(&self, healthy: bool) {
        self.state.healthy.store(healthy, Ordering::SeqCst);
    }

    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    pub fn checks(&self) -> usize {
        self.state.checks.load(Ordering::SeqCst)
    }

    /// The head of the last health check.
    pub fn last_check(&self) -> String {
        self.state.last_check.lock().clone()
    }

    /// What its bodies are.
    pub fn name(&self) -> String {
        self.addr.port().to_string()
    }

    /// Refuses from now on.
    pub async fn stop(mut self) -> SocketAddr {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
        self.addr
    }
}

impl Drop for Automatic {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, port: u16, state: Arc<State>) {
    let mut held = Vec::new();
    while let Some((head, _)) = read_request(&mut stream, &mut held).await {
        let answer = if head.split(' ').nth(1) == Some(HEALTH) {
            state.checks.fetch_add(1, Ordering::SeqCst);
            *state.last_check.lock() = head;
            let status = if state.healthy.load(Ordering::SeqCst) { "204 No Content" } else { "500 Broken" };
            format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n").into_bytes()
        } else {
            state.asked.fetch_add(1, Ordering::SeqCst);
            let mode = *state.mode.lock();
            match mode {
                Mode::Answers => response("200 OK", "Cache-Control: max-age=60\r\n", &port.to_string()),
                Mode::Status(status) => response(&format!("{status} Failing"), "", &port.to_string()),
                Mode::HangsUp => return,
            }
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}
