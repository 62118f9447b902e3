//! An edge without sockets: its engine, and both of its paths.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use pingora::apps::HttpServerApp;
use pingora::http::RequestHeader;
use pingora::protocols::http::ServerSession;
use pingora::proxy::{HttpProxy, http_proxy};
use pingora::server::configuration::ServerConf;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use vitrine_fuzz::with_head;
use vitrine_proxy::config::Config;
use vitrine_proxy::engine::{Asked, Engine, Next, heeded};
use vitrine_proxy::fast::{ConnectionFacts, FastPath};
use vitrine_proxy::key::{Scheme, Target};
use vitrine_proxy::metrics::Metrics;
use vitrine_proxy::purge::Purger;
use vitrine_proxy::purge::log::PurgeLog;
use vitrine_proxy::reason::Outcome;
use vitrine_proxy::reload::{Current, Snapshot};
use vitrine_proxy::rules::{Action, RequestFacts};
use vitrine_proxy::service::{Edge as Service, Server};
use vitrine_shared::config::Source;
use vitrine_shared::feed::Mode;

use crate::answers::Answer;
use crate::peer::{self, Connection};
use crate::words::Request;

/// A rule for each folder. Nobody listens at the upstream's address.
const CONFIG: &str = r#"
edge = "e"
[listen]
http = "127.0.0.1:0"
ops = "127.0.0.1:0"
trusted_proxies = ["10.1.0.0/16"]
[cache]
memory = "64MiB"
[upstreams.o]
addresses = ["127.0.0.1:1"]

[[rules]]
name = "plain"
paths = ["/plain/**"]
action = "cache"
heuristic = { percent = 10 }
on_disconnect = "serve"

[[rules]]
name = "ttl"
paths = ["/ttl/**"]
action = "cache"
edge_ttl = "1h"
browser_ttl = "5m"
set_cookie = "strip"

[[rules]]
name = "revalidate"
paths = ["/revalidate/**"]
action = "cache"
edge_ttl = "1h"
browser_ttl = "revalidate"
bypass = { cookies = ["session"], headers = ["x-bypass"] }

[[rules]]
name = "compress"
paths = ["/compress/**"]
action = "cache"
edge_ttl = "1h"
compression = { min = "100B" }

[[rules]]
name = "cors"
paths = ["/cors/**"]
action = "cache"
edge_ttl = "1h"
browser_ttl = "30s"
cors = { origins = ["https://shop.example", "https://*.shop.example"], credentials = true, expose = ["x-total"] }
[rules.response_headers]
set = { x-frame-options = "DENY", content-type = "text/plain" }
add = { x-other = "added", vary = "x-added" }
remove = ["x-powered-by", "server"]

[[rules]]
name = "keyed"
paths = ["/keyed/**"]
action = "cache"
edge_ttl = "1h"
key = { query = { allow = ["x"] }, headers = ["x-locale"], cookies = ["currency"], device = true }
cors = { origins = ["*"] }

[[rules]]
name = "obey"
paths = ["/obey/**"]
action = "cache"
request_directives = "obey"
forward = "all"
stale_while_revalidate = "1h"

[[rules]]
name = "vary"
paths = ["/vary/**"]
action = "cache"
edge_ttl = "1h"
vary = { accept-language = { languages = ["de", "en"] }, accept = { types = ["text/html", "application/json"] }, origin = "ignore", unknown = "exact" }
compression = { min = "100B" }
"#;

/// An edge.
pub struct Edge {
    runtime: Runtime,
    pub engine: Arc<Engine>,
    pub current: Current,
    fast: FastPath,
    slow: Arc<HttpProxy<Service>>,
    stop: watch::Receiver<bool>,
    // It says that the edge stops when it is dropped.
    _stopper: watch::Sender<bool>,
}

/// What is to become of a request.
#[derive(Debug)]
pub enum Expected {
    /// By the engine.
    Engine(Next),
    /// It does not come to the engine.
    Else,
}

impl Expected {
    pub fn is_hit(&self) -> bool {
        matches!(self, Self::Engine(Next::Answered(Outcome::Hit)))
    }
}

