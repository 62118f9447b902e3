//! Whether a response may be stored, and for how long (RFC 9111 §3, §4.2; RFC 9213).

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use vitrine_shared::headers;

use super::cache_control::CacheControl;
use super::freshness::{FreshnessBasis, FreshnessSource, Lifetime, expires_lifetime, initial_age, unchanged_for};
use super::targeted::Governing;
use crate::key::cookies;
use crate::reason::NotStored;
use crate::rules::{CacheSettings, EdgeTtl, Effective, SetCookie, StaleTtl};
use crate::vary::VarySpec;

/// Statuses that may be stored without explicit freshness, and get heuristic freshness (RFC 9110 §15.1).
const HEURISTICALLY_CACHEABLE: [u16; 12] = [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501];

/// Statuses that a rule's own TTL applies to: those of [`HEURISTICALLY_CACHEABLE`], but for partial content and for errors of the
/// request or the server, which a fixed time would only prolong.
const OVERRIDABLE: [u16; 8] = [200, 203, 204, 300, 301, 308, 404, 410];

/// Statuses whose caching requirements this cache knows (RFC 9111 §5.2.2.3).
const UNDERSTOOD: [u16; 21] =
    [200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410, 414, 451, 500, 501, 503, 504];

/// One exchange with an upstream, complete enough to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'m> {
    /// The request's fields, as the client sent them.
    pub request: &'m HeaderMap,
    /// The response's status; for a 304, the stored response's.
    pub status: StatusCode,
    /// The response's fields, as the upstream sent them; after a 304, [freshened](super::freshen) ones.
    pub response: &'m HeaderMap,
    /// When the request was sent, in Unix milliseconds.
    pub requested_at: u64,
    /// When the response's head came, in Unix milliseconds.
    pub received_at: u64,
}

/// Judges a response to a GET: how long it may be used and what says so, or why it must not be stored.
pub fn assess(exchange: &Exchange<'_>, settings: &CacheSettings) -> Result<(Lifetime, FreshnessSource), NotStored> {
    let effective = settings.effective(exchange.status, exchange.response);
    let governing = Governing::of(exchange.response, &settings.targeted);
    let control = governing.control;
    forbidden(exchange, &control, &effective)?;
    let varies = VarySpec::of(exchange.response, settings)?;
    if is_of_a_cookie(exchange, &governing, &varies, &effective, settings) {
        return Err(NotStored::Cookie);
    }
    // Behind all that the upstream says: a failure of which only this speaks is told to all who wait for it.
    if !effective.store {
        return Err(NotStored::ResponseRule);
    }
    let ends = headers::valid_until(exchange.response).map_err(|_| NotStored::Protocol)?;
    let received_at = exchange.received_at;
    let age = initial_age(exchange.response, exchange.requested_at, received_at);
    let (lifetime, source) = freshness(exchange, &governing, &effective, settings)?;
    let lifetime = match effective.edge_ttl {
        // From arrival: what the operator sets is a time at this edge, whatever the response's age.
        EdgeTtl::Override(_) => received_at.saturating_add(lifetime),
        // Less the age in the end, so that what came stale is stale by as much, and its grace runs from then.
        EdgeTtl::Respect | EdgeTtl::Cap(_) => received_at.saturating_add(lifetime).saturating_sub(age),
    };
    let fresh_until = ends.map_or(lifetime, |end| end.min(lifetime));
    let source = FreshnessSource { is_ended: fresh_until < lifetime, ..source };
    let stale = |setting: StaleTtl, directive: Option<u32>| {
        let period = match setting {
            StaleTtl::Override(period) => millis(period),
            StaleTtl::Respect | StaleTtl::Default(_) if control.forbids_stale() => 0,
            // s-maxage forbids it too (RFC 9111 §5.2.2.10), where no directive of RFC 5861 allows it beside.
            StaleTtl::Default(period) if directive.is_none() && control.s_maxage.is_none() => millis(period),
            StaleTtl::Respect | StaleTtl::Default(_) => u64::from(directive.unwrap_or(0)) * 1000,
        };
        fresh_until.saturating_add(period)
    };
    let judged = Lifetime {
        revalidate_until: stale(effective.stale_while_revalidate, control.stale_while_revalidate),
        error_until: stale(effective.stale_if_error, control.stale_if_error),
        ends,
        stale_forbidden: control.forbids_stale() || control.s_maxage.is_some(),
        browser_ttl: (effective.browser_ttl != settings.browser_ttl).then_some(effective.browser_ttl),
        ..Lifetime::new(received_at.saturating_sub(age), fresh_until)
    };
    let usable_until = judged.revalidate_until.max(judged.error_until);
    let has_validator =
        exchange.response.contains_key(header::ETAG) || exchange.response.contains_key(header::LAST_MODIFIED);
    if usable_until <= received_at && !has_validator { Err(NotStored::NoFreshness) } else { Ok((judged, source)) }
}

