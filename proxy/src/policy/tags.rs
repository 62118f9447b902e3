//! What a response says it was made of, in the fields of other systems and in the standard's (RFC 9875).

use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{BareItem, List, ListEntry, Parser};
use vitrine_shared::tag::Tag;

use crate::reason::NotStored;
use crate::upstream::TagHeader;

/// Most tags of one response. One that has more is not stored: a tag that is dropped would be a purge that is lost.
const MAX_TAGS: usize = 1_000;

/// The groups of a response (RFC 9875 §2).
const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");
/// The groups that the response to an unsafe request invalidates (RFC 9875 §3).
const CACHE_GROUP_INVALIDATION: HeaderName = HeaderName::from_static("cache-group-invalidation");

/// The tags that these fields of a response name, sorted and without repeats, each in the form that a purge of the same text has
/// ([`Tag::from_foreign`]; [`Tag::cache_group`] of `origin`, such as `https://shop.example`, since groups of other origins are other
/// groups, RFC 9875 §2.1).
///
/// A field that cannot be read is an error, and so are too many tags: what cannot be purged must not be stored.
pub fn tags_of(response: &HeaderMap, fields: &[TagHeader], origin: &str) -> Result<Vec<Tag>, NotStored> {
    let mut tags = Vec::new();
    for field in fields {
        match field {
            TagHeader::CacheGroups => {
                let groups = strings(response, &CACHE_GROUPS).ok_or(NotStored::Protocol)?;
                tags.extend(groups.iter().map(|group| Tag::cache_group(origin, group)));
            }
            TagHeader::SpaceSeparated(name) => read(response, name, |byte| byte == ' ' || byte == '\t', &mut tags)?,
            TagHeader::CommaSeparated(name) => read(response, name, |byte| byte == ',', &mut tags)?,
            TagHeader::Separated(name) => read(response, name, |byte| matches!(byte, ' ' | '\t' | ','), &mut tags)?,
        }
    }
    tags.sort_unstable();
    tags.dedup();
    if tags.len() > MAX_TAGS { Err(NotStored::TooManyTags) } else { Ok(tags) }
}

/// The groups that a response to an unsafe request invalidates (RFC 9875 §3), of this origin; none where the field cannot be read.
///
/// On responses to safe requests the field means nothing, and must not be asked for.
pub fn invalidated_groups(response: &HeaderMap, origin: &str) -> Vec<Tag> {
    let groups = strings(response, &CACHE_GROUP_INVALIDATION).unwrap_or_default();
    groups.iter().map(|group| Tag::cache_group(origin, group)).collect()
}

/// Takes these fields out of what clients see; but not Cache-Groups, which caches nearer to the client may use.
pub fn remove_tag_fields(response: &mut HeaderMap, fields: &[TagHeader]) {
    for name in fields.iter().filter_map(TagHeader::hidden) {
        response.remove(name);
    }
}

/// Whether a 304 leaves out one of the fields that [`remove_tag_fields`] takes: the tags of the stored response then still count
/// (RFC 9111 §3.2).
pub fn lacks_tag_fields(not_modified: &HeaderMap, fields: &[TagHeader]) -> bool {
    fields.iter().any(|field| *field != TagHeader::CacheGroups && !not_modified.contains_key(field.name()))
}

fn read(
    response: &HeaderMap,
    name: &HeaderName,
    separates: impl Fn(char) -> bool,
    tags: &mut Vec<Tag>,
) -> Result<(), NotStored> {
    for line in response.get_all(name) {
        let text = std::str::from_utf8(line.as_bytes()).map_err(|_| NotStored::Protocol)?;
        tags.extend(text.split(&separates).filter_map(|part| Tag::from_foreign(part.trim())));
    }
    Ok(())
}

