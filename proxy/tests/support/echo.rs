//! An upstream that reflects what it is sent, the worst that a cache can stand before.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use super::upstream::{Request, Upstream, response};

/// Answers every request at once, as `answer` says, and remembers what it was asked.
pub struct Echo {
    addr: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    /// Reflects the whole request, head and content, into a body that may be kept.
    pub async fn start() -> Self {
        Self::answering(|request| {
            if request.header("range").is_some() {
                let fields = "Cache-Control: max-age=60\r\nContent-Range: bytes 0-3/4000\r\n";
                return response("206 Partial Content", fields, "evil");
            }
            response("200 OK", "Cache-Control: max-age=60\r\n", &reflected(request))
        })
        .await
    }

    /// Answers as the test says.
    pub async fn answering(answer: impl Fn(&Request) -> Vec<u8> + Send + 'static) -> Self {
        let mut upstream = Upstream::start().await;
        let addr = upstream.addr();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = heads.clone();
        tokio::spawn(async move {
            loop {
                let request = upstream.next().await;
                seen.lock().push(request.head().to_owned());
                request.send(&answer(&request));
            }
        });
        Self { addr, heads }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().clone()
    }

    /// How many requests have arrived.
    pub fn asked(&self) -> usize {
        self.heads.lock().len()
    }
}

/// Request line, fields and content of a request.
pub fn reflected(request: &Request) -> String {
    format!("{}{}", request.head(), String::from_utf8_lossy(request.body()))
}
