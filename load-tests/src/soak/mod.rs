//! `make soak`: whether the proxy keeps to its memory, and every byte is right, under clients and an origin that behave badly.
//!
//! Many URLs with bodies of 100 B to 50 MB are asked for by Zipf's law. The origin hangs up at random. Clients vanish in the middle of
//! answers, idle, drip heads and contents, and read slowly. The proxy's resident memory is read each second; that of the empty
//! process counts in.

mod catalog;
mod holders;
mod memory;
mod origin;
mod proxy;
mod response;
mod tally;
mod visitors;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::catalog::{Catalog, Object};
use self::holders::Kind;
use self::proxy::Proxy;
use self::tally::Tally;
use self::visitors::Visits;
use crate::stack::{Scratch, StackError};
use crate::zipf::Zipf;

/// How much more than its budget the process may have, in percent.
const MORE: u64 = 15;
/// How many objects the origin has, and how steeply few of them are asked for most.
const OBJECTS: u32 = 100_000;
const EXPONENT: f64 = 0.9;
/// Least size of what is read slowly, in bytes.
const LARGE: u64 = 1_000_000;
/// Between two lines that tell how it goes.
const TELL: u64 = 30;
/// Connections for each source address: many clients are not one.
const EACH: u32 = 100;

/// How long, with how much, and by how many.
#[derive(Debug, Clone, clap::Args)]
pub struct SoakOptions {
    /// How long, in minutes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub minutes: u64,
    /// The proxy's `cache.memory`.
    #[arg(long, default_value = "256MiB", value_parser = mebibytes)]
    pub memory: Budget,
    /// Clients that ask all the time.
    #[arg(long, default_value_t = 48)]
    pub visitors: u32,
    /// Connections on which nothing happens.
    #[arg(long, default_value_t = 2_000)]
    pub idle: u32,
    /// Connections whose requests come byte by byte: half of them in the head, half in the content.
    #[arg(long, default_value_t = 500)]
    pub dripping: u32,
    /// Connections whose answers are read little by little.
    #[arg(long, default_value_t = 50)]
    pub slow: u32,
}

/// Mebibytes, written as the proxy's configuration wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget(u64);

/// The soak could not go on, or found what must not be.
#[derive(Debug, thiserror::Error)]
pub enum SoakError {
    /// The proxy could not be started, or has ended.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The system refused something.
    #[error("cannot {what}: {source}")]
    System {
        /// What.
        what: &'static str,
        /// Its own words.
        source: std::io::Error,
    },
    /// Too few files may be open.
    #[error(
        "this soak needs {needed} open files, and {allowed} are allowed: raise the limit (`ulimit -n`), or ask for fewer --idle and --dripping"
    )]
    Files {
        /// How many.
        needed: u64,
        /// How many may be.
        allowed: u64,
    },
    /// It did not hold.
    #[error("the soak failed: {}", .0.join("; "))]
    Failed(Vec<String>),
}

/// What came out.
#[derive(Debug)]
struct Outcome {
    minutes: u64,
    budget: u64,
    resident: u64,
    wrong: u64,
    requests: u64,
    hits: u64,
}

/// Runs it and prints what came out.
pub async fn run(options: &SoakOptions) -> Result<(), SoakError> {
    allow_files(u64::from(options.visitors + options.idle + options.dripping + options.slow))?;
    let catalog = Arc::new(Catalog::new());
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(system("listen"))?;
    let address = listener.local_addr().map_err(system("listen"))?;
    origin::start(listener, catalog.clone()).map_err(system("start the origin"))?;
    let scratch = Scratch::new()?;
    let mut proxy = Proxy::start(options, address, scratch.data()).await?;
    let tally = Arc::new(Tally::default());
    let clients = clients(options, proxy.address, catalog, &tally);
    let resident = watch(options, &mut proxy, &tally).await?;
    drop(clients);
    let outcome = Outcome {
        minutes: options.minutes,
        budget: options.memory.bytes(),
        resident,
        wrong: tally.wrong_answers(),
        requests: tally.requests.get(),
        hits: tally.hits.get(),
    };
    let failures = outcome.failures(&tally);
    println!("{outcome}");
    if failures.is_empty() { Ok(()) } else { Err(SoakError::Failed(failures)) }
}

/// All clients; they end when this is dropped.
fn clients(options: &SoakOptions, proxy: SocketAddr, catalog: Arc<Catalog>, tally: &Arc<Tally>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let zipf = Zipf::new(OBJECTS, EXPONENT);
    let visits = Arc::new(Visits { proxy, catalog, zipf, tally: tally.clone() });
    for number in 0..options.visitors {
        tasks.spawn(visits.clone().visit(source(number)));
    }
    let half = options.dripping / 2;
    let kinds = [
        (Kind::Unused, options.idle / 2),
        (Kind::Used, options.idle - options.idle / 2),
        (Kind::Head, half),
        (Kind::Body, options.dripping - half),
        (Kind::Slow, options.slow),
    ];
    let mut number = options.visitors;
    for (kind, count) in kinds {
        let mut objects =
            (0..OBJECTS).map(Object::new).filter(move |object| (object.size() > LARGE) == (kind == Kind::Slow));
        for _ in 0..count {
            let object = objects.next().unwrap_or(Object::new(0));
            tasks.spawn(holders::hold(kind, source(number), proxy, object, tally.clone()));
            number += 1;
        }
    }
    tasks
}