impl Edge {
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let source = Source::of(Path::new("e.toml"), CONFIG, |_| None).expect("a source");
        let config = Config::of_source(&source).expect("a configuration");
        let metrics = Metrics::new().expect("metrics");
        let engine = Server::build(&config).expect("an edge").engine().clone();
        let current = Snapshot::first(config, &metrics).into_current();
        let context = engine.context();
        let log = Arc::new(PurgeLog::new(metrics.purges.clone()));
        let service = Service {
            engine: engine.clone(),
            current: current.clone(),
            purger: Arc::new(Purger::new(context.live.clone(), context.presence.clone(), log)),
            token: None,
            metrics: metrics.requests.clone(),
        };
        let fast = FastPath::new(engine.clone(), current.clone(), metrics.requests);
        let slow = Arc::new(http_proxy(&Arc::new(ServerConf::default()), service));
        let (stopper, stop) = watch::channel(false);
        Self { runtime, engine, current, fast, slow, stop, _stopper: stopper }
    }

    /// All that is stored is purged.
    pub fn forget(&self) {
        self.engine.context().live.purge(&[], true, Mode::Hard);
    }

    /// What the engine would do with a request, and whether it comes to it.
    pub fn outlook(&self, request: &Request) -> Expected {
        let headers: HeaderMap = request.lines.iter().cloned().collect();
        let headers = request.lines.iter().fold(HeaderMap::with_capacity(headers.len()), |mut map, (name, value)| {
            map.append(name.clone(), value.clone());
            map
        });
        let snapshot = self.current.load_full();
        let peer = IpAddr::V4(peer::address(request.is_proxy));
        let client = snapshot.config.listen.trusted.client(Some(peer), facts(request).scheme, &headers);
        let host = client.host.as_deref().or_else(|| headers.get("host").and_then(|host| host.to_str().ok()));
        let Ok(target) = Target::parse(client.scheme, host.unwrap_or_default(), &request.target) else {
            return Expected::Else;
        };
        let method = Method::from_bytes(request.method.as_bytes()).expect("a method");
        let decision = snapshot.config.rules.decide(&RequestFacts::new(&method, &target, &headers));
        let Action::Cache(plan) = &decision.action else { return Expected::Else };
        let canonical = plan.settings.key.canonical(&target, &headers);
        let asked = Asked {
            rule: &decision.rule,
            upstream: &decision.upstream,
            settings: &plan.settings,
            target: &target,
            method: &method,
            canonical: &canonical,
            headers: &headers,
            control: heeded(&plan.settings, &headers),
            interim: None,
            request_id: &HeaderValue::from_static("-"),
        };
        Expected::Engine(self.engine.outlook(&asked).next)
    }

    pub fn fast(&self, request: &Request) -> Option<Answer> {
        let bytes = request.bytes();
        with_head(&bytes, |head| {
            let facts = facts(request);
            let before = b"what is before it stays";
            let mut out = before.to_vec();
            let answer = self.fast.answer(head, &facts, &mut out);
            let head = out.strip_prefix(before).expect("what was before it");
            let Some(answer) = answer else {
                assert!(head.is_empty(), "left, and written");
                return None;
            };
            let body: Vec<u8> = answer.body.iter().flat_map(|body| body.slices()).flatten().copied().collect();
            assert!(answer.body.as_ref().is_none_or(|stored| stored.len() == body.len() as u64));
            let mut whole = head.to_vec();
            whole.extend_from_slice(&body);
            let read = Answer::read(&whole, request);
            assert_eq!(read.keeps_alive(), answer.keep_alive);
            self.fast.ended(answer, body.len() as u64, false);
            Some(read)
        })
    }

    /// The same request over HTTP/2, where it can be one.
    pub fn fast_over_h2(&self, request: &Request) -> Option<Answer> {
        let host = request.lines.iter().find(|(name, _)| *name == http::header::HOST)?.1.to_str().ok()?;
        let uri: Uri = format!("http://{host}{}", request.target).parse().ok()?;
        let mut head = RequestHeader::build(request.method, request.target.as_bytes(), None).ok()?;
        head.set_uri(uri);
        head.set_version(Version::HTTP_2);
        for (name, value) in &request.lines {
            if *name != http::header::HOST && *name != http::header::CONNECTION {
                head.append_header(name.clone(), value.clone()).ok()?;
            }
        }
        let answer = self.fast.answer_map(&head, &facts(request))?;
        let body = answer.body.iter().flat_map(|body| body.slices()).flatten().copied().collect();
        let read = Answer::of_map(answer.status, &answer.fields, body);
        self.fast.ended_map(answer, 0, false);
        Some(read)
    }

    /// Pingora's answer to it.
    pub fn slow(&self, request: &Request) -> Answer {
        let bytes = request.bytes();
        let whole = self.runtime.block_on(async {
            let (mut client, server) = tokio::io::duplex(1 << 20);
            client.write_all(&bytes).await.expect("room for a request");
            let mut session = ServerSession::new_http1(Box::new(Connection::new(server, request.is_proxy)));
            if request.is_last {
                session.set_keepalive_reuses_remaining(Some(0));
            }
            drop(self.slow.process_new_http(session, &self.stop).await);
            let mut whole = Vec::new();
            client.read_to_end(&mut whole).await.expect("an answer");
            whole
        });
        Answer::read(&whole, request)
    }

    /// Runs what the engine does in the background.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

fn facts(request: &Request) -> ConnectionFacts {
    ConnectionFacts {
        peer: Some(IpAddr::V4(peer::address(request.is_proxy))),
        scheme: Scheme::Http,
        worker: 0,
        last: request.is_last,
    }
}
