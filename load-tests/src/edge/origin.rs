//! The origin of all contenders: every object of the catalog, from its path alone, at once.
//!
//! It has two ports: one sends each object's tags too, for who reads them, and answers what an edge asks of its feed. `GET /-/count`
//! tells how often it was asked for objects.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::catalog::Object;
use super::feed;

/// What tells how often objects were asked for.
pub(super) const COUNT: &str = "/-/count";
/// The field with the tags.
const TAGS: &str = "surrogate-key";

/// Serves until the process ends: without tags on the one address, with tags on the other.
pub(crate) fn serve(plain: SocketAddr, tagged: SocketAddr) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let asked = Arc::new(AtomicU64::new(0));
        tokio::try_join!(listen(plain, false, asked.clone()), listen(tagged, true, asked))?;
        Ok(())
    })
}

async fn listen(address: SocketAddr, tagged: bool, asked: Arc<AtomicU64>) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let asked = asked.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let asked = asked.clone();
            async move {
                if tagged && let Some(response) = feed::answer(&request).await {
                    return Ok::<_, Infallible>(response);
                }
                Ok(answer(&request, tagged, &asked))
            }
        });
        // A proxy that hangs up is no error here.
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn answer(request: &Request<Incoming>, tagged: bool, asked: &AtomicU64) -> Response<Full<Bytes>> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    if target == COUNT {
        return Response::new(Full::from(asked.load(Ordering::Relaxed).to_string()));
    }
    asked.fetch_add(1, Ordering::Relaxed);
    let Some(object) = Object::of_target(target) else {
        let mut response = Response::new(Full::from("no such object\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let mut response = Response::new(Full::from(object.body()));
    for (name, value) in object.fields() {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    if tagged && let Ok(tags) = object.tags().parse() {
        response.headers_mut().insert(TAGS, tags);
    }
    if request.headers().get(header::IF_NONE_MATCH).is_some_and(|etag| etag.as_bytes() == object.etag().as_bytes()) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Full::default();
    }
    response
}
