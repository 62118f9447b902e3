//! `cors`: who may read responses from other sites.

use std::fmt::Display;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use toml::Spanned;

use super::problems::Problems;
use super::raw::{RawCors, Text};
use crate::rules::{AllowedHeaders, Cors, OriginPattern, Origins};

/// The longest that browsers remember a preflight's answer for (Firefox; others less).
const MAX_AGE: Duration = Duration::from_hours(24);
/// Everybody, or everything.
const ANY: &str = "*";

/// Checks and compiles it; `None` where something is wrong, which is then noted.
pub(super) fn compile(raw: &RawCors, problems: &mut Problems<'_>) -> Option<Cors> {
    let origins = origins(&raw.origins, problems);
    if raw.credentials && origins == Some(Origins::Any) {
        let help = "list the sites that may, or leave `credentials` away: browsers refuse the two together";
        problems.error(&raw.origins, "`credentials` and the origin `*` exclude each other", Some(help.into()));
    }
    let methods = match &raw.methods {
        Some(methods) => list(methods.get_ref(), problems, "a method", |text| {
            // Methods are case-sensitive, and browsers capitalise only some of them.
            let method = Method::from_bytes(text.as_bytes()).ok().filter(|_| text == text.to_ascii_uppercase());
            method.ok_or("write it in capitals, such as \"PATCH\"")
        }),
        None => None,
    };
    let headers = match &raw.headers {
        None => AllowedHeaders::Asked,
        Some(names) if names.get_ref().iter().any(|name| name.get_ref() == ANY) => AllowedHeaders::Asked,
        Some(names) => AllowedHeaders::Listed(list(names.get_ref(), problems, "a header's name", header_name)),
    };
    if raw.credentials
        && let Some(name) = raw.expose.iter().find(|name| name.get_ref() == ANY)
    {
        let help = "name the fields: with credentials browsers take `*` for a name";
        problems.error(name, "`credentials` and exposing `*` exclude each other", Some(help.into()));
    }
    let expose = list(&raw.expose, problems, "a header's name", header_name);
    let max_age = raw.max_age.as_ref().and_then(|text| {
        let duration = problems.duration(text)?;
        if duration > MAX_AGE {
            problems.error(text, "`max_age` is longer than a day", Some("no browser remembers it for longer".into()));
        }
        Some(duration.as_secs())
    });
    Some(Cors { origins: origins?, methods, headers, expose, credentials: raw.credentials, max_age })
}

/// Each text may hold several origins with commas between them, as one environment variable does.
fn origins(raw: &Spanned<Vec<Text>>, problems: &mut Problems<'_>) -> Option<Origins> {
    let mut listed = Vec::new();
    let mut any = false;
    let mut wrong = false;
    for text in raw.get_ref() {
        for part in text.get_ref().split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if part == ANY {
                any = true;
                continue;
            }
            let place = Spanned::new(text.span(), part.to_owned());
            match problems.parse(&place, "an origin", str::parse::<OriginPattern>) {
                Some(origin) => listed.push(origin),
                None => wrong = true,
            }
        }
    }
    if !any && !wrong && listed.is_empty() {
        problems.error(raw, "`cors` without origins allows nobody", Some("name the sites, or \"*\" for all".into()));
        return None;
    }
    Some(if any { Origins::Any } else { Origins::Listed(listed) })
}

/// The value of a field that lists these; `None` for none.
fn list<T: AsRef<str>, E: Display>(
    texts: &[Text],
    problems: &mut Problems<'_>,
    what: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<HeaderValue> {
    let names: Vec<T> = texts.iter().filter_map(|text| problems.parse(text, what, &parse)).collect();
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    HeaderValue::from_str(&names.join(", ")).ok().filter(|value| !value.is_empty())
}

fn header_name(text: &str) -> Result<HeaderName, &'static str> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| "write letters, digits and -")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::{caching, load, load_with, told};
    use crate::rules::RuleAction;
    use crate::vary::VaryMode;

    fn with(cors: &str) -> String {
        caching(&format!("cors = {cors}"))
    }

    #[test]
    fn cors_is_compiled_and_the_cache_no_longer_split() {
        let cors = "{ origins = [\"${SITES:-http://localhost:8000}\"], methods = [\"PUT\", \"DELETE\"], \
                    headers = [\"X-A\", \"content-type\"], expose = [\"X-Total\"], credentials = true, max_age = \"10m\" }";
        let config =
            load_with(|_| Some("https://shop.example, https://*.shop.example,".to_owned()), &with(cors)).unwrap();
        let rule = &config.rules.rules()[0];
        let expected = Cors {
            origins: Origins::Listed(vec![
                "https://shop.example".parse().unwrap(),
                "https://*.shop.example".parse().unwrap(),
            ]),
            methods: Some(HeaderValue::from_static("PUT, DELETE")),
            headers: AllowedHeaders::Listed(Some(HeaderValue::from_static("x-a, content-type"))),
            expose: Some(HeaderValue::from_static("x-total")),
            credentials: true,
            max_age: Some(600),
        };
        assert_eq!(rule.transform.cors.as_ref(), Some(&expected));
        let RuleAction::Cache { settings, .. } = &rule.action else { panic!("it caches") };
        assert!(settings.vary.named.contains(&(http::header::ORIGIN, VaryMode::Ignore)));

        let config = load(&with("{ origins = [\"*\"] }")).unwrap();
        let cors = config.rules.rules()[0].transform.cors.clone().unwrap();
        assert_eq!((cors.origins, cors.headers, cors.methods), (Origins::Any, AllowedHeaders::Asked, None));
    }

    #[test]
    fn mistakes_are_told_with_the_way_out() {
        let form = "write scheme and host without a path, such as \"https://shop.example\", \"https://*.shop.example\" or \
                    \"http://localhost:*\"";
        for (cors, expected) in [
            ("{ origins = [] }", "`cors` without origins allows nobody: name the sites, or \"*\" for all".to_owned()),
            ("{ origins = [\"https://a, b\"] }", format!("`b` is not an origin: {form}")),
            (
                "{ origins = [\"*\"], credentials = true }",
                "`credentials` and the origin `*` exclude each other: list the sites that may, or leave `credentials` away: \
                 browsers refuse the two together"
                    .to_owned(),
            ),
            (
                "{ origins = [\"https://a\"], expose = [\"*\"], credentials = true }",
                "`credentials` and exposing `*` exclude each other: name the fields: with credentials browsers take `*` for \
                 a name"
                    .to_owned(),
            ),
            (
                "{ origins = [\"*\"], methods = [\"patch\"] }",
                "`patch` is not a method: write it in capitals, such as \"PATCH\"".to_owned(),
            ),
            (
                "{ origins = [\"*\"], headers = [\"a b\"] }",
                "`a b` is not a header's name: write letters, digits and -".to_owned(),
            ),
            (
                "{ origins = [\"*\"], max_age = \"2d\" }",
                "`max_age` is longer than a day: no browser remembers it for longer".to_owned(),
            ),
        ] {
            assert_eq!(told(load(&with(cors)).unwrap_err()), [format!("10: {expected}")], "{cors}");
        }
    }
}
