//! An explanation as people read it.

use std::fmt;

use serde_json::Value;

use super::draft::Compared;
use super::listing::Page;
use super::report::{Explanation, Key, Object, Request, Rule, Upstream, Valued, Variants};
use super::words::{size, span};

/// Columns of the names before what is told.
const NAMES: usize = 11;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.summary)?;
        request(f, &self.request)?;
        if let Some(told) = &self.rule {
            rule(f, told)?;
        }
        if let Some(told) = &self.key {
            key(f, told)?;
        }
        if let Some(told) = &self.variants {
            variants(f, told)?;
        }
        if let Some(told) = &self.object {
            object(f, told)?;
        }
        if let Some(told) = &self.last_not_stored {
            line(f, "not stored", format_args!("the last answer, {} ago: {}", span(told.ago_seconds), told.reason))?;
        }
        if let Some(told) = &self.client {
            for (index, field) in told.fields.iter().enumerate() {
                line(f, if index == 0 { "client gets" } else { "" }, format_args!("{}", shown(field)))?;
            }
        }
        if let Some(told) = &self.verdict.if_the_upstream_fails {
            line(f, "on failure", format_args!("{told}"))?;
        }
        if let Some(told) = &self.upstream {
            upstream(f, told)?;
        }
        if let Some(told) = &self.edge {
            let lease = if told.connected { "may serve without asking" } else { "has no lease, so it asks first" };
            line(
                f,
                "edge",
                format_args!(
                    "`{}` {lease}; rules of generation {}, purges up to {}",
                    told.name, told.generation, told.applied
                ),
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.now)?;
        writeln!(f, "Under the draft:\n\n{}", self.draft)?;
        if self.differences.is_empty() {
            return writeln!(f, "The draft changes nothing for this request.");
        }
        writeln!(f, "What the draft changes:")?;
        for difference in &self.differences {
            let told = |value: &Option<Value>| match value {
                None => "nothing".to_owned(),
                Some(Value::String(text)) if text.is_empty() => "none".to_owned(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            writeln!(f, "  {}: {} -> {}", difference.what, told(&difference.now), told(&difference.draft))?;
        }
        Ok(())
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for seen in &self.objects {
            write!(
                f,
                "{} {}  {}, {}, age {}",
                seen.status,
                seen.url,
                seen.standing,
                size(seen.bytes),
                span(seen.age_seconds)
            )?;
            if matches!(seen.standing, "fresh" | "stale") {
                write!(f, ", {}", freshness(seen.ttl_seconds))?;
            }
            for valued in seen.keyed.iter().chain(&seen.variant) {
                write!(f, "; {}", shown(valued))?;
            }
            match &seen.purge {
                Some(purge) => writeln!(f, "; {purge}")?,
                None => writeln!(f)?,
            }
        }
        writeln!(f, "{} of {} objects", self.objects.len(), self.total)?;
        if let Some(on_disk) = self.on_disk {
            writeln!(f, "{on_disk} on the disk, in memory or not")?;
        }
        match &self.next {
            Some(next) => writeln!(f, "more with --cursor {next}"),
            None => Ok(()),
        }
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, told: fmt::Arguments<'_>) -> fmt::Result {
    writeln!(f, "{name:NAMES$}  {told}")
}

fn request(f: &mut fmt::Formatter<'_>, told: &Request) -> fmt::Result {
    let url = told.url.as_deref().unwrap_or("(cannot be read)");
    let from = told.client.as_ref().map(|client| format!(" from {client}")).unwrap_or_default();
    line(f, "request", format_args!("{} {url}{from}", told.method))?;
    for dropped in &told.dropped {
        line(f, "", format_args!("without the parameter `{}`: {}", dropped.name, dropped.because))?;
    }
    Ok(())
}

fn rule(f: &mut fmt::Formatter<'_>, told: &Rule) -> fmt::Result {
    let passed =
        told.passed_for.as_ref().map(|name| format!(", but passes this request for the {name}")).unwrap_or_default();
    line(f, "rule", format_args!("{} ({}{passed})", told.name, told.action))?;
    for passed in &told.passed_over {
        line(f, "", format_args!("not {}: {}", passed.rule, passed.because))?;
    }
    for limit in &told.rate_limits {
        line(f, "", format_args!("rate limit {limit}"))?;
    }
    Ok(())
}

fn key(f: &mut fmt::Formatter<'_>, told: &Key) -> fmt::Result {
    line(f, "key", format_args!("{} of {}", told.url, told.scope))?;
    for header in &told.headers {
        line(f, "", format_args!("header {}", shown(header)))?;
    }
    for cookie in &told.cookies {
        line(f, "", format_args!("cookie {}", shown(cookie)))?;
    }
    if let Some(device) = &told.device {
        line(f, "", format_args!("device class {device}"))?;
    }
    if let Some(hash) = &told.hash {
        line(f, "", format_args!("hash {hash}"))?;
    }
    Ok(())
}

fn variants(f: &mut fmt::Formatter<'_>, told: &Variants) -> fmt::Result {
    line(f, "variants", format_args!("{} kept; this request's is", told.kept))?;
    told.this.iter().try_for_each(|field| line(f, "", format_args!("{}", shown(field))))
}

fn object(f: &mut fmt::Formatter<'_>, told: &Object) -> fmt::Result {
    let coding = told.coding.as_ref().map(|coding| format!(", {coding}")).unwrap_or_default();
    let kind = told.content_type.as_deref().unwrap_or("no media type");
    line(
        f,
        "object",
        format_args!("{}, status {}, {} of {kind}{coding}", told.standing, told.status, size(told.bytes)),
    )?;
    line(
        f,
        "freshness",
        format_args!("age {}, {}; from {}", span(told.age_seconds), freshness(told.ttl_seconds), told.freshness_from),
    )?;
    for (seconds, when) in [
        (told.stale_while_revalidate_left_seconds, "while it is refreshed"),
        (told.stale_if_error_left_seconds, "when the upstream fails"),
    ] {
        if seconds > 0 {
            line(f, "", format_args!("then served stale for {} {when}", span(seconds)))?;
        }
    }
    if let Some(ends) = told.ends_in_seconds {
        line(f, "", format_args!("its content ends in {}", span(ends)))?;
    }
    let promise = if told.is_outside_promise { "; nothing vouches that it was not old when it came" } else { "" };
    line(f, "stamp", format_args!("epoch {}, local {}{promise}", told.stamp.epoch, told.stamp.local))?;
    line(f, "tags", format_args!("{}: {}", told.tags.count, told.tags.known.join(" ")))?;
    if !told.tags.others.is_empty() {
        line(f, "", format_args!("and by their hashes: {}", told.tags.others.join(" ")))?;
    }
    for asked in &told.tags.asked {
        line(f, "", format_args!("{} `{}`", if asked.is_carried { "has" } else { "has not" }, asked.tag))?;
    }
    match &told.purge {
        Some(purge) => line(f, "purge", format_args!("{}", purge.sentence)),
        None => Ok(()),
    }
}

fn upstream(f: &mut fmt::Formatter<'_>, told: &Upstream) -> fmt::Result {
    line(f, "upstream", format_args!("{}, asked for {} of {}", told.name, told.asked_for, told.host))?;
    let Some(health) = &told.health else {
        return line(f, "", format_args!("at {}", told.addresses.join(", ")));
    };
    for address in health {
        let state = match address.ejected_for_ms {
            Some(left) => format!("ejected for another {}", span(left.div_ceil(1000))),
            None if address.healthy => "healthy".to_owned(),
            None => "unhealthy".to_owned(),
        };
        line(f, "", format_args!("{} is {state}", address.address))?;
    }
    Ok(())
}

fn freshness(ttl_seconds: i64) -> String {
    let left = span(ttl_seconds.unsigned_abs());
    if ttl_seconds >= 0 { format!("fresh for another {left}") } else { format!("stale for {left}") }
}

fn shown(valued: &Valued) -> String {
    if valued.values.is_empty() {
        return format!("{}: none", valued.name);
    }
    format!("{}: {}", valued.name, valued.values.join(", "))
}