/// A List of Strings (RFC 9651 §3.1), parameters ignored; empty where the field is absent, `None` where it is no such list.
fn strings(response: &HeaderMap, name: &HeaderName) -> Option<Vec<String>> {
    let mut list = List::new();
    for line in response.get_all(name).iter().map(HeaderValue::as_bytes) {
        list = Parser::new(line).parse_list_with_visitor(list).ok()?;
    }
    let string = |entry: ListEntry| match entry {
        ListEntry::Item(item) => match item.bare_item {
            BareItem::String(text) => Some(text.into()),
            _ => None,
        },
        ListEntry::InnerList(_) => None,
    };
    list.into_iter().map(string).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORIGIN: &str = "https://shop.example";

    fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        fields
    }

    fn headers(names: &[&str]) -> Vec<TagHeader> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn of(names: &[&str], lines: &[(&'static str, &str)]) -> Result<Vec<String>, NotStored> {
        let tags = tags_of(&fields(lines), &headers(names), ORIGIN)?;
        Ok(tags.iter().map(|tag| tag.as_str().to_owned()).collect())
    }

    #[test]
    fn each_field_is_read_as_its_makers_write_it() {
        for (name, line, expected) in [
            ("surrogate-key", "b  a,x a", &["a%2Cx", "a", "b"][..]),
            ("cache-tag", "a b, c,,c", &["a%20b", "c"]),
            ("x-magento-tags", "cat_c_3,store", &["cat_c_3", "store"]),
            ("x-own", "a b,c", &["a", "b", "c"]),
            ("x-own", "\u{f8}", &["%C3%B8"]),
            ("x-own", "", &[]),
        ] {
            let mut expected: Vec<String> = expected.iter().map(|&tag| tag.to_owned()).collect();
            expected.sort_unstable();
            assert_eq!(of(&[name], &[(name, line)]), Ok(expected), "{name}: {line}");
        }
        let both = &[("surrogate-key", "a"), ("surrogate-key", "b"), ("cache-tag", "c")];
        assert_eq!(
            of(&["Surrogate-Key"], both),
            Ok(vec!["a".to_owned(), "b".to_owned()]),
            "all lines, named fields only"
        );
    }

    #[test]
    fn a_purge_of_the_same_text_reaches_it() {
        for text in ["cat_p_12", "a b", "\u{f8}%", &"x".repeat(500)] {
            let tags = tags_of(&fields(&[("cache-tag", text)]), &headers(&["cache-tag"]), ORIGIN).unwrap();
            assert_eq!(tags, [Tag::from_foreign(text).unwrap()]);
        }
    }

    #[test]
    fn groups_are_strings_of_one_origin() {
        let groups = |line: &str| of(&["cache-groups"], &[("cache-groups", line)]);
        let group = |name: &str| Tag::cache_group(ORIGIN, name).as_str().to_owned();
        assert_eq!(groups("\"b\", \"a\";x=1, \"a\""), Ok(vec![group("a"), group("b")]), "RFC 9875 §2");
        assert_ne!(Tag::cache_group("https://other.example", "a").as_str(), group("a"), "RFC 9875 §2.1");
        for line in ["a", "\"a", "(\"a\")", "1", "\"a\",", "\"a\" \"b\""] {
            assert_eq!(groups(line), Err(NotStored::Protocol), "no List of Strings: {line}");
        }
        assert_eq!(groups(""), Ok(Vec::new()));
    }

    #[test]
    fn what_cannot_be_purged_is_not_stored() {
        let many: Vec<String> = (0..=MAX_TAGS).map(|n| n.to_string()).collect();
        assert_eq!(of(&["cache-tag"], &[("cache-tag", &many.join(","))]), Err(NotStored::TooManyTags));
        assert_eq!(of(&["cache-tag"], &[("cache-tag", &many[1..].join(","))]).map(|tags| tags.len()), Ok(MAX_TAGS));
        let mut binary = HeaderMap::new();
        binary.insert("cache-tag", HeaderValue::from_bytes(b"a\xff").unwrap());
        assert_eq!(tags_of(&binary, &headers(&["cache-tag"]), ORIGIN), Err(NotStored::Protocol), "no text has it");
    }

    #[test]
    fn an_unsafe_request_invalidates_the_groups_that_its_response_names() {
        let of = |line: &str| invalidated_groups(&fields(&[("cache-group-invalidation", line)]), ORIGIN);
        assert_eq!(of("\"a\", \"b\""), [Tag::cache_group(ORIGIN, "a"), Tag::cache_group(ORIGIN, "b")], "RFC 9875 §3");
        assert_eq!(of("a"), []);
        assert_eq!(invalidated_groups(&HeaderMap::new(), ORIGIN), []);
    }

    #[test]
    fn clients_see_groups_only() {
        let names = headers(&["cache-groups", "surrogate-key", "x-own"]);
        let mut response =
            fields(&[("cache-groups", "\"a\""), ("surrogate-key", "a"), ("x-own", "a"), ("cache-tag", "a")]);
        assert!(!lacks_tag_fields(&response, &names));
        remove_tag_fields(&mut response, &names);
        assert_eq!(response, fields(&[("cache-groups", "\"a\""), ("cache-tag", "a")]));
        assert!(lacks_tag_fields(&response, &names));
        assert!(!lacks_tag_fields(&HeaderMap::new(), &headers(&["cache-groups"])), "it is stored as any field");
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "[ -~]{0,40}") {
            let names = ["cache-groups", "surrogate-key", "cache-tag", "x-own"];
            for name in names {
                let _ = of(&[name], &[(name, &line)]);
            }
            let _ = invalidated_groups(&fields(&[("cache-group-invalidation", &line)]), ORIGIN);
        }
    }
}
