//! Medusa's own answers, replayed in order. Ids and tokens are made anew: each of Medusa's stands for one of ours from the answer
//! on in which it is first told, and must stand for the same ever after. Times are compared in form.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use vitrine_origin::modules::customer;

use crate::shop::{Answer, Shop, read};

/// Where an answer is not Medusa's, and why: the sample's number, the place, the reason.
const DIFFERENCES: [(&str, &str, &str); 0] = [];

/// What a replay has learnt: ours for Medusa's.
#[derive(Default)]
struct Learnt(BTreeMap<String, String>);

#[tokio::test]
async fn every_sample_is_answered_as_medusa_answers_it() {
    let shop = Shop::start().await;
    stage(&shop).await;
    let mut learnt = Learnt::default();
    let mut found: BTreeMap<(String, String), String> = BTreeMap::new();
    for (number, sample) in samples() {
        let answer = replay(&shop, &sample, &learnt).await;
        let mut tell = |path: &str, what: String| {
            found.entry((number.clone(), path.to_owned())).or_insert(what);
        };
        let expected = &sample["response"];
        if expected["status"] != answer.status {
            tell("status", format!("{answer:?}"));
        }
        let content_type = answer.headers["content-type"].to_str().unwrap();
        if expected["headers"]["content-type"] != content_type.to_lowercase() {
            tell("content-type", content_type.to_owned());
        }
        compare("", &expected["body"], &answer.body, &mut learnt, &mut tell);
    }
    let listed = |sample: &str, path: &str| DIFFERENCES.iter().any(|it| it.0 == sample && it.1 == path);
    let unlisted: Vec<_> = found.iter().filter(|((sample, path), _)| !listed(sample, path)).collect();
    assert!(unlisted.is_empty(), "differences that are not listed: {unlisted:#?}");
    for (sample, path, _) in DIFFERENCES {
        assert!(found.contains_key(&(sample.to_owned(), path.to_owned())), "no longer differs: {sample} {path}");
    }
}

/// What Medusa's shop had by then: a guest, who had bought with a cart, and the key that Medusa makes at its first start.
async fn stage(shop: &Shop) {
    let mut connection = shop.pool.acquire().await.unwrap();
    customer::find_or_create_guest(&mut connection, "ann@test.com").await.unwrap();
    let statements = [
        "INSERT INTO sales_channel (id, name) VALUES ('sc_01AAAAAAAAAAAAAAAAAAAAAAAA', 'Default Sales Channel')",
        "INSERT INTO api_key (id, token, redacted, title, type) VALUES ('apk_01AAAAAAAAAAAAAAAAAAAAAAAA',
             'pk_0393d7e55ba945655461518558b64c998c4e73b3e27343229b04570ebe22e8f7', 'pk_039***8f7',
             'Default Publishable API Key', 'publishable')",
        "INSERT INTO publishable_api_key_sales_channel
             VALUES ('apk_01AAAAAAAAAAAAAAAAAAAAAAAA', 'sc_01AAAAAAAAAAAAAAAAAAAAAAAA')",
    ];
    for statement in statements {
        sqlx::query(statement).execute(&mut *connection).await.unwrap();
    }
}

/// The samples by number: the order in which they were taken.
fn samples() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden_people");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|file| {
            let number = file.file_stem().unwrap().to_str().unwrap()[..3].to_owned();
            (number, serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap())
        })
        .collect()
}

async fn replay(shop: &Shop, sample: &Value, learnt: &Learnt) -> Answer {
    let asked = &sample["request"];
    let path = format!("{}{}", asked["path"].as_str().unwrap(), asked["query_raw"].as_str().unwrap());
    let mut request = shop.request(asked["method"].as_str().unwrap(), &learnt.ours(&path));
    for (name, value) in asked["headers"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        request = match name.as_str() {
            "x-publishable-api-key" => request,
            "authorization" => request.header(name, learnt.authorization(value)),
            _ => request.header(name, learnt.ours(value)),
        };
    }
    if !asked["body"].is_null() {
        request = request.body(learnt.ours(&asked["body"].to_string()));
    }
    read(request.send().await.unwrap()).await
}

