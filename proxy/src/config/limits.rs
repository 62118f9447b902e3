//! `[listen.limits]`: what a client may take up.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;

use super::problems::Problems;
use super::raw::{RawLimits, Text};
use super::units;
use crate::downstream::{H2Limits, Limits, Pace};
use crate::key::MAX_TARGET;

/// Most of what is counted.
const MOST: usize = 10_000_000;
/// Shortest times: deadlines are looked at a few times a second only.
const SHORTEST: Duration = Duration::from_millis(200);
/// Longest times.
const LONGEST: Duration = Duration::from_hours(24);
/// Fewest bytes of a head that are of use.
const LEAST_HEAD: u64 = 512;

/// Compiles them; `None` where one is wrong.
pub(super) fn compile(raw: &RawLimits, problems: &mut Problems<'_>) -> Option<Limits> {
    let default = Limits::default();
    let mut count = |key: &str, value: Option<&Spanned<usize>>, default: usize, most: usize| match value {
        None => Some(default),
        Some(value) => within(key, value, *value.get_ref(), 1..=most, &1, &most, problems),
    };
    let connections = count("connections", raw.connections.as_ref(), default.connections, MOST);
    let per_address = raw.connections_per_address.as_ref();
    let per_address = count("connections_per_address", per_address, default.connections_per_address, MOST);
    let fields = count("fields", raw.fields.as_ref(), default.fields, Limits::MOST_FIELDS);
    let requests = count("requests", raw.requests.as_ref(), default.requests, usize::MAX >> 1);
    let streams = count("h2_streams", raw.h2_streams.as_ref(), default.h2.streams as usize, 10_000);
    let resets = count("h2_resets", raw.h2_resets.as_ref(), default.h2.resets as usize, MOST);
    let frames = count("h2_frames", raw.h2_frames.as_ref(), default.h2.frames as usize, MOST);

    let mut time = |key: &str, value: Option<&Text>, default: Duration| match value {
        None => Some(default),
        Some(value) => {
            let given = problems.duration(value)?;
            let (least, most) = (units::show(SHORTEST), units::show(LONGEST));
            within(key, value, given, SHORTEST..=LONGEST, &least, &most, problems)
        }
    };
    let handshake_timeout = time("handshake_timeout", raw.handshake_timeout.as_ref(), default.handshake_timeout);
    let idle_timeout = time("idle_timeout", raw.idle_timeout.as_ref(), default.idle_timeout);
    let head_timeout = time("head_timeout", raw.head_timeout.as_ref(), default.head_timeout);
    let body_timeout = time("body_timeout", raw.body_timeout.as_ref(), default.body_timeout);
    let body_grace = time("body_grace", raw.body_grace.as_ref(), default.body.grace);
    let response_grace = time("response_grace", raw.response_grace.as_ref(), default.response.grace);

    let mut size = |key: &str, value: Option<&Text>, default: u64, range: RangeInclusive<u64>| match value {
        None => Some(default),
        Some(value) => {
            let given = problems.parse(value, "a size", units::size)?;
            let (least, most) = (format!("{}B", range.start()), format!("{}B", range.end()));
            within(key, value, given, range, &least, &most, problems)
        }
    };
    let head = size("head", raw.head.as_ref(), default.head as u64, LEAST_HEAD..=Limits::MOST_HEAD as u64);
    let target = size("target", raw.target.as_ref(), default.target as u64, 64..=MAX_TARGET as u64);
    let body_rate = size("body_rate", raw.body_rate.as_ref(), default.body.rate, 1..=1 << 40);
    let response_rate = size("response_rate", raw.response_rate.as_ref(), default.response.rate, 1..=1 << 40);
    let memory = H2Limits::LEAST_MEMORY..=1 << 30;
    let memory = size("h2_memory", raw.h2_memory.as_ref(), u64::from(default.h2.memory), memory);

    Some(Limits {
        connections: connections?,
        connections_per_address: per_address?,
        handshake_timeout: handshake_timeout?,
        idle_timeout: idle_timeout?,
        head_timeout: head_timeout?,
        head: usize::try_from(head?).ok()?,
        fields: fields?,
        target: usize::try_from(target?).ok()?,
        requests: requests?,
        body: Pace { rate: body_rate?, grace: body_grace? },
        body_timeout: body_timeout?,
        response: Pace { rate: response_rate?, grace: response_grace? },
        h2: H2Limits {
            streams: u32::try_from(streams?).ok()?,
            resets: u32::try_from(resets?).ok()?,
            frames: u32::try_from(frames?).ok()?,
            memory: u32::try_from(memory?).ok()?,
        },
    })
}

/// The value, where it lies within its bounds.
fn within<T, V: PartialOrd>(
    key: &str,
    at: &Spanned<T>,
    value: V,
    range: RangeInclusive<V>,
    least: &dyn Display,
    most: &dyn Display,
    problems: &mut Problems<'_>,
) -> Option<V> {
    if range.contains(&value) {
        return Some(value);
    }
    problems.error(at, format!("`{key}` must be from {least} to {most}"), None);
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::testing::{load, told};
    use crate::downstream::Limits;

    #[test]
    fn what_is_not_said_is_the_default() {
        let limits = load("limits = { head_timeout = \"3s\", body_rate = \"2KiB\" }").unwrap().listen.limits;
        let mut expected = Limits { head_timeout: Duration::from_secs(3), ..Limits::default() };
        expected.body.rate = 2048;
        assert_eq!(*limits, expected);
    }

    #[test]
    fn mistakes_are_told_with_their_bounds() {
        for (limit, expected) in [
            ("connections = 0", "`connections` must be from 1 to 10000000"),
            ("fields = 257", "`fields` must be from 1 to 256"),
            ("head = \"2MiB\"", "`head` must be from 512B to 1048576B"),
            ("target = \"1MiB\"", "`target` must be from 64B to 16384B"),
            ("idle_timeout = \"1ms\"", "`idle_timeout` must be from 200ms to 1d"),
            ("h2_memory = \"1KiB\"", "`h2_memory` must be from 131072B to 1073741824B"),
        ] {
            let errors = told(load(&format!("limits = {{ {limit} }}")).unwrap_err());
            assert_eq!(errors, [format!("6: {expected}: ")], "{limit}");
        }
    }
}
