//! The body of `POST /purge`: a batch, all of it valid before any of it is applied.

use serde_json::{Map, Value};
use vitrine_shared::feed::Mode;

use super::target::{BadTarget, Target};
use crate::rules::RuleSet;

/// Most purges of one request.
pub const MAX_PURGES: usize = 1_000;

/// A batch that can be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What is purged.
    pub targets: Vec<Target>,
    /// How.
    pub mode: Mode,
}

/// Why a batch cannot be applied. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBatch {
    /// Not JSON.
    #[error("the body is not JSON: {0}")]
    Json(String),
    /// Not the object that is expected.
    #[error(
        "expected {{\"purges\": [{{\"url\": \"https://shop.example/a\"}}, {{\"tag\": \"product:1\"}}, ..], \"mode\": \"hard\"}}; {0}"
    )]
    Shape(String),
    /// None, or too many.
    #[error("a request holds 1 to {MAX_PURGES} purges, not {0}: send more in several requests")]
    Count(usize),
    /// One of them is not understood.
    #[error(
        "expected one of {{\"url\": \"..\"}}, {{\"tag\": \"..\"}}, {{\"prefix\": \"..\"}}, {{\"host\": \"..\"}}, \
         {{\"group\": \"..\", \"origin\": \"https://..\"}} and {{\"all\": true}}"
    )]
    Purge {
        /// Its place in the list, from 0.
        index: usize,
    },
    /// One of them names nothing that could be purged.
    #[error("{error}")]
    Target {
        /// Its place in the list, from 0.
        index: usize,
        /// Why not.
        error: BadTarget,
    },
}

// === impl Batch ===

impl Batch {
    /// Reads a body; URLs are read by these rules.
    pub fn parse(body: &[u8], rules: &RuleSet) -> Result<Self, BadBatch> {
        let body: Value = serde_json::from_slice(body).map_err(|error| BadBatch::Json(error.to_string()))?;
        let shape = |what: &str| BadBatch::Shape(what.to_owned());
        let Value::Object(body) = body else { return Err(shape("the body is no object")) };
        if let Some(other) = body.keys().find(|key| !matches!(key.as_str(), "purges" | "mode")) {
            return Err(shape(&format!("`{}` is no key of it", super::log::truncated(other, 64))));
        }
        let mode = match body.get("mode") {
            None => Mode::Hard,
            Some(Value::String(word)) if word == "hard" => Mode::Hard,
            Some(Value::String(word)) if word == "soft" => Mode::Soft,
            Some(_) => return Err(shape("`mode` is \"hard\" or \"soft\"")),
        };
        let Some(Value::Array(purges)) = body.get("purges") else { return Err(shape("`purges` is no list")) };
        if purges.is_empty() || purges.len() > MAX_PURGES {
            return Err(BadBatch::Count(purges.len()));
        }
        let target = |(index, purge): (usize, &Value)| {
            let read = purge.as_object().and_then(|purge| read(purge, rules)).ok_or(BadBatch::Purge { index })?;
            read.map_err(|error| BadBatch::Target { index, error })
        };
        Ok(Self { targets: purges.iter().enumerate().map(target).collect::<Result<_, _>>()?, mode })
    }
}

impl BadBatch {
    /// The place in the list that is meant, from 0.
    pub fn index(&self) -> Option<usize> {
        match self {
            Self::Purge { index } | Self::Target { index, .. } => Some(*index),
            Self::Json(_) | Self::Shape(_) | Self::Count(_) => None,
        }
    }
}

