//! Names and words as rules write them, and their places.

use http::HeaderName;
use ipnet::IpNet;
use toml::Spanned;

use super::problems::Problems;
use super::raw::Text;
use crate::key::normal_name;

/// A value at the place of the one that it is a part of.
pub(super) fn at<T>(place: &Spanned<T>, value: &str) -> Text {
    Spanned::new(place.span(), value.to_owned())
}

/// One of a few words, or the default where none is given.
pub(super) fn word<T: Default + Copy>(
    given: Option<&Text>,
    key: &str,
    words: &[(&str, T)],
    problems: &mut Problems<'_>,
) -> Option<T> {
    let Some(given) = given else { return Some(T::default()) };
    let found = words.iter().find(|(word, _)| *word == given.get_ref()).map(|&(_, value)| value);
    if found.is_none() {
        problems.unknown(given, &format!("value of `{key}`"), words.iter().map(|&(word, _)| word));
    }
    found
}

pub(super) fn header_name(text: &str) -> Result<HeaderName, &'static str> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| "letters, digits and -")
}

/// RFC 6265 §4.1.1: a token.
pub(super) fn cookie_name(text: &str) -> Result<Box<str>, &'static str> {
    let valid = HeaderName::from_bytes(text.as_bytes()).is_ok();
    valid.then(|| text.into()).ok_or("letters, digits and -_.; capitals matter")
}

pub(super) fn parameter_name(text: &str) -> Result<Box<str>, &'static str> {
    normal_name(text).filter(|_| !text.contains(['&', '='])).ok_or("write the name alone, such as \"id[]\"")
}

/// A media type in lower case; one with `*` for its subtype ends in the slash.
pub(super) fn media_range(text: &str) -> Result<Box<str>, &'static str> {
    let help = "write \"text/html\", or \"image/*\" for all that begin so";
    let (main, sub) = text.split_once('/').ok_or(help)?;
    let is_token = |text: &str| HeaderName::from_bytes(text.as_bytes()).is_ok() && !text.contains('*');
    match sub {
        "*" if is_token(main) => Ok(format!("{main}/").to_ascii_lowercase().into()),
        _ if is_token(main) && is_token(sub) => Ok(text.to_ascii_lowercase().into()),
        _ => Err(help),
    }
}

/// Networks; a single address is one of its own.
pub(super) fn networks(texts: &[Text], problems: &mut Problems<'_>) -> Vec<IpNet> {
    let network = |text: &str| {
        text.parse()
            .or_else(|_| text.parse().map(|address: std::net::IpAddr| IpNet::from(address)))
            .map_err(|_| "write an IP address, or a network such as \"10.0.0.0/8\"")
    };
    texts.iter().filter_map(|text| problems.parse(text, "a network", network)).collect()
}
