//! What deciding a hit costs, without the socket: `cargo run --release --package vitrine-proxy --example hit_cost`.
//!
//! It stores objects as fills do, and asks the fast path for them in turn with the head of a browser. Quote ratios of two builds, never the
//! time itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::cast_precision_loss, missing_docs)]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Instant;

use prometheus::Registry;
use tokio::sync::watch;
use vitrine_proxy::config::Config;
use vitrine_proxy::fast::{ConnectionFacts, FastPath, HeaderSection, RequestHead};
use vitrine_proxy::key::Scheme;
use vitrine_proxy::service::metrics::RequestMetrics;
use vitrine_proxy::service::{Server, Stop};
use vitrine_shared::config::Source;

const OBJECTS: usize = 1000;
const ROUNDS: usize = 2000;

const BROWSER: &str = "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0\r\n\
    accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\naccept-language: en-GB,en;q=0.5\r\n\
    accept-encoding: gzip, deflate, br, zstd\r\ncookie: _ga=GA1.1.1; theme=dark\r\nsec-fetch-dest: document\r\n\
    sec-fetch-mode: navigate\r\npriority: u=0, i\r\n\r\n";

fn main() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = upstream.local_addr().unwrap();
    std::thread::spawn(move || upstream.incoming().for_each(|stream| serve(stream.unwrap())));
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (http, ops) = (free(), free());
    let text = format!(
        "edge = \"e\"\ndefault_upstream = \"o\"\n[listen]\nhttp = \"{http}\"\nops = \"{ops}\"\n[upstreams.o]\naddresses = [\"{origin}\"]\n\
         [[rules]]\nname = \"private\"\naction = \"pass\"\npaths = [\"/cart/**\", \"/account/**\"]\n\
         [[rules]]\nname = \"catalog\"\naction = \"cache\"\npaths = [\"/store/products/**\", \"/store/regions/**\"]\nedge_ttl = \"4h\"\n\
         browser_ttl = \"30m\"\nbypass = {{ cookies = [\"session\", \"connect.sid\"] }}\n\
         key = {{ query = \"all\", headers = [\"x-publishable-api-key\", \"x-medusa-locale\"] }}\n"
    );
    let config = Config::of_source(&Source::of(Path::new("e.toml"), &text, |_| None).unwrap()).unwrap();
    let server = Server::build(&config).unwrap();
    let path = FastPath::new(
        server.engine().clone(),
        server.current().clone(),
        RequestMetrics::register(&Registry::new()).unwrap(),
    );
    let (stop, stopped) = watch::channel(false);
    let running = std::thread::spawn(move || server.run(Stop::When(stopped)));
    let requests: Vec<String> = (0..OBJECTS)
        .map(|id| {
            format!("GET /store/products/prod_{id:06}?region_id=reg_1&limit=20 HTTP/1.1\r\nhost: {http}\r\n{BROWSER}")
        })
        .collect();
    for request in &requests {
        warm(http, request);
    }
    let from =
        ConnectionFacts { peer: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), scheme: Scheme::Http, worker: 0, last: false };
    let mut out = Vec::with_capacity(4096);
    let (mut all, mut parsing) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for request in &requests {
            parse(request, |_| ());
        }
        parsing.push(begun.elapsed().as_nanos() as f64 / OBJECTS as f64);
        let begun = Instant::now();
        for request in &requests {
            out.clear();
            let answer = parse(request, |head| path.answer(head, &from, &mut out)).expect("a hit");
            path.ended(answer, 1024, false);
        }
        all.push(begun.elapsed().as_nanos() as f64 / OBJECTS as f64);
    }
    println!(
        "a head of {} bytes: parsing {:.0} ns, all {:.0} ns (medians)",
        requests[0].len(),
        median(parsing),
        median(all)
    );
    stop.send(true).unwrap();
    running.join().unwrap();
}

fn parse<R>(request: &str, then: impl FnOnce(&RequestHead<'_>) -> R) -> R {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut fields);
    parsed.parse(request.as_bytes()).unwrap();
    let section = HeaderSection::of(request.as_bytes(), parsed.headers);
    then(&RequestHead::new(parsed.method.unwrap(), parsed.path.unwrap(), parsed.version.unwrap(), &section))
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

fn warm(http: std::net::SocketAddr, request: &str) {
    let mut stream = loop {
        if let Ok(stream) = TcpStream::connect(http) {
            break stream;
        }
        std::thread::yield_now();
    };
    stream.write_all(request.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert!(got.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&got));
}

/// Answers each request on a connection with a kilobyte.
fn serve(mut stream: TcpStream) {
    let mut buffer = [0; 8192];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {
        let head = "HTTP/1.1 200 OK\r\ncache-control: public, max-age=600\r\ncontent-type: application/json\r\netag: \"abc\"\r\n\
                    vary: accept-encoding\r\nx-powered-by: test\r\ncontent-length: 1024\r\n\r\n";
        if stream.write_all(&[head.as_bytes(), &[b'x'; 1024]].concat()).is_err() {
            return;
        }
    }
}
