//! The origin of the soak: it has every object of the catalog, and hangs up at random.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::catalog::{Catalog, Object};

/// In a thousand answers: how many end before the head, within it, and within the content, and how many stop for a while within it.
const BEFORE: u32 = 3;
const IN_HEAD: u32 = 3;
const IN_BODY: u32 = 20;
const STOPS: u32 = 2;
const STOP: Duration = Duration::from_secs(2);
/// Most bytes of a chunk.
const CHUNK: usize = 16 * 1024;
const MAX_HEAD: usize = 64 * 1024;

/// What the origin does to one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Whole,
    Before,
    InHead,
    /// After so many bytes of the content.
    InBody(u64),
    Stops(u64),
}

struct Asked {
    method: String,
    target: String,
    if_none_match: Option<String>,
    content: u64,
}

/// Serves on a thread of its own until the process ends.
pub(super) fn start(listener: std::net::TcpListener, catalog: Arc<Catalog>) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("soak-origin".to_owned()).spawn(move || {
        runtime.block_on(async {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    let _ = stream.set_nodelay(true);
                    tokio::spawn(serve(stream, catalog.clone()));
                }
            }
        });
    })?;
    Ok(())
}

/// Ends the connection on any error: the proxy has left.
async fn serve(mut stream: TcpStream, catalog: Arc<Catalog>) {
    let mut held = Vec::new();
    while let Some(asked) = request(&mut stream, &mut held).await {
        if !answer(&mut stream, &catalog, &asked).await {
            return;
        }
    }
}

/// The next request, its content read and dropped.
async fn request(stream: &mut TcpStream, held: &mut Vec<u8>) -> Option<Asked> {
    let end = loop {
        if let Some(at) = held.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if held.len() > MAX_HEAD || stream.read_buf(held).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&held[..end]).into_owned();
    held.drain(..end);
    let mut parts = head.split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let field = |wanted: &str| {
        let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().to_owned())
    };
    let content = field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut asked = Asked { method, target, if_none_match: field("if-none-match"), content };
    while asked.content > 0 {
        if held.is_empty() && stream.read_buf(held).await.ok()? == 0 {
            return None;
        }
        let taken = held.len().min(usize::try_from(asked.content).unwrap_or(usize::MAX));
        held.drain(..taken);
        asked.content -= taken as u64;
    }
    Some(asked)
}

/// Whether the connection can go on.
async fn answer(stream: &mut TcpStream, catalog: &Catalog, asked: &Asked) -> bool {
    let Some(object) = Object::of_target(&asked.target).filter(|_| asked.method == "GET") else {
        return stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_ok();
    };
    let etag = object.etag();
    let is_same = etag.is_some() && asked.if_none_match == etag;
    let fate = Fate::drawn(object);
    let head = head(object, etag.as_deref(), is_same);
    match fate {
        Fate::Before => return false,
        Fate::InHead => {
            let cut = rand::rng().random_range(1..head.len());
            let _ = stream.write_all(&head.as_bytes()[..cut]).await;
            return false;
        }
        _ => {}
    }
    if stream.write_all(head.as_bytes()).await.is_err() {
        return false;
    }
    is_same || content(stream, catalog, object, fate).await
}

fn head(object: Object, etag: Option<&str>, is_same: bool) -> String {
    let etag = etag.map(|etag| format!("ETag: {etag}\r\n")).unwrap_or_default();
    let framing = match (is_same, object.has_length()) {
        (true, _) => String::new(),
        (false, true) => format!("Content-Length: {}\r\n", object.size()),
        (false, false) => "Transfer-Encoding: chunked\r\n".to_owned(),
    };
    let status = if is_same { "304 Not Modified" } else { "200 OK" };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nCache-Control: {}\r\n\
         Cache-Groups: \"all\", \"of{}\"\r\n{etag}{framing}\r\n",
        object.control(),
        object.target().replace('/', "-")
    )
}

async fn content(stream: &mut TcpStream, catalog: &Catalog, object: Object, fate: Fate) -> bool {
    let (size, chunked) = (object.size(), !object.has_length());
    let mut at = 0;
    while at < size {
        let mut piece = catalog.from(object, at);
        if chunked {
            piece = &piece[..piece.len().min(CHUNK)];
        }
        match fate {
            Fate::InBody(end) if at + piece.len() as u64 > end => {
                let cut = usize::try_from(end - at).unwrap_or_default();
                let _ = stream.write_all(&piece[..cut]).await;
                return false;
            }
            Fate::Stops(end) if (at..at + piece.len() as u64).contains(&end) => tokio::time::sleep(STOP).await,
            _ => {}
        }
        let begun = if chunked { format!("{:x}\r\n", piece.len()) } else { String::new() };
        let ended: &[u8] = if chunked { b"\r\n" } else { b"" };
        for part in [begun.as_bytes(), piece, ended] {
            if stream.write_all(part).await.is_err() {
                return false;
            }
        }
        at += piece.len() as u64;
    }
    !chunked || stream.write_all(b"0\r\n\r\n").await.is_ok()
}

// === impl Fate ===

impl Fate {
    fn drawn(object: Object) -> Self {
        let mut random = rand::rng();
        let within = random.random_range(0..object.size());
        let mut part = random.random_range(0..1_000);
        for (share, fate) in [
            (BEFORE, Self::Before),
            (IN_HEAD, Self::InHead),
            (IN_BODY, Self::InBody(within)),
            (STOPS, Self::Stops(within)),
        ] {
            if part < share {
                return fate;
            }
            part -= share;
        }
        Self::Whole
    }
}
