//! h2 and TLS: nghttp2's h2load is the load of all contenders there.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::EdgeError;
use super::browser::{Browsers, HOST};
use super::catalog::Object;
use super::load::Cost;
use super::usage::CpuTimes;

/// Connections, and streams on each where there are streams.
const CONNECTIONS: usize = 16;
const STREAMS: usize = 8;

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    /// HTTP/1.1 over TLS.
    Tls,
    /// h2 over TLS.
    H2,
    /// h2 without TLS, with prior knowledge.
    H2c,
}

/// Asks for the objects in turn; the server's time is that of all it did meanwhile, handshakes included.
pub(super) fn run(
    spoken: Spoken,
    address: SocketAddr,
    pid: i32,
    objects: &[Object],
    duration: Duration,
    place: &Path,
) -> Result<Cost, EdgeError> {
    let scheme = if spoken == Spoken::H2c { "http" } else { "https" };
    let list = place.join("h2load-targets.txt");
    let lines: Vec<_> = objects.iter().map(|object| format!("{scheme}://{HOST}{}\n", object.target())).collect();
    std::fs::write(&list, lines.concat()).map_err(EdgeError::file(&list))?;
    let mut command = Command::new("h2load");
    command.args(["-t", "1", "-c", &CONNECTIONS.to_string(), "-D", &format!("{}ms", duration.as_millis())]);
    // Without h1 the number is that of connections which each ask once at a time; with as many connections it is as much load.
    match spoken {
        Spoken::Tls => command.arg("--h1"),
        Spoken::H2 | Spoken::H2c => command.args(["-m", &STREAMS.to_string()]),
    };
    command.arg(format!("--connect-to={address}")).arg("-i").arg(&list);
    for field in Browsers::new().fields() {
        command.args(["-H", field]);
    }
    let missing = |source| EdgeError::File { path: "h2load (Debian's nghttp2-client)".into(), source };
    let before = CpuTimes::of_tree(pid)?;
    let begin = Instant::now();
    let output = command.stdin(Stdio::null()).output().map_err(missing)?;
    let elapsed = begin.elapsed();
    let cpu = CpuTimes::of_tree(pid)?.since(&before);
    let told = String::from_utf8_lossy(&output.stdout);
    let requests = succeeded(&told)
        .ok_or_else(|| EdgeError::Answer(format!("h2load did not get all answers from {address} as 2xx:\n{told}")))?;
    Ok(Cost { requests, all: requests, elapsed, cpu })
}

/// How many requests succeeded, if all of them did and with 2xx.
fn succeeded(output: &str) -> Option<u64> {
    let line = |name: &str| output.lines().find_map(|line| line.strip_prefix(name));
    let count = |line: &str, what: &str| {
        let part = line.split(',').find(|part| part.trim().ends_with(what))?;
        part.split_whitespace().next()?.parse::<u64>().ok()
    };
    let requests = line("requests:")?;
    let done = count(requests, "succeeded").filter(|done| *done > 0)?;
    let bad = count(requests, "failed")? + count(requests, "errored")? + count(requests, "timeout")?;
    let good = count(line("status codes:")?, "2xx")?;
    (bad == 0 && good >= done).then_some(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "finished in 3.00s, 101.33 req/s, 1.2MB/s\n\
        requests: 304 total, 320 started, 304 done, 304 succeeded, 0 failed, 0 errored, 0 timeout\n\
        status codes: 304 2xx, 0 3xx, 0 4xx, 0 5xx\ntraffic: 1MB (1) total\n";

    #[test]
    fn only_a_run_without_failures_counts() {
        assert_eq!(succeeded(OUTPUT), Some(304));
        assert_eq!(succeeded(&OUTPUT.replace("0 failed", "1 failed")), None);
        assert_eq!(succeeded(&OUTPUT.replace("304 2xx, 0 3xx", "300 2xx, 4 3xx")), None);
        assert_eq!(succeeded(""), None);
    }
}