/// What forbids storing, whatever the lifetime.
fn forbidden(exchange: &Exchange<'_>, control: &CacheControl, effective: &Effective) -> Result<(), NotStored> {
    let status = exchange.status;
    // 206 needs storage of ranges; a 304 freshens and is no object; 1xx are not final (RFC 9111 §3).
    if status.as_u16() < 200 || status == StatusCode::PARTIAL_CONTENT || status == StatusCode::NOT_MODIFIED {
        return Err(NotStored::Status);
    }
    // No status of HTTP, and so not one that is understood (RFC 9110 §15; RFC 9111 §3).
    if status.as_u16() > 599 {
        return Err(NotStored::Status);
    }
    let understood = UNDERSTOOD.contains(&status.as_u16());
    // A cache that understands the status ignores no-store beside must-understand (§5.2.2.3).
    if control.no_store && !(control.must_understand && understood) {
        return Err(NotStored::NoStore);
    }
    if control.private {
        return Err(NotStored::Private);
    }
    if effective.set_cookie == SetCookie::Refuse && exchange.response.contains_key(header::SET_COOKIE) {
        return Err(NotStored::SetCookie);
    }
    // The latter two allow it together with the lifetime that they give, which must then be the one that is kept to.
    let is_kept_to = !overrides(effective) || control.s_maxage.or(control.max_age).is_some_and(|seconds| seconds > 0);
    let allows_authorization =
        control.public || (is_kept_to && (control.must_revalidate || control.s_maxage.is_some()));
    if exchange.request.contains_key(header::AUTHORIZATION) && !allows_authorization {
        return Err(NotStored::Authorization);
    }
    if control.must_understand && !understood {
        return Err(NotStored::Status);
    }
    Ok(())
}

/// Whether the rule gives times of its own, so that a response is used without being validated though it says otherwise.
fn overrides(effective: &Effective) -> bool {
    let is_fixed = |stale: StaleTtl| matches!(stale, StaleTtl::Override(_));
    matches!(effective.edge_ttl, EdgeTtl::Override(_))
        || is_fixed(effective.stale_while_revalidate)
        || is_fixed(effective.stale_if_error)
}

/// Whether the request carried cookies that the key does not hold (so under `forward = "all"` alone), and the response neither
/// varies by them nor says that it may be kept: then it may be its client's own page, under an address that a rule takes for a
/// file's. As with Authorization (§3.5), the upstream must say so; a rule's TTL and heuristics do not. That it is to be validated
/// each time says so only where the rule lets it be validated.
fn is_of_a_cookie(
    exchange: &Exchange<'_>,
    governing: &Governing<'_>,
    varies: &VarySpec,
    effective: &Effective,
    settings: &CacheSettings,
) -> bool {
    let control = &governing.control;
    let by_date = || expires_lifetime(exchange.response, exchange.received_at).filter(|_| governing.targeted.is_none());
    let given = control.s_maxage.or(control.max_age).map(u64::from).or_else(by_date);
    let says_so = match given {
        _ if control.public => true,
        Some(1..) if !control.no_cache => true,
        given => (control.no_cache || given.is_some()) && !overrides(effective),
    };
    let is_keyed = |name: &[u8]| settings.key.cookies.iter().any(|keyed| keyed.as_bytes() == name);
    !says_so
        && !varies.names().contains(&header::COOKIE)
        && cookies(exchange.request).any(|cookie| !is_keyed(cookie.name))
}

