//! A connection that comes and goes by itself, against servers that answer as the test says.
#![allow(clippy::unwrap_used, missing_docs)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use redis::AsyncCommands as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use vitrine_redis::{Link, Server, Timeouts};

const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_millis(200), answer: Duration::from_millis(200) };
/// Longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that answers each `GET` in one way, and all else with OK; without an answer it hangs.
struct Fake {
    addr: SocketAddr,
    connections: Arc<AtomicUsize>,
    answer: watch::Sender<Option<&'static str>>,
}

impl Fake {
    async fn start(answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (answer, answers) = watch::channel(answer);
        let counted = connections.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, answers.clone()));
            }
        });
        Self { addr, connections, answer }
    }

    fn link(&self) -> Link {
        Link::new(Server::new(format!("redis://{}", self.addr).parse().unwrap(), TIMEOUTS))
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Each command is an array of bulk strings: counted by its star, and told by its name.
async fn serve(mut stream: TcpStream, answers: watch::Receiver<Option<&'static str>>) -> std::io::Result<()> {
    let mut bytes = vec![0; 4_096];
    loop {
        let read = stream.read(&mut bytes).await?;
        if read == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
        for command in text.split('*').filter(|command| !command.is_empty()) {
            let answer = if command.contains("GET") { *answers.borrow() } else { Some("+OK") };
            if let Some(answer) = answer {
                stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
            }
        }
    }
}

async fn get(link: &Link) -> redis::RedisResult<String> {
    let mut link = link.clone();
    tokio::time::timeout(PATIENCE, link.get("k")).await.unwrap()
}

/// Asks until it is answered well.
async fn recovered(link: &Link) {
    let asked = async {
        while get(link).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_no_master_is_left_for_another_connection_and_not_hurried() {
    for answer in [
        "-READONLY You can't write against a read only replica.",
        "-LOADING Redis is loading the dataset in memory",
        "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "-CLUSTERDOWN The cluster is down",
        "-NOAUTH Authentication required.",
        "-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
    ] {
        let fake = Fake::start(Some(answer)).await;
        let link = fake.link();
        for _ in 0..1_000 {
            get(&link).await.unwrap_err();
        }
        // Pauses double: even a machine that stalls for seconds in between allows for a few.
        assert!((1..15).contains(&fake.connections()), "{answer}: {} connections", fake.connections());
        fake.answer.send(Some("+v")).unwrap();
        recovered(&link).await;
        assert_eq!(get(&link).await.unwrap(), "v");
    }
}

#[tokio::test]
async fn an_answer_that_only_refuses_the_command_keeps_the_connection() {
    for answer in ["-ERR no", "-WRONGTYPE Operation against a key", "-NOSCRIPT none", "-OOM command not allowed", "+v"]
    {
        let fake = Fake::start(Some(answer)).await;
        let link = fake.link();
        for _ in 0..20 {
            let _ = get(&link).await;
        }
        assert_eq!(fake.connections(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_left_though_its_connection_stays_open() {
    let fake = Fake::start(None).await;
    let link = fake.link();
    assert!(get(&link).await.unwrap_err().is_timeout());
    assert_eq!(fake.connections(), 1);
    fake.answer.send(Some("+v")).unwrap();
    recovered(&link).await;
    assert_eq!(fake.connections(), 2);
}

#[tokio::test]
async fn who_gives_up_while_it_is_being_connected_ends_that_for_nobody() {
    let fake = Fake::start(Some("+v")).await;
    let link = fake.link();
    for _ in 0..10 {
        assert!(get(&link).now_or_never().is_none());
    }
    assert_eq!(get(&link).await.unwrap(), "v");
    assert_eq!(fake.connections(), 1);
}

#[tokio::test]
async fn who_does_not_wait_for_the_answer_may_doubt_the_connection() {
    let fake = Fake::start(Some("+v")).await;
    let link = fake.link();
    assert_eq!(get(&link).await.unwrap(), "v");
    link.doubt();
    link.doubt();
    recovered(&link).await;
    assert_eq!(fake.connections(), 2);
}

#[tokio::test]
async fn many_commands_at_once_share_one_connection() {
    let fake = Fake::start(Some("+v")).await;
    let link = fake.link();
    let all = (0..50).map(|_| get(&link));
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.unwrap(), "v");
    }
    assert_eq!(fake.connections(), 1);
}

/// That a server's certificate is checked at all: nobody vouches for the one here, and it is no TLS even.
#[tokio::test]
async fn tls_is_spoken_where_the_address_says_so() {
    let fake = Fake::start(Some("+v")).await;
    let address = format!("rediss://{}", fake.addr).parse().unwrap();
    let link = Link::new(Server::new(address, TIMEOUTS));
    get(&link).await.unwrap_err();
    assert_eq!(fake.connections(), 1);
}
