//! Hosts and path prefixes as tags of each object, so that they are purged as tags are (invalidation protocol, rule 4).

use vitrine_shared::tag::Tag;

use crate::key::Target;

/// Most prefixes of one object: longer paths are purged by their first segments.
const MAX_PREFIXES: usize = 8;

/// The tags of a target: its host, and one prefix for each segment of its path.
pub(super) fn tags(target: &Target) -> Vec<Tag> {
    let host = target.host();
    let mut tags = vec![Tag::host(host)];
    let mut prefix = host.to_owned();
    for segment in target.path().split('/').filter(|segment| !segment.is_empty()).take(MAX_PREFIXES) {
        prefix.push('/');
        prefix.push_str(segment);
        tags.push(Tag::prefix(&prefix));
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Scheme;

    fn of(host: &str, path: &str) -> Vec<Tag> {
        tags(&Target::parse(Scheme::Http, host, path).unwrap())
    }

    #[test]
    fn every_segment_begins_a_prefix_that_others_below_it_share() {
        let host = Tag::host("shop.example");
        let products = Tag::prefix("shop.example/store/products");
        assert_eq!(
            of("shop.example", "/store/products?limit=2"),
            [host.clone(), Tag::prefix("shop.example/store"), products.clone()]
        );
        assert!(of("shop.example", "/store/products/prod_1").contains(&products));
        assert!(!of("shop.example", "/store/productsets").contains(&products));
        assert!(!of("other.example", "/store/products").contains(&products));
        assert_eq!(of("shop.example", "/"), [host]);
    }

    #[test]
    fn their_number_is_bounded() {
        assert_eq!(of("h", &"/a".repeat(100)).len(), 1 + MAX_PREFIXES);
    }
}
