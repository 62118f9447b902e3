//! What a client prefers of what a rule offers: Accept-Language and Accept with their weights (RFC 9110 §12.4, §12.5; RFC 4647 §3).

use std::cmp::Reverse;

use http::{HeaderMap, HeaderName};
use smallvec::SmallVec;

use crate::weighted::{Member, members};

/// Most members of a field that are read; those behind are not.
const MAX_MEMBERS: usize = 32;

/// One member: what it names, and how much it is wanted, in thousandths; zero refuses.
#[derive(Clone, Copy, Debug)]
struct Preference<'h> {
    range: &'h [u8],
    quality: u16,
}

/// Members that are wanted, the most wanted first and else in their order; and those that are refused.
struct Preferences<'h> {
    wanted: SmallVec<[Preference<'h>; 8]>,
    refused: SmallVec<[&'h [u8]; 2]>,
}

/// The best of the offered languages for the request: for each of its ranges, the most wanted first, by lookup (RFC 4647 §3.4), or
/// where that finds none the first that the range covers (§3.3.1). `None` where nothing matches, or nothing is asked.
pub(super) fn best_language<'o>(request: &HeaderMap, name: &HeaderName, offered: &'o [Box<str>]) -> Option<&'o str> {
    let Preferences { wanted, refused } = Preferences::of(request, name);
    let is_refused = |offer: &str| refused.iter().any(|range| covers(range, offer));
    let of_any = || {
        let is_named = |offer: &str| wanted.iter().any(|named| covers(named.range, offer));
        offered.iter().find(|offer| !is_named(offer) && !is_refused(offer))
    };
    let found = wanted.iter().find_map(|Preference { range, .. }| {
        if *range == b"*" {
            return of_any();
        }
        let exactly = |tag: &[u8]| offered.iter().find(|offer| offer.as_bytes().eq_ignore_ascii_case(tag));
        exactly(range)
            .or_else(|| offered.iter().find(|offer| covers(range, offer) && !is_refused(offer)))
            .or_else(|| shortened(range).find_map(exactly).filter(|offer| !is_refused(offer)))
    });
    found.map(|offer| &**offer)
}

/// The best of the offered media types: that of the highest weight, where the most specific member counts for each (RFC 9110 §12.5.1);
/// of equal ones that which the client named more exactly, then the first. `None` where none is accepted, or nothing is asked.
pub(super) fn best_type<'o>(request: &HeaderMap, name: &HeaderName, offered: &'o [Box<str>]) -> Option<&'o str> {
    let Preferences { wanted, refused } = Preferences::of(request, name);
    let refused = refused.iter().map(|&range| Preference { range, quality: 0 });
    let all: SmallVec<[Preference<'_>; 8]> = wanted.iter().copied().chain(refused).collect();
    let rated = offered.iter().filter_map(|offer| {
        let ratings = all.iter().filter_map(|member| Some((specificity(member.range, offer)?, member.quality)));
        let (specificity, quality) = ratings.max_by_key(|&(specificity, quality)| (specificity, Reverse(quality)))?;
        (quality > 0).then_some((offer, (quality, specificity)))
    });
    // The first of the highest.
    let best = rated.reduce(|best, other| if other.1 > best.1 { other } else { best });
    best.map(|(offer, _)| &**offer)
}

// === impl Preferences ===

impl<'h> Preferences<'h> {
    fn of(request: &'h HeaderMap, name: &HeaderName) -> Self {
        let mut found = Self { wanted: SmallVec::new(), refused: SmallVec::new() };
        for Member { name: range, weight } in members(request, name).take(MAX_MEMBERS) {
            match weight {
                Some(0) => found.refused.push(range),
                Some(quality) => found.wanted.push(Preference { range, quality }),
                // A range with parameters is of something narrower than what is offered; other text is no weight.
                None => {}
            }
        }
        found.wanted.sort_by_key(|member| Reverse(member.quality));
        found
    }
}

/// Whether a language range covers a tag by basic filtering: it is equal, or a prefix up to a `-` (RFC 4647 §3.3.1).
fn covers(range: &[u8], tag: &str) -> bool {
    let tag = tag.as_bytes();
    match tag.get(..range.len()) {
        Some(head) if head.eq_ignore_ascii_case(range) => matches!(tag.get(range.len()), None | Some(b'-')),
        _ => false,
    }
}

/// A range without its last subtag, and so on; a single letter left at the end goes with the one behind it (RFC 4647 §3.4).
fn shortened(range: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(cut(range), |range| cut(range))
}

fn cut(range: &[u8]) -> Option<&[u8]> {
    let dash = memchr::memrchr(b'-', range)?;
    let shorter = &range[..dash];
    let is_single = shorter.len() == 1 || shorter.len() > 1 && shorter[shorter.len() - 2] == b'-';
    if is_single { cut(shorter) } else { Some(shorter) }
}

