//! What is told of a request. The JSON of `/explain` is made of this: names may be added, and none changes its meaning.

use serde::Serialize;
use serde_json::Value;

use crate::upstream::AddressReport;

/// A request, explained.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The one to three sentences that are read first.
    pub summary: String,
    /// What would be done.
    pub verdict: Verdict,
    /// The request as it is understood.
    pub request: Request,
    /// The rule; absent where none is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// The key; absent where nothing is looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// The variants of the URL; absent where it is not known to vary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variants: Option<Variants>,
    /// What is stored under the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Object>,
    /// Why the last answer for this key was not stored, where that is remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_not_stored: Option<NotStored>,
    /// What the client would be told by what is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// Who is asked where the cache cannot answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
    /// The edge that was asked; absent where only a file was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<Edge>,
}

/// What would be done with the request now.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// As metrics, access log and Cache-Status call it; `lookup` where no edge was asked what it holds.
    pub outcome: &'static str,
    /// Likewise; empty where it needs none.
    pub reason: &'static str,
    /// What that means.
    pub sentence: String,
    /// Whether the upstream would be asked conditionally, so that a 304 is enough.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub conditionally: bool,
    /// Whether something lies on the disk under this key, which is judged before the upstream is asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_on_disk: bool,
    /// Whether a fill of this is under way.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_filling: bool,
    /// What would be done if the upstream failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_the_upstream_fails: Option<String>,
}

/// The request as it is understood.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// Its scheme, host and path in normal form, with the query as the client sent it; absent where it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The client's address, as far as trusted proxies tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Query parameters that neither enter the key nor are sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
}

/// A query parameter that does not count.
#[derive(Clone, Debug, Serialize)]
pub struct Dropped {
    /// Its name.
    pub name: String,
    /// Why.
    pub because: &'static str,
}

/// The rule, and how the request came to it.
#[derive(Clone, Debug, Serialize)]
pub struct Rule {
    /// Its name; `default` where none matches.
    pub name: String,
    /// `cache` or `pass`.
    pub action: &'static str,
    /// Which cookie, header or parameter passes the request, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed_for: Option<String>,
    /// The rules before it, each with the first thing that does not fit; at most 100.
    pub passed_over: Vec<PassedOver>,
    /// What it says, where it caches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<Value>,
    /// The headers that it edits, by name, and whether it answers for CORS; absent where it does neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Value>,
    /// The rate limits that the request is under, with what each says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rate_limits: Vec<String>,
}

/// A rule that does not fit.
#[derive(Clone, Debug, Serialize)]
pub struct PassedOver {
    /// Its name.
    pub rule: String,
    /// What does not fit.
    pub because: String,
}

/// A key, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Its hash, which differs from process to process; absent where no edge was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Whose answers these are: the upstream, and what the rule has of its own.
    pub scope: String,
    /// Scheme, host, path and the query as far as it counts.
    pub url: String,
    /// Headers that the rule keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Valued>,
    /// Cookies that the rule keys; digests stand for the values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<Valued>,
    /// The class of the device, where the rule keys it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// A name with its values; none where the request has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Valued {
    /// The name.
    pub name: String,
    /// The values.
    pub values: Vec<String>,
}

/// The variants of a URL.
#[derive(Clone, Debug, Serialize)]
pub struct Variants {
    /// How many are kept, or were until they made room.
    pub kept: usize,
    /// Which one this request's is: the fields that the upstream varies by, with this request's values as they are compared.
    pub this: Vec<Valued>,
}

/// A stored object.
#[derive(Clone, Debug, Serialize)]
pub struct Object {
    /// `fresh`, `stale`, `softly purged`, `purged`, or `ended`.
    pub standing: &'static str,
    /// Its status.
    pub status: u16,
    /// Bytes of its body, as stored.
    pub bytes: u64,
    /// Its media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Its content coding, as stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coding: Option<String>,
    /// Its age.
    pub age_seconds: u64,
    /// The freshness left; negative where it is past.
    pub ttl_seconds: i64,
    /// For how long past its freshness, from now where that is over, it may be served while it is refreshed.
    pub stale_while_revalidate_left_seconds: u64,
    /// Likewise when the upstream fails.
    pub stale_if_error_left_seconds: u64,
    /// When its content ends by the clock, whatever else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_in_seconds: Option<u64>,
    /// Where its freshness comes from.
    pub freshness_from: String,
    /// Up to which purges it is true.
    pub stamp: Stamp,
    /// Whether nothing vouches that it was not old when it came.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_outside_promise: bool,
    /// Its tags.
    pub tags: Tags,
    /// The purge that reached it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purge: Option<Purge>,
}

/// Up to which purges content is true, by both clocks.
#[derive(Clone, Debug, Serialize)]
pub struct Stamp {
    /// The epoch of the origin's feed.
    pub epoch: String,
    /// The number of this edge's own last purge.
    pub local: u64,
}

/// The tags of an object, of which only hashes are kept.
#[derive(Clone, Debug, Serialize)]
pub struct Tags {
    /// How many it has.
    pub count: usize,
    /// Those that its address and its rule explain.
    pub known: Vec<String>,
    /// The hashes of the others, in hexadecimal; at most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
    /// Whether it has those that were asked about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
}

/// A tag that was asked about.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// The tag.
    pub tag: String,
    /// Whether the object has it.
    pub is_carried: bool,
}

/// A purge that reached an object.
#[derive(Clone, Debug, Serialize)]
pub struct Purge {
    /// What it was, who made it, and for what.
    pub sentence: String,
    /// How long ago it was applied here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ago_seconds: Option<u64>,
    /// The entry of `/purges`, where it is still remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<Value>,
}

/// Why an answer was not stored.
#[derive(Clone, Debug, Serialize)]
pub struct NotStored {
    /// The reason's label.
    pub reason: &'static str,
    /// What that means.
    pub sentence: &'static str,
    /// How long ago it came.
    pub ago_seconds: u64,
}

/// What the client would be told.
#[derive(Clone, Debug, Serialize)]
pub struct Client {
    /// The fields about caching and scripts of other sites, by name.
    pub fields: Vec<Valued>,
}

/// Who is asked.
#[derive(Clone, Debug, Serialize)]
pub struct Upstream {
    /// Its name.
    pub name: String,
    /// The path and query that it would be asked for.
    pub asked_for: String,
    /// The Host that it would be asked with.
    pub host: String,
    /// Its addresses, as configured.
    pub addresses: Vec<String>,
    /// How they do; absent where no edge was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Vec<AddressReport>>,
}

/// The edge that was asked.
#[derive(Clone, Debug, Serialize)]
pub struct Edge {
    /// Its name.
    pub name: String,
    /// The configuration that the rules are of.
    pub generation: u64,
    /// Whether it may serve without asking.
    pub connected: bool,
    /// Up to which purges of the feed it stands.
    pub applied: String,
}