/// The lifetime in milliseconds, and where it comes from.
fn freshness(
    exchange: &Exchange<'_>,
    governing: &Governing<'_>,
    effective: &Effective,
    settings: &CacheSettings,
) -> Result<(u64, FreshnessSource), NotStored> {
    let entry = effective.edge_ttl_entry;
    let of_rule = |basis| FreshnessSource { basis, entry, ..FreshnessSource::default() };
    if let EdgeTtl::Override(ttl) = effective.edge_ttl {
        let (ttl, basis) = overridden(exchange.status, ttl, settings.negative_ttl, effective.any_status)?;
        return Ok((millis(ttl), of_rule(basis)));
    }
    let (lifetime, basis) = by_response(exchange, governing, settings)?;
    let source = FreshnessSource { targeted: governing.targeted.cloned(), ..of_rule(basis) };
    match effective.edge_ttl {
        EdgeTtl::Cap(cap) if millis(cap) < lifetime => Ok((millis(cap), FreshnessSource { is_capped: true, ..source })),
        _ => Ok((lifetime, source)),
    }
}

/// The lifetime by the response, in milliseconds: s-maxage over max-age over Expires (§4.2.1) over the heuristic of the rule
/// (§4.2.2). Zero where it is to be validated each time; an error where nothing allows it to be stored at all (§3).
fn by_response(
    exchange: &Exchange<'_>,
    governing: &Governing<'_>,
    settings: &CacheSettings,
) -> Result<(u64, FreshnessBasis), NotStored> {
    let control = &governing.control;
    let seconds = |seconds: u64| seconds.saturating_mul(1000);
    let given = |given: Option<u32>, basis| given.map(|given| (seconds(u64::from(given)), basis));
    let expires = || expires_lifetime(exchange.response, exchange.received_at).filter(|_| governing.targeted.is_none());
    let explicit = given(control.s_maxage, FreshnessBasis::SharedMaxAge)
        .or_else(|| given(control.max_age, FreshnessBasis::MaxAge))
        .or_else(|| expires().map(|given| (seconds(given), FreshnessBasis::Expires)));
    let without_explicit = control.public || HEURISTICALLY_CACHEABLE.contains(&exchange.status.as_u16());
    match (explicit, settings.heuristic) {
        (None, _) if !without_explicit => Err(NotStored::NoFreshness),
        _ if control.no_cache => Ok((0, FreshnessBasis::NoCache)),
        (Some(explicit), _) => Ok(explicit),
        (None, Some(heuristic)) => {
            let since = unchanged_for(exchange.response, exchange.received_at).unwrap_or(0);
            let part = u128::from(since) * u128::from(heuristic.percent) / 100;
            let lifetime = u64::try_from(part).unwrap_or(u64::MAX).min(millis(heuristic.max));
            Ok((lifetime, FreshnessBasis::Heuristic))
        }
        (None, None) => Ok((0, FreshnessBasis::Nothing)),
    }
}

/// A rule's own TTL, for the statuses that it is meant for; one of an entry of `responses` is for those that the entry matches.
fn overridden(
    status: StatusCode,
    ttl: Duration,
    negative: Duration,
    any_status: bool,
) -> Result<(Duration, FreshnessBasis), NotStored> {
    match status.as_u16() {
        404 | 410 if !any_status && negative < ttl => Ok((negative, FreshnessBasis::NegativeTtl)),
        status if any_status || OVERRIDABLE.contains(&status) => Ok((ttl, FreshnessBasis::EdgeTtl)),
        _ => Err(NotStored::Status),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
