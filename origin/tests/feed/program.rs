//! The binary as the launcher runs it.

use std::process::{Output, Stdio};

use tokio::process::{Child, Command};
use vitrine_load_tests::stack::TestStack;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::Page;

use crate::shop::{PATIENCE, database, until};

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/origin.toml");

fn program(stack: &TestStack, subcommand: &str, without: &str) -> (Command, Vec<(String, String)>) {
    let env = stack.origin_settings().unwrap().env();
    let mut command = Command::new(env!("CARGO_BIN_EXE_vitrine-origin"));
    command.env_clear().args(["--config", CONFIG, subcommand]).kill_on_drop(true);
    command.envs(env.iter().filter(|(name, _)| name != without).cloned());
    (command, env)
}

async fn ended(child: Child) -> Output {
    tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_missing_secret_stops_the_start_and_is_named() {
    let stack = TestStack::start().await.unwrap();
    for name in ["JWT_SECRET", "INTERNAL_TOKEN", "DATABASE_URL"] {
        let (mut command, _) = program(&stack, "serve", name);
        let output = ended(command.stderr(Stdio::piped()).spawn().unwrap()).await;
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(name), "{said}");
    }
}

#[tokio::test]
async fn it_migrates_and_again_without_harm() {
    let stack = TestStack::start().await.unwrap();
    for _ in 0..2 {
        let (mut command, _) = program(&stack, "migrate", "");
        assert!(ended(command.spawn().unwrap()).await.status.success());
    }
}

#[tokio::test]
async fn a_signal_stops_it_after_running_requests_were_answered_and_no_secret_was_logged() {
    let stack = TestStack::start().await.unwrap();
    let (_, pool) = database(&stack).await;
    let (mut command, env) = program(&stack, "serve", "");
    let variable = |name: &str| env.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap();
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let ready = format!("http://{}/health/ready", variable("ORIGIN_LISTEN"));
    until("it is ready", async || reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success())).await;
    let members = "SELECT count(*) FROM member";
    let counted =
        async |expected: i64| sqlx::query_scalar::<_, i64>(members).fetch_one(&pool).await.unwrap() == expected;
    until("it is a member", async || counted(1).await).await;
    let waiting =
        format!("http://{}/v1/feed?after={}&wait_ms=30000", variable("ORIGIN_INTERNAL_LISTEN"), Epoch::new(1, 0));
    let request = reqwest::Client::new().get(waiting).bearer_auth(variable("INTERNAL_TOKEN")).send();
    let request = tokio::spawn(request);
    let metrics = format!("http://{}/metrics", variable("ORIGIN_INTERNAL_LISTEN"));
    until("the request waits", async || {
        let text = reqwest::get(&metrics).await.unwrap().text().await.unwrap();
        text.contains("vitrine_origin_feed_waiters 1")
    })
    .await;
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let page: Page = request.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(page.position, Epoch::new(1, 0));
    let output = ended(child).await;
    assert!(output.status.success());
    assert!(counted(0).await, "it took its leave");
    let logged = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(logged.contains("origin starts"), "{logged}");
    for secret in
        ["JWT_SECRET", "INTERNAL_TOKEN", "S3_SECRET_ACCESS_KEY", "ADMIN_PASSWORD", "DATABASE_URL", "REDIS_URL"]
    {
        assert!(!logged.contains(&variable(secret)), "{secret} was logged");
    }
}
