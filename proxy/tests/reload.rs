//! Reloading: the file changes while requests run.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use support::program::{Addresses, Program, TOKEN};
use support::{Got, LIMIT, Upstream, fetch, response};
use vitrine_load_tests::stack::wait_until;

/// Reloads while requests run.
const RELOADS: usize = 100;
/// Clients that ask without a pause.
const CLIENTS: usize = 4;

/// A folder with the program's file in it.
struct Files {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

impl Files {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("proxy.toml");
        std::fs::write(&file, text).unwrap();
        Self { _folder: folder, file }
    }
}

/// One of two rule sets that differ in all that a client can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Set {
    letter: char,
    upstream: &'static str,
    browser_ttl: u32,
}

const A: Set = Set { letter: 'a', upstream: "one", browser_ttl: 600 };
const B: Set = Set { letter: 'b', upstream: "two", browser_ttl: 1200 };

impl Set {
    /// The whole file; `serial` makes each one another.
    fn file(self, serial: usize, top: &str, upstreams: &str) -> String {
        let Self { letter, upstream, browser_ttl } = self;
        let edits = format!("response_headers = {{ set = {{ X-Set = \"{letter}\" }} }}\n");
        format!(
            "# {serial}\ndefault_upstream = \"{upstream}\"\n{top}{upstreams}\
             [[rules]]\nname = \"{letter}-cached\"\naction = \"cache\"\nupstream = \"{upstream}\"\npaths = [\"/c/**\"]\n\
             edge_ttl = \"1h\"\nbrowser_ttl = \"{browser_ttl}s\"\n{edits}\
             [[rules]]\nname = \"{letter}-passed\"\naction = \"pass\"\nupstream = \"{upstream}\"\npaths = [\"/p/**\"]\n{edits}"
        )
    }

    /// The set under which a response was decided; panics where another had a part in it.
    fn of(got: &Got, path: &str) -> Self {
        assert_eq!(got.status, 200, "{path}: {got:?}");
        let set = if got.cache_status().contains("rule=a-") { A } else { B };
        let rule = format!("rule={}-{}", set.letter, if path.starts_with("/c/") { "cached" } else { "passed" });
        assert!(got.cache_status().contains(&rule), "{path}: {got:?}");
        assert_eq!(got.body, format!("{} {path}", set.upstream), "{path}: {got:?}");
        assert_eq!(got.header("x-set"), set.letter.to_string(), "{path}: {got:?}");
        if path.starts_with("/c/") {
            assert_eq!(browser_ttl(got), set.browser_ttl, "{path}: {got:?}");
        }
        set
    }
}

/// What is left of the freshness that clients are told: Age is added to what the rule says.
fn browser_ttl(got: &Got) -> u32 {
    let seconds = |text: &str| text.parse::<u32>().unwrap();
    let max_age = got.header("cache-control").split_once("max-age=").unwrap().1;
    seconds(max_age) - got.headers.get("age").map_or(0, |age| seconds(age.to_str().unwrap()))
}

/// An upstream that answers everything at once with its name and the path.
async fn echo(name: &'static str) -> SocketAddr {
    let mut upstream = Upstream::start().await;
    let addr = upstream.addr();
    tokio::spawn(async move {
        loop {
            let request = upstream.next().await;
            let path = request.head().split(' ').nth(1).unwrap_or_default().to_owned();
            request.send(&response("200 OK", "", &format!("{name} {path}")));
        }
    });
    addr
}

/// Asks on one connection until it is told to stop, and says how many answers came from each set.
async fn client(number: usize, http: SocketAddr, stop: Arc<AtomicBool>, asked: Arc<AtomicUsize>) -> [usize; 2] {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(1).build().unwrap();
    let mut seen = [0, 0];
    for turn in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        // Hits, misses, passed requests without and with a body.
        let (method, path) = match turn % 4 {
            0 => (reqwest::Method::GET, "/c/hit".to_owned()),
            1 => (reqwest::Method::GET, format!("/c/miss/{number}/{turn}")),
            2 => (reqwest::Method::GET, format!("/p/{turn}")),
            _ => (reqwest::Method::POST, format!("/p/{turn}")),
        };
        let mut request = client.request(method.clone(), format!("http://{http}{path}"));
        if method == reqwest::Method::POST {
            request = request.body("some bytes");
        }
        let got = fetch(request).await.unwrap_or_else(|error| panic!("{path}: {error:?}"));
        seen[usize::from(Set::of(&got, &path) == B)] += 1;
        asked.fetch_add(1, Ordering::Relaxed);
    }
    seen
}

