//! The invalidation feed's settings.

use std::time::Duration;

use vitrine_redis::Address;

use super::problems::Problems;
use super::raw::RawFeed;
use super::secret::Secret;
use super::sequencer::Sequencer;

/// Where purges come from, and how the lease is kept (`docs/protocol.md`).
#[derive(Clone, Debug)]
pub struct Feed {
    /// The Redis that carries the stream; absent to take all from the origin's endpoint.
    pub redis: Option<Address>,
    /// The origin's internal address, such as `http://127.0.0.1:9001`; those of several processes with spaces between.
    pub url: String,
    /// The token for it.
    pub token: Secret,
    /// How often the lease is renewed.
    pub renew_every: Duration,
    /// Longest lease that is believed, whatever the origin grants.
    pub max_lease: Duration,
    /// Most purged tags that are remembered; past it the floor rises (rule 13).
    pub tag_capacity: usize,
}

impl Feed {
    /// The addresses, each by itself.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.url.split(' ')
    }
}

/// How often the lease is renewed, where nothing is said: three times a lease of the protocol's default.
const RENEW_EVERY: Duration = Duration::from_secs(1);
/// Longest lease, where nothing is said.
const MAX_LEASE: Duration = Duration::from_secs(10);
/// Most tags, where nothing is said: some tens of megabytes.
const TAG_CAPACITY: usize = 1_000_000;

/// The feed of the sequencer in this very process.
pub(super) fn of_own(sequencer: &Sequencer) -> Feed {
    Feed {
        redis: None,
        url: sequencer.own_url(),
        token: sequencer.token.clone(),
        renew_every: RENEW_EVERY,
        max_lease: MAX_LEASE.max(sequencer.lease),
        tag_capacity: TAG_CAPACITY,
    }
}

pub(super) fn compile(raw: RawFeed, problems: &mut Problems<'_>) -> Option<Feed> {
    let each = raw.url.get_ref().split([',', ' ']).filter(|url| !url.is_empty());
    let urls: Vec<&str> = each.map(|url| url.trim_end_matches('/')).collect();
    let is_http = |url: &&str| {
        url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).is_some_and(|rest| !rest.is_empty())
    };
    let wrong = if urls.is_empty() { Some("") } else { urls.iter().copied().find(|url| !is_http(url)) };
    if let Some(wrong) = wrong {
        problems.error(
            &raw.url,
            format!("`{wrong}` is not an http address"),
            Some("such as \"http://127.0.0.1:9001\"".into()),
        );
    }
    if raw.token.get_ref().is_empty() {
        problems.error(
            &raw.token,
            "the token is empty",
            Some("the feed is never open: give it the origin's INTERNAL_TOKEN, or the token of [sequencer]".into()),
        );
    }
    let renew_every = problems.duration_or(raw.renew_every.as_ref(), RENEW_EVERY);
    let max_lease = problems.duration_or(raw.max_lease.as_ref(), MAX_LEASE);
    if let (Some(renew), Some(lease)) = (renew_every, max_lease)
        && (renew.is_zero() || renew >= lease)
    {
        let at = raw.renew_every.as_ref().or(raw.max_lease.as_ref());
        problems.error_at_key(at, "`renew_every` must be above zero and below `max_lease`", None);
    }
    let capacity = raw.tag_capacity.as_ref().map_or(TAG_CAPACITY, |capacity| *capacity.get_ref());
    if capacity == 0 {
        problems.error_at_key(raw.tag_capacity.as_ref(), "`tag_capacity` must be above zero", None);
    }
    let redis = raw.redis.as_ref().filter(|redis| !redis.get_ref().is_empty()).map(|redis| {
        let parsed = redis.get_ref().expose().parse::<Address>();
        parsed.map_err(|error| problems.error(redis, error.to_string(), Some("empty to poll the origin alone".into())))
    });
    wrong.is_none().then_some(())?;
    Some(Feed {
        redis: redis.transpose().ok()?,
        url: urls.join(" "),
        token: raw.token.into_inner(),
        renew_every: renew_every?,
        max_lease: max_lease?,
        tag_capacity: capacity,
    })
}