/// How exactly a media range names a type: 3 for the type itself, 2 for `text/*`, 1 for `*/*`; `None` where it does not.
fn specificity(range: &[u8], offer: &str) -> Option<u8> {
    let offer = offer.as_bytes();
    if range == b"*/*" {
        Some(1)
    } else if range.eq_ignore_ascii_case(offer) {
        Some(3)
    } else {
        let major = range.strip_suffix(b"*").filter(|major| major.ends_with(b"/"))?;
        offer.get(..major.len()).is_some_and(|head| head.eq_ignore_ascii_case(major)).then_some(2)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header};
    use proptest::prelude::*;

    use super::*;

    fn request(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for line in lines {
            fields.append(name.clone(), HeaderValue::from_str(line).unwrap());
        }
        fields
    }

    fn offers(offered: &[&str]) -> Vec<Box<str>> {
        offered.iter().map(|&offer| offer.into()).collect()
    }

    fn language(asked: &str, offered: &[&str]) -> Option<String> {
        let fields = request(&header::ACCEPT_LANGUAGE, &[asked]);
        best_language(&fields, &header::ACCEPT_LANGUAGE, &offers(offered)).map(str::to_owned)
    }

    fn media_type(asked: &str, offered: &[&str]) -> Option<String> {
        best_type(&request(&header::ACCEPT, &[asked]), &header::ACCEPT, &offers(offered)).map(str::to_owned)
    }

    #[test]
    fn languages_are_looked_up() {
        for (asked, offered, expected, why) in [
            ("de", &["en", "de"][..], Some("de"), "RFC 4647 §3.4"),
            ("DE, en", &["en", "de"], Some("de"), "§2: tags in any case; equal weights by their order"),
            ("en;q=0.5, de;q=0.9", &["en", "de"], Some("de"), "RFC 9110 §12.5.4: by weight"),
            ("de-CH-1996", &["en", "de"], Some("de"), "RFC 4647 §3.4: shortened"),
            ("zh-Hant-CN-x-private1", &["zh", "zh-Hant"], Some("zh-Hant"), "§3.4: the most specific"),
            ("zh-x-private1", &["zh-x", "zh"], Some("zh"), "§3.4: a single letter goes too"),
            ("de", &["en-US", "de-DE"], Some("de-DE"), "§3.3.1: a range covers longer tags"),
            ("en-GB", &["en-US", "de"], None, "another region is another tag"),
            ("fr, en-GB, en;q=0.7", &["en-US", "de"], Some("en-US"), "the first range that something matches"),
            ("fr", &["en", "de"], None, "nothing matches"),
            ("", &["en"], None, "nothing asked"),
            ("*", &["en", "de"], Some("en"), "any: the first"),
            ("en;q=0.1, *", &["en", "de"], Some("de"), "§3.4: any other"),
            ("de;q=0, *", &["de", "en"], Some("en"), "RFC 9110 §12.5.4: refused"),
            ("en;q=0, en-GB", &["en", "en-GB"], Some("en-GB"), "what is named itself is not refused"),
            ("en-GB, en;q=0", &["en"], None, "refused"),
            ("de;q=2, en", &["de", "en"], Some("en"), "no weight"),
            ("de;x=1, en", &["de", "en"], Some("en"), "no weight"),
        ] {
            assert_eq!(language(asked, offered).as_deref(), expected, "{asked} of {offered:?}: {why}");
        }
        let fields = request(&header::ACCEPT_LANGUAGE, &["fr", "de"]);
        assert_eq!(best_language(&fields, &header::ACCEPT_LANGUAGE, &offers(&["de"])), Some("de"), "all lines");
    }

    #[test]
    fn media_types_are_weighed() {
        let offered = &["text/html", "application/json"];
        for (asked, expected, why) in [
            ("application/json", Some("application/json"), "RFC 9110 §12.5.1"),
            ("Text/HTML", Some("text/html"), "§8.3.1: in any case"),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some("text/html"), "a browser"),
            ("application/json, text/plain, */*", Some("application/json"), "the one named more exactly"),
            ("*/*", Some("text/html"), "any: the first"),
            ("text/*;q=0.3, */*;q=0.5", Some("application/json"), "the most specific range counts for each"),
            (
                "text/html;q=0.5, application/*;q=0.9, */*;q=0.1",
                Some("application/json"),
                "though a wider one says less",
            ),
            ("text/html;q=0, */*", Some("application/json"), "refused"),
            ("text/html;level=1, application/json;q=0.1", Some("application/json"), "narrower than what is offered"),
            ("image/png", None, "nothing is accepted"),
            ("application/json;q=0", None, "refused"),
            ("text/htm", None, "another type"),
            ("/*", None, "no range"),
            ("", None, "nothing asked"),
        ] {
            assert_eq!(media_type(asked, offered).as_deref(), expected, "{asked}: {why}");
        }
    }

    proptest! {
        /// What is sent in place of the field says the same: it is found again.
        #[test]
        fn the_choice_stays_the_choice(asked in "[a-c*;q=0.19, -]{0,30}") {
            let tags = ["a", "b-c", "c-a-b", "a-b"];
            if let Some(choice) = language(&asked, &tags) {
                prop_assert_eq!(language(&choice, &tags), Some(choice));
            }
            let types = ["a/b", "b/c", "a/c"];
            if let Some(choice) = media_type(&asked.replace('-', "/"), &types) {
                prop_assert_eq!(media_type(&choice, &types), Some(choice));
            }
        }

        #[test]
        fn no_field_panics(asked in "[ -~]{0,40}") {
            let _ = (language(&asked, &["en-US", "de"]), media_type(&asked, &["text/html"]));
        }
    }
}