/// A file that is wrong in one of five ways, or gone; and what must be said of it.
fn spoil(program: &Program, round: usize, good: &str) -> String {
    let (text, says) = match (round / 2) % 5 {
        0 => (format!("{good}\n[unfinished{round}"), "unclosed table".to_owned()),
        1 => (format!("{good}\nbypas{round} = 1\n"), format!("bypas{round}")),
        2 => (
            good.replace("upstream = \"one\"", &format!("upstream = \"on{round}\"")),
            format!("unknown upstream `on{round}`"),
        ),
        3 => (
            format!("{good}[[rules]]\nname = \"shadowed{round}\"\naction = \"pass\"\npaths = [\"/p/x\"]\n"),
            format!("`shadowed{round}` can never match"),
        ),
        _ => {
            std::fs::remove_file(program.file()).unwrap();
            return "cannot be read".to_owned();
        }
    };
    program.replace(&text);
    says
}

/// Asks for the reload, or trusts in the file being watched.
async fn trigger(program: &Program, round: usize) {
    match round % 3 {
        0 => program.hang_up(),
        1 => drop(program.reload().await),
        _ => {}
    }
}

/// Bar: 100 reloads, good and bad, by signal, by request and by the file's change, while requests run: none fails, none mixes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_or_mixes_two_sets_while_the_file_is_reloaded() {
    let upstreams = format!(
        "[upstreams.one]\naddresses = [\"{}\"]\n[upstreams.two]\naddresses = [\"{}\"]\n",
        echo("one").await,
        echo("two").await
    );
    let addresses = Addresses::new();
    let top = addresses.listen();
    let files = Files::new(&A.file(0, &top, &upstreams));
    let program = Program::start(&addresses, &files.file).await;
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> =
        (0..CLIENTS).map(|number| tokio::spawn(client(number, addresses.http, stop.clone(), asked.clone()))).collect();

    let mut generation = 1;
    for round in 0..RELOADS {
        let before = asked.load(Ordering::Relaxed);
        let set = if (round / 2) % 2 == 0 { B } else { A };
        if round % 2 == 0 {
            let good = set.file(round + 1, &top, &upstreams);
            if round % 4 == 0 {
                program.replace(&good);
            } else {
                std::fs::write(program.file(), good).unwrap();
            }
            trigger(&program, round).await;
            generation += 1;
            program.generation(generation).await;
            // Who comes from now on is under the new set.
            let got = fetch(reqwest::Client::new().get(format!("http://{}/c/hit", addresses.http))).await.unwrap();
            assert_eq!(Set::of(&got, "/c/hit"), set);
        } else {
            let says = spoil(&program, round, &A.file(round + 1, &top, &upstreams));
            trigger(&program, round).await;
            program.refused(&says).await;
            assert_eq!(program.metric("vitrine_config_generation").await, generation);
            assert_eq!(program.metric("vitrine_config_last_reload_ok").await, 0);
        }
        let went_on =
            async || asked.load(Ordering::Relaxed) > before || clients.iter().any(tokio::task::JoinHandle::is_finished);
        wait_until("requests under this file", LIMIT, went_on).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let mut seen = [0, 0];
    for client in clients {
        let [a, b] = client.await.unwrap();
        seen = [seen[0] + a, seen[1] + b];
    }
    assert!(seen.iter().all(|&count| count > 0), "{seen:?}");

    let config = program.config().await;
    assert_eq!(config["generation"], 51);
    assert_eq!(config["last_reload"]["result"], "bad", "the last file is gone");
    assert_eq!(config["last_refused"]["errors"][0]["help"], "name the file with --config");
    assert!(program.metric("vitrine_config_reloads_total{result=\"bad\"}").await >= 50);
    assert_eq!(program.metric("vitrine_config_reloads_total{result=\"ok\"}").await, 50);
}