/// Reads the proxy's memory each second, to the end of the time; gives back the most of it.
async fn watch(options: &SoakOptions, proxy: &mut Proxy, tally: &Tally) -> Result<u64, SoakError> {
    let end = Instant::now() + Duration::from_mins(options.minutes);
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut most, mut second) = (0, 0_u64);
    while Instant::now() < end {
        ticks.tick().await;
        let process = proxy.service.process();
        if let Some(status) = process.ended() {
            return Err(process.failure(format!("ended, with {status}")).into());
        }
        let now = process.pid().and_then(memory::resident).unwrap_or_default();
        most = most.max(now);
        if second.is_multiple_of(TELL) {
            eprintln!(
                "soak: {second:>4} s: resident {} MiB, at most {}; {} answers, {} hits, {} GB, {} wrong; {} cut, {} failed, {} left; \
                 {} held connections ended",
                now >> 20,
                most >> 20,
                tally.requests.get(),
                tally.hits.get(),
                tally.bytes.get() / 1_000_000_000,
                tally.wrong_answers(),
                tally.cut.get(),
                tally.failed.get(),
                tally.left.get(),
                tally.ended.get(),
            );
        }
        second += 1;
    }
    Ok(most)
}

/// An address of this machine for a client.
fn source(number: u32) -> SocketAddr {
    let host = u32::from(Ipv4Addr::new(127, 0, 1, 1)) + number / EACH;
    SocketAddr::from((Ipv4Addr::from(host), 0))
}

/// This process has one for each client, and one for each request to the origin; the proxy as many, which inherits the limit.
fn allow_files(connections: u64) -> Result<(), SoakError> {
    let needed = connections * 2 + 500;
    let limit =
        |source: nix::Error| SoakError::System { what: "read or raise the limit of open files", source: source.into() };
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(limit)?;
    if hard < needed {
        return Err(SoakError::Files { needed, allowed: hard });
    }
    if soft < needed {
        setrlimit(Resource::RLIMIT_NOFILE, needed, hard).map_err(limit)?;
    }
    Ok(())
}

fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> SoakError {
    move |source| SoakError::System { what, source }
}

// === impl Budget ===

impl Budget {
    fn bytes(self) -> u64 {
        self.0 << 20
    }
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}MiB", self.0)
    }
}

fn mebibytes(text: &str) -> Result<Budget, String> {
    let number = text.strip_suffix("MiB").and_then(|number| number.parse().ok());
    number.filter(|number| (1..1 << 20).contains(number)).map(Budget).ok_or_else(|| "must be such as 256MiB".to_owned())
}

// === impl Outcome ===

impl Outcome {
    fn failures(&self, tally: &Tally) -> Vec<String> {
        let mut failures = Vec::new();
        if self.resident > self.budget * (100 + MORE) / 100 {
            failures.push(format!("{} bytes were resident, {MORE} % more than the budget are allowed", self.resident));
        }
        if self.wrong > 0 {
            failures.push(format!("{} answers were wrong, such as {}", self.wrong, tally.told().join(", ")));
        }
        if self.hits == 0 {
            failures.push("there was no hit".to_owned());
        }
        failures
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { minutes, budget, resident, wrong, requests, hits } = self;
        #[expect(clippy::cast_precision_loss, reason = "a ratio of two decimals")]
        let ratio = *resident as f64 / *budget as f64;
        write!(
            f,
            "SOAK minutes={minutes} budget={budget} rss_max={resident} ratio={ratio:.2} wrong={wrong} requests={requests} hits={hits}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        Outcome { minutes: 1, budget: 100 << 20, resident: 115 << 20, wrong: 0, requests: 10, hits: 5 }
    }

    #[test]
    fn fifteen_percent_more_than_the_budget_are_allowed_and_no_wrong_byte() {
        let tally = Tally::default();
        assert_eq!(outcome().failures(&tally), Vec::<String>::new());
        let more = Outcome { resident: (115 << 20) + 1, ..outcome() };
        assert_eq!(more.failures(&tally).len(), 1);
        tally.wrong("other bytes".to_owned());
        let failures = Outcome { wrong: 1, hits: 0, ..outcome() }.failures(&tally);
        assert!(failures.len() == 2 && failures[0].contains("other bytes"), "{failures:?}");
    }

    #[test]
    fn the_last_line_is_one_that_scripts_read() {
        let line = "SOAK minutes=1 budget=104857600 rss_max=120586240 ratio=1.15 wrong=0 requests=10 hits=5";
        assert_eq!(outcome().to_string(), line);
    }

    #[test]
    fn a_budget_is_written_as_the_configuration_reads_it() {
        assert_eq!(
            mebibytes("256MiB").map(|budget| (budget.bytes(), budget.to_string())),
            Ok((256 << 20, "256MiB".to_owned()))
        );
        for text in ["256", "1GiB", "0MiB", "-1MiB"] {
            assert!(mebibytes(text).is_err(), "{text}");
        }
    }
}
