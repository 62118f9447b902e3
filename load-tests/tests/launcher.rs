//! The program `vitrine` as its users meet it: with real servers, and killed in the middle.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vitrine_load_tests::stack::{Scratch, free_port, require_free, wait_until, workspace_root};

const VITRINE: &str = env!("CARGO_BIN_EXE_vitrine");

fn vitrine(arguments: &[&str]) -> Command {
    let mut command = Command::new(VITRINE);
    command.args(arguments).current_dir(workspace_root().unwrap());
    for given in ["DATABASE_URL", "REDIS_URL", "S3_ENDPOINT", "MEDIA_BASE_URL"] {
        command.env_remove(given);
    }
    command
}

/// Four free ports, and that of the second edge's two.
struct TestPorts([u16; 4]);

impl TestPorts {
    fn find() -> Self {
        let pair = || {
            std::iter::repeat_with(|| free_port().unwrap())
                .find(|port| require_free(port + 10, "edge 1", "PROXY_PORT").is_ok())
                .unwrap()
        };
        Self([pair(), pair(), free_port().unwrap(), free_port().unwrap()])
    }

    fn env(&self) -> [(&'static str, String); 4] {
        let [proxy, ops, origin, internal] = self.0.map(|port| port.to_string());
        [("PROXY_PORT", proxy), ("OPS_PORT", ops), ("ORIGIN_PORT", origin), ("ORIGIN_INTERNAL_PORT", internal)]
    }

    fn ready_url(&self, edge: u16) -> String {
        format!("http://127.0.0.1:{}/health/ready", self.0[1] + 10 * edge)
    }
}

/// One `vitrine up`, killed with the test should the test fail.
struct Up {
    child: Child,
    output: PathBuf,
}

impl Up {
    fn start(data: &Path, ports: &TestPorts, output: PathBuf) -> Self {
        let file = fs::File::create(&output).unwrap();
        let again = file.try_clone().unwrap();
        let data = data.to_str().unwrap();
        let mut command = vitrine(&["up", "--edges", "2", "--products", "20", "--data", data]);
        let child = command.envs(ports.env()).stdin(Stdio::null()).stdout(file).stderr(again).spawn().unwrap();
        Self { child, output }
    }

    fn said(&self, words: &str) -> bool {
        fs::read_to_string(&self.output).unwrap().contains(words)
    }

    async fn ready(&mut self, data: &Path) {
        wait_until("the shop is ready", Duration::from_secs(100), async || {
            assert!(self.child.try_wait().unwrap().is_none(), "{}", fs::read_to_string(&self.output).unwrap());
            data.join("vitrine.env").exists()
        })
        .await
        .unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn is_ready(url: &str) -> bool {
    reqwest::get(url).await.is_ok_and(|response| response.status() == 200)
}

fn pid_files(data: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(data.join("pids")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn the_shop_starts_survives_kills_and_ends_in_time() {
    let scratch = Scratch::new().unwrap();
    let data = scratch.path().join("run");
    let ports = TestPorts::find();
    let mut first = Up::start(&data, &ports, scratch.path().join("first.txt"));
    first.ready(&data).await;
    assert_eq!(pid_files(&data), ["edge-0.pid", "edge-1.pid", "origin.pid", "postgres.pid", "redis.pid"]);
    for private in ["vitrine.env", "secrets.env", "postgres.password"] {
        assert_eq!(fs::metadata(data.join(private)).unwrap().permissions().mode() & 0o777, 0o600, "{private}");
    }

    let folder = data.to_str().unwrap();
    for refused in [vitrine(&["up", "--data", folder]).output(), vitrine(&["clean-data", "--data", folder]).output()] {
        let refused = refused.unwrap();
        assert!(!refused.status.success());
        assert!(text(&refused).contains(&format!("in use by process {}", first.child.id())), "{}", text(&refused));
    }

    // An edge that dies comes back.
    let edge = fs::read_to_string(data.join("pids/edge-1.pid")).unwrap();
    let pid = edge.split_whitespace().next().unwrap().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    wait_until("the death is told", Duration::from_secs(10), async || first.said("edge-1 | ended unexpectedly"))
        .await
        .unwrap();
    wait_until("edge 1 is back", Duration::from_secs(30), async || is_ready(&ports.ready_url(1)).await).await.unwrap();

    // A launcher that is killed leaves all running; the next one ends that and starts anew, with the shop as it was.
    first.signal(Signal::SIGKILL);
    first.child.wait().unwrap();
    assert!(is_ready(&ports.ready_url(0)).await);
    fs::remove_file(data.join("vitrine.env")).unwrap();
    let mut second = Up::start(&data, &ports, scratch.path().join("second.txt"));
    second.ready(&data).await;
    for name in ["edge-0", "edge-1", "origin", "redis", "postgres"] {
        assert!(second.said(&format!("{name} | was left over")), "{name}");
    }
    assert!(!second.said("seed |"), "the shop was made anew");

    let asked = Instant::now();
    second.signal(Signal::SIGTERM);
    assert!(second.child.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(10), "it took {:?}", asked.elapsed());
    assert!(pid_files(&data).is_empty());
    assert!(!is_ready(&ports.ready_url(0)).await);

    assert!(vitrine(&["clean-data", "--data", folder]).status().unwrap().success());
    assert!(!data.exists());
}

#[test]
fn a_port_in_use_is_told_before_anything_is_started() {
    let scratch = Scratch::new().unwrap();
    let data = scratch.path().join("run");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = vitrine(&["up", "--data", data.to_str().unwrap()]);
    let output = command.envs(TestPorts::find().env()).env("ORIGIN_PORT", &port).output().unwrap();
    assert!(!output.status.success());
    let said = text(&output);
    assert!(said.contains(&port) && said.contains("ORIGIN_PORT"), "{said}");
    assert!(pid_files(&data).is_empty() && !data.join("postgres").exists());
}

#[test]
fn a_command_gets_a_postgres_and_its_exit_code_is_ours() {
    let script = "echo \"$VITRINE_TEST_POSTGRES_URL\"; exit 7";
    let output = vitrine(&["test-stack", "--", "/bin/sh", "-c", script]).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(text(&output).starts_with("postgres://"), "{}", text(&output));
}