#[tokio::test]
async fn bodies_under_way_end_well_and_objects_stay() {
    let mut upstream = Upstream::start().await;
    let upstreams =
        format!("[upstreams.one]\naddresses = [\"{0}\"]\n[upstreams.two]\naddresses = [\"{0}\"]\n", upstream.addr());
    let addresses = Addresses::new();
    let top = addresses.listen();
    let file = |set: Set, serial| set.file(serial, &top, &upstreams);
    let files = Files::new(&file(A, 0));
    let program = Program::start(&addresses, &files.file).await;
    let url = |path: &str| format!("http://{}{path}", addresses.http);
    let get = |path: &str| tokio::spawn(fetch(reqwest::Client::new().get(url(path))));

    let stored = get("/c/stored");
    upstream.answer(&response("200 OK", "", "one /c/stored")).await;
    assert_eq!(Set::of(&stored.await.unwrap().unwrap(), "/c/stored"), A);
    let mut running = Vec::new();
    for path in ["/c/slow", "/p/slow"] {
        let got = get(path);
        let request = upstream.next().await;
        request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\none ");
        running.push((path, got, request));
    }
    let fetched = upstream.asked();

    program.replace(&file(B, 1));
    program.hang_up();
    program.generation(2).await;
    program.replace("[");
    program.hang_up();
    program.refused("proxy.toml").await;
    for (path, got, request) in running {
        request.send(path.as_bytes());
        assert_eq!(Set::of(&got.await.unwrap().unwrap(), path), A, "what began under a set ends under it");
    }

    // The first set's objects are still there; what clients are told of them is the rules' word of today.
    program.replace(&file(A, 2).replace("600s", "60s"));
    program.hang_up();
    program.generation(3).await;
    for path in ["/c/stored", "/c/slow"] {
        let got = get(path).await.unwrap().unwrap();
        assert!(got.is_hit(), "{path}: {got:?}");
        assert_eq!(browser_ttl(&got), 60, "{path}: {got:?}");
    }
    assert_eq!(upstream.asked(), fetched, "nothing was fetched again");
}