impl Learnt {
    /// A text of Medusa's with ours in it.
    fn ours(&self, text: &str) -> String {
        // The longest first: an id may stand in a token, encoded, but never a token in an id.
        let mut known: Vec<_> = self.0.iter().collect();
        known.sort_by_key(|(theirs, _)| std::cmp::Reverse(theirs.len()));
        known.into_iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
    }

    /// Credentials. Some samples were taken later, with a token that no sample told: one of the same actor stands in.
    fn authorization(&self, theirs: &str) -> String {
        let ours = self.ours(theirs);
        let actor = |token: &str| claims(token)["actor_type"].clone();
        let token = theirs.strip_prefix("Bearer ").filter(|token| is_token(token) && ours == theirs);
        let stands_in = token.and_then(|token| {
            let known = self.0.iter().filter(|(known, _)| is_token(known));
            known.filter(|(known, _)| actor(known) == actor(token)).map(|(_, ours)| ours).next_back()
        });
        stands_in.map_or(ours, |token| format!("Bearer {token}"))
    }

    /// Whether these stand for each other.
    fn learn(&mut self, theirs: &str, ours: &str) -> bool {
        self.0.entry(theirs.to_owned()).or_insert_with(|| ours.to_owned()) == ours
    }
}

fn compare(path: &str, expected: &Value, found: &Value, learnt: &mut Learnt, tell: &mut impl FnMut(&str, String)) {
    let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (expected, found) {
        (Value::Object(wanted), Value::Object(got)) => {
            for (name, value) in wanted {
                match got.get(name) {
                    // Seconds of Unix time, of a token.
                    Some(Value::Number(_)) if name == "iat" || name == "exp" => {}
                    Some(other) => compare(&join(name), value, other, learnt, tell),
                    None => tell(&join(name), "missing".to_owned()),
                }
            }
            for name in got.keys().filter(|name| !wanted.contains_key(*name)) {
                tell(&join(name), "not in Medusa's answer".to_owned());
            }
        }
        (Value::Array(wanted), Value::Array(got)) => {
            if wanted.len() != got.len() {
                tell(&format!("{path}[]"), format!("{} entries and not {}", got.len(), wanted.len()));
            }
            for (value, other) in wanted.iter().zip(got) {
                compare(&format!("{path}[]"), value, other, learnt, tell);
            }
        }
        (Value::String(theirs), Value::String(ours)) if is_token(theirs) && is_token(ours) => {
            compare(&join("(claims)"), &claims(theirs), &claims(ours), learnt, tell);
            // A token may come again within the second, the same.
            learnt.0.insert(theirs.clone(), ours.clone());
        }
        (Value::String(theirs), Value::String(ours)) if is_made_anew(theirs) && prefix(theirs) == prefix(ours) => {
            if !learnt.learn(theirs, ours) {
                tell(path, format!("{ours}, and was {} before", learnt.ours(theirs)));
            }
        }
        _ if form(expected) == form(found) => {}
        _ => tell(path, format!("{found} and not {expected}")),
    }
}

fn is_token(text: &str) -> bool {
    text.starts_with("ey") && text.split('.').count() == 3
}

fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap_or(Value::Object(Map::new()))
}

/// An id such as `cus_01M7YPRG3FCW6ZR8AH327PP8GT`, or a secret key with its short form.
fn is_made_anew(text: &str) -> bool {
    let is_upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    text.starts_with("sk_")
        || text.split_once('_').is_some_and(|(_, ulid)| ulid.len() == 26 && ulid.chars().all(is_upper))
}

/// What comes before the part that is random, and how long that is.
fn prefix(text: &str) -> Option<(&str, usize)> {
    text.split_once('_').map(|(prefix, rest)| (prefix, rest.len()))
}

/// A time without its digits.
fn form(value: &Value) -> Value {
    match value {
        Value::String(text) if text.ends_with('Z') && text.len() == 24 => {
            text.replace(|c: char| c.is_ascii_digit(), "0").into()
        }
        other => other.clone(),
    }
}
