//! `compression`: checked and compiled.

use toml::Spanned;

use super::problems::Problems;
use super::raw::{RawCompression, Text};
use super::units;
use crate::encoding::{Coding, Compression};

/// What is not said is as in [`Compression::default`].
pub(super) fn compile(raw: &Spanned<RawCompression>, problems: &mut Problems<'_>) -> Option<Compression> {
    let RawCompression { codings: raw_codings, types: raw_types, min: raw_min } = raw.get_ref();
    let default = Compression::default();
    let codings = raw_codings.as_ref().map_or(Some(default.codings), |raw| codings(raw, problems));
    let types = raw_types.as_ref().map_or(Some(default.types), |raw| types(raw, problems));
    let min = raw_min.as_ref().map_or(Some(default.min), |min| problems.parse(min, "a size", units::size));
    Some(Compression { codings: codings?, types: types?, min: min? })
}

fn codings(raw: &Spanned<Vec<Text>>, problems: &mut Problems<'_>) -> Option<Vec<Coding>> {
    let known = || Coding::ALL.into_iter().map(Coding::token);
    if raw.get_ref().is_empty() {
        problems.error(raw, "no codings", Some("leave `compression` away for none".into()));
        return None;
    }
    let mut codings = Vec::new();
    for text in raw.get_ref() {
        match Coding::ALL.into_iter().find(|coding| coding.token() == text.get_ref()) {
            Some(coding) if codings.contains(&coding) => {
                problems.error(text, format!("`{}` stands here twice", coding.token()), None);
            }
            Some(coding) => codings.push(coding),
            None => problems.unknown(text, "coding", known()),
        }
    }
    Some(codings)
}

fn types(raw: &Spanned<Vec<Text>>, problems: &mut Problems<'_>) -> Option<Vec<Box<str>>> {
    if raw.get_ref().is_empty() {
        problems.error(raw, "no media types", Some("leave `compression` away for none".into()));
        return None;
    }
    let types: Vec<Option<Box<str>>> =
        raw.get_ref().iter().map(|text| problems.parse(text, "a media type", media_type)).collect();
    types.into_iter().collect()
}

/// `type/subtype` or `type/*`, in lower case; the latter as `type/`.
fn media_type(text: &str) -> Result<Box<str>, &'static str> {
    const HELP: &str = "write such as \"text/html\" or \"text/*\", without parameters";
    // RFC 9110 §5.6.2, without `*`, which would be taken for more than it means.
    let is_token = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&byte))
    };
    let (kind, subtype) = text.split_once('/').ok_or(HELP)?;
    match subtype {
        "*" if is_token(kind) => Ok(format!("{}/", kind.to_ascii_lowercase()).into()),
        _ if is_token(kind) && is_token(subtype) => Ok(text.to_ascii_lowercase().into()),
        _ => Err(HELP),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::{caching, load, told};
    use crate::rules::RuleAction;

    /// The settings of a rule with this `compression`, or what is wrong with it.
    fn compiled(compression: &str) -> Result<Compression, Vec<String>> {
        let config = load(&caching(&format!("compression = {compression}"))).map_err(told)?;
        match &config.rules.rules()[0].action {
            RuleAction::Cache { settings, .. } => Ok(settings.compression.as_deref().unwrap().clone()),
            RuleAction::Pass => panic!("it caches"),
        }
    }

    #[test]
    fn what_is_not_said_is_as_by_default() {
        assert_eq!(compiled("{}"), Ok(Compression::default()));
        let own = Compression { codings: vec![Coding::Br, Coding::Gzip], types: vec!["text/".into()], min: 10 };
        assert_eq!(compiled("{ codings = [\"br\", \"gzip\"], types = [\"text/*\"], min = \"10B\" }"), Ok(own));
    }

    #[test]
    fn mistakes_are_told_with_the_way_out() {
        for (text, expected) in [
            ("{ codings = [\"gzipp\"] }", "unknown coding `gzipp`: did you mean `gzip`?"),
            ("{ codings = [\"x-gzip\"] }", "unknown coding `x-gzip`"),
            ("{ codings = [\"br\", \"br\"] }", "`br` stands here twice"),
            ("{ codings = [] }", "no codings: leave `compression` away"),
            ("{ types = [] }", "no media types: leave"),
            ("{ types = [\"text/html;charset=utf-8\"] }", "is not a media type"),
            ("{ min = \"1\" }", "is not a size"),
            ("{ level = 9 }", "level"),
        ] {
            let errors = compiled(text).unwrap_err();
            assert!(errors.iter().any(|error| error.contains(expected)), "{text}: {errors:?}");
        }
    }

    #[test]
    fn media_types_are_read() {
        for (text, expected) in [
            ("text/*", Some("text/")),
            ("Text/HTML", Some("text/html")),
            ("application/ld+json", Some("application/ld+json")),
            ("*/*", None),
            ("text/h*", None),
            ("text", None),
            ("text/", None),
            ("/html", None),
            ("text/html; charset=utf-8", None),
            ("", None),
        ] {
            assert_eq!(media_type(text).ok().as_deref(), expected, "{text}");
        }
    }
}