/// One purge; `None` where its shape is unknown.
fn read(purge: &Map<String, Value>, rules: &RuleSet) -> Option<Result<Target, BadTarget>> {
    if let (2, Some(Value::String(name)), Some(Value::String(origin))) =
        (purge.len(), purge.get("group"), purge.get("origin"))
    {
        return Some(Target::group(name, origin));
    }
    let mut entries = purge.iter();
    match (entries.next()?, entries.next()) {
        ((key, Value::String(text)), None) => match key.as_str() {
            "url" => Some(Target::url(text, rules)),
            "tag" => Some(Target::tag(text)),
            "prefix" => Some(Target::prefix(text)),
            "host" => Some(Target::host(text)),
            _ => None,
        },
        ((key, Value::Bool(true)), None) if key == "all" => Some(Ok(Target::all())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::config::testing::{caching, load};

    fn rules() -> Arc<RuleSet> {
        load(&caching("")).unwrap().rules
    }

    fn parse(body: &str) -> Result<Batch, BadBatch> {
        Batch::parse(body.as_bytes(), &rules())
    }

    #[test]
    fn every_kind_of_purge_is_read() {
        let batch = parse(
            r#"{"purges":[{"url":"https://h/a"},{"tag":"product:1"},{"prefix":"h/a"},{"host":"h"},
               {"group":"g","origin":"https://h"},{"all":true}],"mode":"soft"}"#,
        )
        .unwrap();
        let texts: Vec<&str> = batch.targets.iter().map(|target| target.text.as_str()).collect();
        assert_eq!(texts, ["url h/a", "tag product:1", "prefix h/a", "host h", "group \"g\" of https://h", "all"]);
        assert_eq!(batch.mode, Mode::Soft);
        assert_eq!(parse(r#"{"purges":[{"tag":"a"}]}"#).unwrap().mode, Mode::Hard);
    }

    #[test]
    fn one_that_is_wrong_refuses_all_and_is_named() {
        for (body, index) in [
            ("", None),
            ("[]", None),
            ("{}", None),
            (r#"{"purges":[]}"#, None),
            (r#"{"purges":[{"tag":"a"}],"mode":"gentle"}"#, None),
            (r#"{"purges":[{"tag":"a"}],"soft":true}"#, None),
            (r#"{"purges":[{"tag":"a"},{"tag":""}]}"#, Some(1)),
            (r#"{"purges":[{"tag":"a"},{"url":"/a"}]}"#, Some(1)),
            (r#"{"purges":[{"tag":"a","url":"https://h/a"}]}"#, Some(0)),
            (r#"{"purges":[{"all":false}]}"#, Some(0)),
            (r#"{"purges":[{"group":"a"}]}"#, Some(0)),
            (r#"{"purges":[{"tags":"a"}]}"#, Some(0)),
            (r#"{"purges":["a"]}"#, Some(0)),
            (r#"{"purges":[{}]}"#, Some(0)),
        ] {
            let error = parse(body).unwrap_err();
            assert_eq!(error.index(), index, "{body}: {error}");
        }
        let many = |count: usize| format!("{{\"purges\":[{}]}}", vec![r#"{"tag":"a"}"#; count].join(","));
        assert!(parse(&many(MAX_PURGES)).is_ok());
        assert_eq!(parse(&many(MAX_PURGES + 1)), Err(BadBatch::Count(MAX_PURGES + 1)));
    }

    #[test]
    fn bodies_that_nest_without_end_are_refused() {
        for open in ["[", "{\"purges\":", "{\"purges\":["] {
            let error = parse(&open.repeat((1 << 20) / open.len())).unwrap_err();
            assert!(matches!(error, BadBatch::Json(_)), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_or_purges_everything(
            kind in "url|tag|prefix|host|group|all", text in "(https?://)?[\\PC/:?#@%\\[\\]]{0,30}", origin in "(https?://)?\\PC{0,20}",
        ) {
            let text = serde_json::json!(text);
            let purge = serde_json::json!({ "purges": [{ kind.as_str(): text }] }).to_string();
            let group = serde_json::json!({ "purges": [{ "group": text, "origin": origin }] }).to_string();
            for body in [purge, group] {
                if let Ok(batch) = parse(&body) {
                    prop_assert!(batch.targets.iter().all(|target| !target.everything), "no text is all");
                }
            }
        }
    }
}
