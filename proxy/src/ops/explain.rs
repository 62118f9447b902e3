//! `GET /explain` and `POST /explain`: why a request is answered as it is, now and under a draft of the rules.

use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;
use vitrine_shared::config::{ConfigError, Source};
use vitrine_shared::tag::Tag;

use super::purge::{refuse, refused};
use super::serve::{OpsServer, told};
use crate::config::Config;
use crate::explain::{Compared, Edge, Question, explain};

/// Largest body, in bytes: a draft as large as a file may be, written as JSON.
const MAX_BODY: usize = 8 << 20;
/// Most headers and tags of a question.
const MAX_LINES: usize = 256;

/// What is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// All of the URL.
    url: String,
    /// `GET` where nothing is said.
    method: Option<String>,
    /// Name and value of each line.
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// The address of the connection.
    client: Option<String>,
    /// Tags of which is told whether the object has them.
    #[serde(default)]
    tags: Vec<String>,
    /// A whole configuration, of which rules, upstreams and trusted proxies count.
    draft: Option<String>,
}

/// `?url=…&method=…&header=Name: value&client=…&tag=…`; header and tag may be repeated.
pub(super) async fn by_query(
    State(server): State<Arc<OpsServer>>,
    headers: HeaderMap,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Response {
    if let Some(refused) = refused(&server, &headers) {
        return refused;
    }
    let asked = query.map_err(|error| error.body_text()).and_then(|Query(pairs)| Asked::of_query(pairs));
    match asked {
        Ok(asked) => answer(&server, &headers, &asked),
        Err(message) => refuse(StatusCode::BAD_REQUEST, "invalid_query", &message),
    }
}

/// The same as JSON, and with a draft.
pub(super) async fn by_body(State(server): State<Arc<OpsServer>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if let Some(refused) = refused(&server, &head.headers) {
        return refused;
    }
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        let message = format!("the body is cut short, or larger than {MAX_BODY} bytes");
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &message);
    };
    match serde_json::from_slice(&body) {
        Ok(asked) => answer(&server, &head.headers, &asked),
        Err(error) => refuse(StatusCode::BAD_REQUEST, "invalid_question", &error.to_string()),
    }
}

impl Asked {
    fn of_query(pairs: Vec<(String, String)>) -> Result<Self, String> {
        let mut asked = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "url" => asked.url = value,
                "method" => asked.method = Some(value),
                "client" => asked.client = Some(value),
                "tag" => asked.tags.push(value),
                "header" => {
                    let line = value.split_once(':').ok_or_else(|| format!("`{value}` is not `Name: value`"))?;
                    asked.headers.push((line.0.to_owned(), line.1.to_owned()));
                }
                other => return Err(format!("unknown parameter `{other}`: url, method, header, client, tag")),
            }
        }
        if asked.url.is_empty() { Err("`url` is missing".to_owned()) } else { Ok(asked) }
    }
}

fn answer(server: &OpsServer, headers: &HeaderMap, asked: &Asked) -> Response {
    let bad = |message: &str| refuse(StatusCode::BAD_REQUEST, "invalid_question", message);
    if asked.headers.len() + asked.tags.len() > MAX_LINES {
        return bad(&format!("more than {MAX_LINES} headers and tags"));
    }
    let question = Question::new(&asked.url, asked.method.as_deref(), &asked.headers, asked.client.as_deref());
    let question = match question {
        Ok(question) => question,
        Err(error) => return bad(&error.to_string()),
    };
    let Some(tags) = asked.tags.iter().map(|tag| Tag::from_foreign(tag)).collect::<Option<Vec<Tag>>>() else {
        return bad("a tag cannot be empty");
    };
    let snapshot = server.current.load_full();
    let edge = Edge {
        name: &server.name,
        engine: &server.engine,
        purger: &server.purger,
        generation: snapshot.generation,
        limits: Some(&snapshot.limits),
    };
    let now = || explain(&snapshot.config, &question, &tags, Some(edge));
    let under = |draft: &Config| explain(draft, &question, &tags, Some(Edge { limits: None, ..edge }));
    match asked.draft.as_deref().map(draft) {
        None => told(headers, &now()),
        Some(Ok(draft)) => told(headers, &Compared::new(now(), under(&draft))),
        Some(Err(errors)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "result": "bad", "errors": errors }))).into_response()
        }
    }
}

/// Variables are put in by who sends the draft: those of this process are nobody's to read.
fn draft(text: &str) -> Result<Config, Vec<ConfigError>> {
    let source = Source::of(Path::new("draft"), text, |_| None).map_err(|error| vec![error])?;
    Config::of_source(&source)
}
