//! Addresses as tags of each object, so that a URL, a path prefix and a host are purged as tags are (invalidation protocol,
//! rule 4).

use vitrine_shared::tag::Tag;

use crate::key::Target;

/// Most prefixes of one object: longer paths are purged by their first segments.
pub const MAX_PREFIXES: usize = 8;

/// The tags of what is stored for a target: its URL, its host, and one prefix for each segment of its path.
///
/// `path_and_query` is what the key holds of it. The URL's tag is the same for both schemes and for all headers and cookies
/// that the key holds, so that purging a URL reaches all of its variants.
pub fn tags(target: &Target, path_and_query: &str) -> Vec<Tag> {
    let host = target.host();
    let mut tags = vec![url(target, path_and_query), Tag::host(host)];
    let mut prefix = host.to_owned();
    for segment in segments(target.path()).take(MAX_PREFIXES) {
        prefix.push('/');
        prefix.push_str(segment);
        tags.push(Tag::prefix(&prefix));
    }
    tags
}

/// The tag of a URL, of which the key holds this path and query.
pub fn url(target: &Target, path_and_query: &str) -> Tag {
    Tag::url(&[target.host(), path_and_query].concat())
}

/// The segments of a path that begin prefixes; empty ones do not.
pub(super) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Scheme;

    fn of(host: &str, path: &str) -> Vec<Tag> {
        let target = Target::parse(Scheme::Http, host, path).unwrap();
        tags(&target, path)
    }

    #[test]
    fn every_segment_begins_a_prefix_that_others_below_it_share() {
        let host = Tag::host("shop.example");
        let products = Tag::prefix("shop.example/store/products");
        assert_eq!(
            of("shop.example", "/store/products?limit=2"),
            [
                Tag::url("shop.example/store/products?limit=2"),
                host.clone(),
                Tag::prefix("shop.example/store"),
                products.clone()
            ]
        );
        assert!(of("shop.example", "/store/products/prod_1").contains(&products));
        assert!(!of("shop.example", "/store/productsets").contains(&products));
        assert!(!of("other.example", "/store/products").contains(&products));
        assert_eq!(of("shop.example", "/"), [Tag::url("shop.example/"), host]);
    }

    #[test]
    fn their_number_is_bounded() {
        assert_eq!(of("h", &"/a".repeat(100)).len(), 2 + MAX_PREFIXES);
    }

    #[test]
    fn a_url_is_the_same_by_both_schemes() {
        let of = |scheme, host| url(&Target::parse(scheme, host, "/a").unwrap(), "/a");
        assert_eq!(of(Scheme::Http, "shop.example:80"), of(Scheme::Https, "shop.example:443"));
        assert_ne!(of(Scheme::Http, "shop.example:8080"), of(Scheme::Http, "shop.example"));
    }
}