#[tokio::test]
async fn what_needs_a_restart_is_pending_and_the_rest_is_in_force() {
    let upstreams = "[upstreams.one]\naddresses = [\"127.0.0.1:1\"]\n[upstreams.two]\naddresses = [\"127.0.0.1:1\"]\n";
    let addresses = Addresses::new();
    let files = Files::new(&A.file(0, &addresses.listen(), upstreams));
    let program = Program::start(&addresses, &files.file).await;

    let elsewhere = Addresses { http: support::local(), ops: addresses.ops };
    program.replace(&B.file(1, &elsewhere.listen(), upstreams));
    program.generation(2).await;
    let config = program.config().await;
    assert_eq!(config["pending"][0]["key"], "listen.http");
    assert_eq!(config["pending"][0]["line"], 4);
    assert_eq!(config["pending"].as_array().unwrap().len(), 1);
    let got = fetch(reqwest::Client::new().get(format!("http://{}/p/x", addresses.http))).await.unwrap();
    assert!(got.cache_status().contains("rule=b-passed"), "the rules are new: {got:?}");

    // Taken back, nothing is pending.
    program.replace(&B.file(2, &addresses.listen(), upstreams));
    assert_eq!(program.reload().await.0, 200);
    let config = program.config().await;
    assert_eq!(config["pending"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn operators_reload_with_the_token_and_are_told_all_that_is_wrong() {
    let upstreams = "[upstreams.one]\naddresses = [\"127.0.0.1:1\"]\n";
    let addresses = Addresses::new();
    let good = A.file(0, &addresses.listen(), upstreams);
    let files = Files::new(&good);
    let program = Program::start(&addresses, &files.file).await;
    let url = format!("http://{}/reload", addresses.ops);
    let client = reqwest::Client::new();
    assert_eq!(client.post(&url).send().await.unwrap().status(), 401);
    assert_eq!(client.post(&url).bearer_auth(format!("{TOKEN}x")).send().await.unwrap().status(), 401);
    assert_eq!(client.get(&url).bearer_auth(TOKEN).send().await.unwrap().status(), 405);

    let (status, body) = program.reload().await;
    assert_eq!((status, &body["result"], &body["generation"]), (200, &"unchanged".into(), &1.into()));

    program.replace(&good.replace("edge_ttl = \"1h\"", "edge_ttl = \"1 hour\"").replace("\"pass\"", "\"pas\""));
    let (status, body) = program.reload().await;
    assert_eq!((status, &body["result"], &body["generation"]), (422, &"bad".into(), &1.into()));
    let errors = body["errors"].as_array().unwrap();
    let line = |text: &str| good.lines().position(|line| line == text).unwrap() + 1;
    assert_eq!(errors.len(), 2, "all mistakes at once: {body}");
    for (error, key, was, valid) in [
        (&errors[0], "rules.edge_ttl", "edge_ttl = \"1h\"", "1h30m"),
        (&errors[1], "rules.action", "action = \"pass\"", "pass"),
    ] {
        assert_eq!(error["file"], files.file.display().to_string());
        assert_eq!((&error["key"], &error["line"]), (&key.into(), &line(was).into()), "{body}");
        assert!(error["help"].as_str().unwrap().contains(valid), "what is valid: {body}");
    }
    assert_eq!(program.metric("vitrine_config_last_reload_ok").await, 0);
    let ready = client.get(format!("http://{}/health/ready", addresses.ops)).send().await.unwrap();
    assert_eq!(ready.status(), 200, "the old configuration serves on");

    // The file is as it was: nothing changes, but the alarm ends.
    program.replace(&good);
    let right_again = async || program.metric("vitrine_config_last_reload_ok").await == 1;
    wait_until("the file is right again", LIMIT, right_again).await.unwrap();
    let config = program.config().await;
    assert_eq!(config["generation"], 1);
    assert_eq!(config["last_refused"]["errors"][0]["key"], "rules.edge_ttl", "what was wrong can still be read");
}

/// Starts with a file that is reached through a link to one of two folders, turns the link, and waits for the other file.
async fn a_link_is_turned(folders: [&str; 2], link: &str, file: &str) {
    let upstreams = "[upstreams.one]\naddresses = [\"127.0.0.1:1\"]\n[upstreams.two]\naddresses = [\"127.0.0.1:1\"]\n";
    let addresses = Addresses::new();
    let top = tempfile::tempdir().unwrap();
    let at = |name: &str| top.path().join(name);
    for (name, set) in folders.into_iter().zip([A, B]) {
        std::fs::create_dir(at(name)).unwrap();
        std::fs::write(at(name).join("proxy.toml"), set.file(0, &addresses.listen(), upstreams)).unwrap();
    }
    std::os::unix::fs::symlink(folders[0], at(link)).unwrap();
    if !at(file).exists() {
        std::os::unix::fs::symlink(at(link).join("proxy.toml"), at(file)).unwrap();
    }
    let program = Program::start(&addresses, &at(file)).await;

    std::os::unix::fs::symlink(folders[1], at("turned")).unwrap();
    std::fs::rename(at("turned"), at(link)).unwrap();
    program.generation(2).await;
    assert_eq!(program.config().await["last_reload"]["by"], "file");
}

/// As Kubernetes mounts a `ConfigMap`: the file is a link through `..data`, which is turned from folder to folder.
#[tokio::test]
async fn a_config_map_that_is_replaced_is_a_change_of_the_file() {
    a_link_is_turned(["..1", "..2"], "..data", "proxy.toml").await;
}

/// As releases are switched: nothing happens in the folder that the file was in.
#[tokio::test]
async fn a_folder_that_is_switched_further_up_is_a_change_of_the_file() {
    a_link_is_turned(["1", "2"], "current", "current/proxy.toml").await;
}
