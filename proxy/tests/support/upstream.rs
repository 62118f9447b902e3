//! An upstream that does what the test says, byte by byte: every request waits until the test answers it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// A listener whose requests the test takes one by one.
pub struct Upstream {
    addr: SocketAddr,
    asked: Arc<AtomicUsize>,
    requests: mpsc::UnboundedReceiver<Request>,
    accepting: JoinHandle<()>,
}

/// A request that waits for its answer. Dropping it ends the answer; the connection then serves the next request.
pub struct Request {
    head: String,
    body: Vec<u8>,
    connection: usize,
    is_first: bool,
    script: mpsc::UnboundedSender<Step>,
}

enum Step {
    Send(Vec<u8>),
    /// Tells when the bytes are out.
    Sent(oneshot::Sender<()>),
    /// Tells when the peer has closed the connection.
    Closed(oneshot::Sender<()>),
    HangUp,
    /// An abortive close: the peer gets a reset and not an end.
    Reset,
}

impl Upstream {
    pub async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// Starts again where one was stopped.
    pub async fn start_at(addr: SocketAddr) -> Self {
        Self::on(TcpListener::bind(addr).await.unwrap())
    }

    fn on(listener: TcpListener) -> Self {
        let addr = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let (sender, requests) = mpsc::unbounded_channel();
        let counter = asked.clone();
        let accepting = tokio::spawn(async move {
            // Connections end with the listener, as those of a stopped server do.
            let mut connections = tokio::task::JoinSet::new();
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                number += 1;
                connections.spawn(serve(stream, number, counter.clone(), sender.clone()));
            }
        });
        Self { addr, asked, requests, accepting }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many requests have arrived in all.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The next request.
    pub async fn next(&mut self) -> Request {
        self.requests.recv().await.expect("the upstream listens")
    }

    /// Answers the next request with a whole response.
    pub async fn answer(&mut self, response: &[u8]) -> String {
        let request = self.next().await;
        request.send(response);
        request.head
    }

    /// Hangs up on the next request, and where it came over a connection that was used before, on its repetition on a new one too. Which
    /// of them it is depends on the worker that asks. Returns how many requests that were.
    pub async fn fail(&mut self) -> usize {
        let request = self.next().await;
        let is_repeated = !request.is_first;
        request.hang_up();
        if is_repeated {
            self.next().await.hang_up();
        }
        1 + usize::from(is_repeated)
    }

    /// Hangs up all connections and refuses new ones.
    pub async fn stop(self) -> SocketAddr {
        self.accepting.abort();
        let _ = self.accepting.await;
        self.addr
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    asked: Arc<AtomicUsize>,
    requests: mpsc::UnboundedSender<Request>,
) {
    let mut held = Vec::new();
    let mut is_first = true;
    while let Some((head, body)) = read_request(&mut stream, &mut held).await {
        asked.fetch_add(1, Ordering::SeqCst);
        let (script, mut steps) = mpsc::unbounded_channel();
        if requests.send(Request { head, body, connection, is_first, script }).is_err() {
            return;
        }
        is_first = false;
        while let Some(step) = steps.recv().await {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Step::Sent(done) => {
                    let _ = done.send(());
                }
                Step::Closed(done) => {
                    while matches!(stream.read_buf(&mut held).await, Ok(1..)) {}
                    let _ = done.send(());
                }
                Step::HangUp => return,
                Step::Reset => {
                    stream.set_zero_linger().unwrap();
                    return;
                }
            }
        }
    }
}

pub async fn read_request(stream: &mut TcpStream, held: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    let end = loop {
        if let Some(at) = held.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(held).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&held[..end]).into_owned();
    if field(&head, "transfer-encoding").is_some() {
        return read_chunked(stream, held, head, end).await;
    }
    let length: usize = field(&head, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    while held.len() < end + length {
        if stream.read_buf(held).await.ok()? == 0 {
            return None;
        }
    }
    let body = held[end..end + length].to_vec();
    held.drain(..end + length);
    Some((head, body))
}

/// The content as it stands, chunk sizes and all; trailers are not sent by tests.
async fn read_chunked(
    stream: &mut TcpStream,
    held: &mut Vec<u8>,
    head: String,
    start: usize,
) -> Option<(String, Vec<u8>)> {
    const LAST: &[u8] = b"0\r\n\r\n";
    loop {
        if let Some(at) = held[start..].windows(LAST.len()).position(|window| window == LAST) {
            let end = start + at + LAST.len();
            let body = held[start..end].to_vec();
            held.drain(..end);
            return Some((head, body));
        }
        if stream.read_buf(held).await.ok()? == 0 {
            return None;
        }
    }
}

impl Request {
    /// The request line and the fields.
    pub fn head(&self) -> &str {
        &self.head
    }

    pub fn body(&self) -> &[u8] {
        &self.body
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }

    /// Sends bytes of the answer.
    pub fn send(&self, bytes: &[u8]) {
        self.script.send(Step::Send(bytes.to_vec())).expect("the connection is open");
    }

    /// Waits until all that was to be sent is out, and so is with the peer's system.
    pub async fn sent(&self) {
        let (done, out) = oneshot::channel();
        self.script.send(Step::Sent(done)).expect("the connection is open");
        out.await.expect("the connection is open");
    }

    /// Sends bytes; `false` where the proxy has closed the connection.
    pub async fn drips(&self, bytes: &[u8]) -> bool {
        let (done, out) = oneshot::channel();
        let sent = self.script.send(Step::Send(bytes.to_vec())).and_then(|()| self.script.send(Step::Sent(done)));
        sent.is_ok() && out.await.is_ok()
    }

    /// Waits until the peer has closed the connection; bytes that it still sends are dropped.
    pub async fn closed(&self) {
        let (done, closed) = oneshot::channel();
        self.script.send(Step::Closed(done)).expect("the connection is open");
        closed.await.expect("the connection is open");
    }

    /// The number of its connection, from 1.
    pub fn connection(&self) -> usize {
        self.connection
    }

    /// Whether it is its connection's first: else it is sent again on another one where nothing is answered.
    pub fn is_first(&self) -> bool {
        self.is_first
    }

    /// Resets the connection in the middle of the answer.
    pub fn reset(self) {
        self.script.send(Step::Reset).expect("the connection is open");
    }

    /// Closes the connection in the middle of the answer.
    pub fn hang_up(self) {
        self.script.send(Step::HangUp).expect("the connection is open");
    }
}

/// The first value of a field.
pub fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .find(|(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// A whole response with a length.
pub fn response(status: &str, fields: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
