//! A private S3 over a folder, in this process: files as the origin stores them and as the proxy fetches them.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpResponse};
use tokio::sync::{RwLock, oneshot, watch};

use super::s3_access::PublicRead;
use super::s3_bucket::S3Bucket;
use super::{DataDir, S3Settings, Secrets, StackError, random_hex};

const BUCKET: &str = "vitrine-media";
const REGION: &str = "us-east-1";

/// The account of a private S3.
#[derive(Clone)]
pub struct S3Keys {
    /// Names it.
    pub access_key: String,
    /// Signs its requests.
    pub secret_key: String,
}

impl S3Keys {
    /// A new account.
    pub fn generate() -> Self {
        Self { access_key: format!("VK{}", random_hex(9).to_uppercase()), secret_key: random_hex(20) }
    }
}

impl From<&Secrets> for S3Keys {
    fn from(secrets: &Secrets) -> Self {
        Self { access_key: secrets.s3_access_key.clone(), secret_key: secrets.s3_secret_key.clone() }
    }
}

/// The store writes a file and its entity tag one after the other; a real one changes both at once. So who
/// replaces a file keeps readers out for that long.
pub(super) type Whole = Arc<RwLock<()>>;

/// A running S3 of our own. It has a thread to itself, so it answers while a test blocks.
pub struct S3 {
    address: SocketAddr,
    folder: PathBuf,
    keys: S3Keys,
    paused: watch::Sender<bool>,
    whole: Whole,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl S3 {
    /// Starts it in `data` on a free port, with the public bucket made.
    pub fn start(data: &DataDir, keys: S3Keys) -> Result<Self, StackError> {
        Self::start_at(data, keys, Ipv4Addr::LOCALHOST)
    }

    /// The same on another address of this process's network.
    pub fn start_at(data: &DataDir, keys: S3Keys, host: Ipv4Addr) -> Result<Self, StackError> {
        let folder = data.folder("s3")?;
        let bucket = folder.join(BUCKET);
        std::fs::create_dir_all(&bucket).map_err(StackError::io("make the folder", &bucket))?;
        let listener = listen(SocketAddr::from((host, super::free_port()?)))?;
        let address = listener.local_addr().map_err(StackError::io("listen for S3 on", Path::new("127.0.0.1")))?;
        let mut s3 =
            Self { address, folder, keys, paused: watch::Sender::new(false), whole: Whole::default(), running: None };
        s3.serve(listener)?;
        Ok(s3)
    }

    /// What the origin and the proxy need to know of it.
    pub fn settings(&self) -> S3Settings {
        S3Settings {
            endpoint: self.endpoint(),
            bucket: BUCKET.to_owned(),
            region: REGION.to_owned(),
            access_key: self.keys.access_key.clone(),
            secret_key: self.keys.secret_key.clone(),
        }
    }

    /// Its address as a URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its address as host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The bucket of the shop's files, to change what is in it behind the shop's back.
    pub(crate) fn bucket(&self) -> Result<S3Bucket, StackError> {
        S3Bucket::open(&self.folder, BUCKET, self.whole.clone())
    }

    /// The folder that holds its buckets and their metadata.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends it: its port is closed and its connections break.
    pub fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }

    /// The same as [`S3::stop`]: it holds nothing in memory that an orderly end would save.
    pub fn stop_hard(&mut self) {
        self.stop();
    }

    /// Starts it again on the same port and folder.
    pub fn restart(&mut self) -> Result<(), StackError> {
        self.stop();
        self.resume();
        let listener = listen(self.address)?;
        self.serve(listener)
    }

    /// Takes connections and requests from now on, but answers none.
    pub fn pause(&self) {
        self.paused.send_replace(true);
    }

    /// Answers again, what came meanwhile too.
    pub fn resume(&self) {
        self.paused.send_replace(false);
    }

    fn serve(&mut self, listener: TcpListener) -> Result<(), StackError> {
        let unusable = |reason: String| StackError::Invalid { what: self.folder.display().to_string(), reason };
        let store = s3s_fs::FileSystem::new(&self.folder).map_err(|error| unusable(format!("{error:?}")))?;
        let mut builder = S3ServiceBuilder::new(store);
        builder.set_auth(SimpleAuth::from_single(self.keys.access_key.clone(), self.keys.secret_key.clone()));
        builder.set_access(PublicRead { bucket: BUCKET.to_owned() });
        let service = builder.build();
        let paused = self.paused.subscribe();
        let whole = self.whole.clone();
        let (stop, stopped) = oneshot::channel();
        let io = StackError::io("start the S3 server in", &self.folder);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io)?;
        let thread = std::thread::Builder::new().name("s3".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, service, paused, whole) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        let thread = thread.map_err(StackError::io("start the S3 server in", &self.folder))?;
        self.running = Some((stop, thread));
        Ok(())
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.stop();
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, StackError> {
    let listen = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    listen().map_err(StackError::io("listen for S3 on", Path::new(&address.to_string())))
}

async fn accept(listener: TcpListener, service: S3Service, paused: watch::Receiver<bool>, whole: Whole) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let service = Arc::new(service);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, say: others are closed meanwhile.
            tokio::time::sleep(super::wait::POLL).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (service, paused, whole) = (Arc::clone(&service), paused.clone(), whole.clone());
        tokio::spawn(async move {
            let answer =
                service_fn(move |request| answer(Arc::clone(&service), paused.clone(), whole.clone(), request));
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer(
    service: Arc<S3Service>,
    mut paused: watch::Receiver<bool>,
    whole: Whole,
    request: Request<Incoming>,
) -> Result<HttpResponse, Infallible> {
    // The sender lives as long as the server; should it be gone, there is nobody to wait for.
    let _ = paused.wait_for(|paused| !paused).await;
    let read = matches!(*request.method(), Method::GET | Method::HEAD);
    let condition = request.headers().get(IF_NONE_MATCH).cloned().filter(|_| read);
    // What is read keeps the file open that it began with. Uploads are not held up: each has a key of its own.
    let _whole = if read { Some(whole.read().await) } else { None };
    let mut response = match service.call(request.map(Body::from)).await {
        Ok(response) => response,
        Err(_) => with_status(StatusCode::INTERNAL_SERVER_ERROR),
    };
    if !read || response.status() != StatusCode::OK || !response.headers().contains_key(ETAG) {
        return Ok(response);
    }
    response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if condition.is_some_and(|condition| matches(&condition, response.headers())) {
        return Ok(not_modified(response));
    }
    Ok(response)
}

/// S3 answers conditional requests, the store behind this server does not: it is done here.
fn matches(condition: &HeaderValue, headers: &HeaderMap) -> bool {
    let (Ok(condition), Some(Ok(etag))) = (condition.to_str(), headers.get(ETAG).map(HeaderValue::to_str)) else {
        return false;
    };
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    condition.split(',').any(|tag| tag.trim() == "*" || opaque(tag) == opaque(etag))
}

fn not_modified(response: HttpResponse) -> HttpResponse {
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(CONTENT_TYPE);
    Response::from_parts(parts, Body::empty())
}

fn with_status(status: StatusCode) -> HttpResponse {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_matches_weakly_and_in_lists() {
        let headers = HeaderMap::from_iter([(ETAG, HeaderValue::from_static("\"abc\""))]);
        for (condition, expected) in
            [("\"abc\"", true), ("W/\"abc\"", true), ("\"x\", \"abc\"", true), ("*", true), ("\"abcd\"", false)]
        {
            assert_eq!(matches(&HeaderValue::from_static(condition), &headers), expected, "{condition}");
        }
    }
}
