//! `vitrine schemathesis`: a generated suite against a private shop, by what the origin says of itself in `/openapi.json`.
//!
//! Requests are made up by the schema and against it; each must be answered with a status and a body that the schema names, and
//! none with a fault of ours.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::process::Command;

use super::LauncherError;
use super::signals::StopSignals;
use crate::bench::BenchError;
use crate::stack::{Origin, OriginOptions, TestStack};

/// What is looked at in each answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// Products of the shop.
const PRODUCTS: u32 = 20;
/// Where somebody signs in who is nobody yet.
const EMAILPASS: &str = "/auth/customer/emailpass";

/// How the suite is run.
#[derive(Debug, Args)]
pub(crate) struct SchemathesisArguments {
    /// The program.
    #[arg(long, default_value = "schemathesis")]
    program: PathBuf,
    /// Requests made up for each operation.
    #[arg(long, default_value_t = 10)]
    examples: u32,
    /// The seed of what is made up.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Operations whose paths match alone; it begins with `^/store/`, `^/auth/` or `^/admin/`.
    #[arg(long, value_parser = clap::builder::ValueParser::new(begins_with_a_part))]
    only: Option<String>,
}

/// The parts of the API.
const PARTS: [&str; 3] = ["^/store/", "^/auth/", "^/admin/"];

fn begins_with_a_part(text: &str) -> Result<String, String> {
    let is_one = PARTS.iter().any(|part| text.starts_with(part));
    is_one.then(|| text.to_owned()).ok_or_else(|| format!("it must begin with one of {}", PARTS.join(", ")))
}

/// Who asks for a part of the API.
struct Part {
    paths: &'static str,
    headers: Vec<String>,
}

pub(crate) async fn run(arguments: &SchemathesisArguments) -> Result<ExitCode, LauncherError> {
    let mut stop = StopSignals::listen()?;
    let stack = TestStack::private_with_shop(PRODUCTS).await?;
    let quiet = vec![("VITRINE_LOG".to_owned(), "warn".to_owned())];
    let origin = Origin::start(&stack, OriginOptions { env: quiet, ..OriginOptions::default() }).await?;
    let mut failed = Vec::new();
    let is_asked = |part: &Part| arguments.only.as_deref().is_none_or(|only| only.starts_with(part.paths));
    for part in parts(&stack, &origin).await?.iter().filter(|part| is_asked(part)) {
        let paths = arguments.only.as_deref().unwrap_or(part.paths);
        let mut command = Command::new(&arguments.program);
        command
            .arg("run")
            .arg(format!("{}/openapi.json", origin.url()))
            .args(["--include-path-regex", paths, "--checks", CHECKS, "--phases", "coverage,fuzzing"])
            .args(["--suppress-health-check", "all", "--continue-on-failure", "--warnings", "off"])
            .args(["--max-examples", &arguments.examples.to_string(), "--seed", &arguments.seed.to_string()]);
        for header in &part.headers {
            command.args(["--header", header]);
        }
        command.current_dir(stack.data().root()).kill_on_drop(true);
        let source = |source| LauncherError::Command { command: arguments.program.display().to_string(), source };
        let status = tokio::select! {
            status = command.status() => status.map_err(source)?,
            _ = stop.next() => return Ok(ExitCode::from(130)),
        };
        if !status.success() {
            failed.push(part.paths);
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("schemathesis: what was found under {} is told above", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

/// The parts of the API, each with who may use it.
async fn parts(stack: &TestStack, origin: &Origin) -> Result<[Part; 3], BenchError> {
    let client = Client::new();
    let url = origin.url();
    let post = async |path: &str, body: Value, token: Option<&str>| -> Result<Value, BenchError> {
        let mut request = client.post(format!("{url}{path}")).json(&body);
        request = request.header("x-publishable-api-key", &stack.secrets().publishable_key);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        Ok(request.send().await?.error_for_status()?.json().await?)
    };
    let token = |answer: &Value| answer["token"].as_str().unwrap_or_default().to_owned();
    let secrets = stack.secrets();
    let merchant = json!({ "email": secrets.admin_email, "password": secrets.admin_password });
    let merchant = token(&post("/auth/user/emailpass", merchant, None).await?);
    let credentials = json!({ "email": "somebody@test.com", "password": "a password" });
    let registered = token(&post(&format!("{EMAILPASS}/register"), credentials.clone(), None).await?);
    post("/store/customers", json!({ "email": "somebody@test.com" }), Some(&registered)).await?;
    let customer = token(&post(EMAILPASS, credentials, None).await?);
    let key = format!("x-publishable-api-key: {}", secrets.publishable_key);
    let bearer = |token: &str| format!("Authorization: Bearer {token}");
    Ok([
        Part { paths: PARTS[0], headers: vec![key, bearer(&customer)] },
        Part { paths: PARTS[1], headers: vec![bearer(&customer)] },
        Part { paths: PARTS[2], headers: vec![bearer(&merchant)] },
    ])
}
