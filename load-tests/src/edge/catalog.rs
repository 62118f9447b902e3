//! What can be asked for: objects whose path says all about them, so that origin, load and floor agree without a table.
//!
//! They are pictures, which nobody compresses: every contender sends the same bytes.

use std::fmt::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;

/// Objects whose number differs by less have different bodies.
const DISTINCT_BODIES: usize = 1 << 21;
/// The largest body, in bytes.
pub(super) const LARGEST: usize = 100 << 10;
/// How many tags an object has.
pub(super) const TAGS: u32 = 30;
/// Objects that share tags with each other and with no others: numbers with the same millions.
const SHELF: u32 = 1_000_000;
/// Tags that all of a shelf have.
const CATALOGS: u32 = 5;

/// One object: its number and the length of its body in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Object {
    pub(super) id: u32,
    pub(super) bytes: usize,
}

/// Bytes that nothing compresses, of which every body is a part.
static NOISE: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let words = (DISTINCT_BODIES + LARGEST).div_ceil(8);
    let mut noise = Vec::with_capacity(words * 8);
    for _ in 0..words {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        noise.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    Bytes::from(noise)
});

impl Object {
    /// Its path and, for every other object, a query, as image services have it.
    pub(super) fn target(self) -> String {
        let Self { id, bytes } = self;
        let query = if id.is_multiple_of(2) { String::new() } else { format!("?v={:x}&width=640", id ^ 0x5f3a) };
        format!("/media/{bytes}/{id:07}-linen-shirt.avif{query}")
    }

    /// The object that a target names.
    pub(super) fn of_target(target: &str) -> Option<Self> {
        let (bytes, rest) = target.strip_prefix("/media/")?.split_once('/')?;
        let (id, _) = rest.split_once('-')?;
        let object = Self { id: id.parse().ok()?, bytes: bytes.parse().ok()? };
        (object.bytes <= LARGEST && object.target() == target).then_some(object)
    }

    /// Its body, without a copy.
    pub(super) fn body(self) -> Bytes {
        // An odd factor makes neighbours differ and repeats nothing within the range.
        let start = (self.id as usize).wrapping_mul(40_503) % DISTINCT_BODIES;
        NOISE.slice(start..start + self.bytes)
    }

    /// Its entity tag, quotes included.
    pub(super) fn etag(self) -> String {
        format!("\"{:x}-{:x}\"", self.bytes, self.id)
    }

    /// The fields that the origin sends with it, in order, Date and Content-Length not among them.
    pub(super) fn fields(self) -> [(&'static str, String); 9] {
        [
            ("server", "media/2.3".to_owned()),
            ("content-type", "image/avif".to_owned()),
            ("cache-control", "public, max-age=86400".to_owned()),
            ("etag", self.etag()),
            ("last-modified", "Tue, 04 Nov 2025 09:12:44 GMT".to_owned()),
            ("accept-ranges", "bytes".to_owned()),
            ("access-control-allow-origin", "*".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
            ("timing-allow-origin", "*".to_owned()),
        ]
    }

    /// Its tags, with spaces between: some its own, most shared with others, as of a shop.
    pub(super) fn tags(self) -> String {
        let id = self.id;
        let mut tags = own_tag(id);
        for number in 0..CATALOGS {
            let _ = write!(tags, " {}", tag_of_a_shelf(id, number));
        }
        let _ = write!(tags, " {} {}", tag_of_a_hundredth(id), tag_of_ten(id));
        for number in CATALOGS + 3..TAGS {
            let _ = match number % 5 {
                0 => write!(tags, " variant-{}", u64::from(id) * 8 + u64::from(number)),
                1 => write!(tags, " category-{}", (id / 7 + number * 37) % 4_000),
                2 => write!(tags, " collection-{}", (id / 3 + number * 11) % 900),
                3 => write!(tags, " price-list-{}", (id + number) % 60),
                _ => write!(tags, " region-{number}"),
            };
        }
        tags
    }
}

/// The tag that one object alone has.
pub(super) fn own_tag(id: u32) -> String {
    format!("product-{id}")
}

/// A tag of this object that the ten around it have.
pub(super) fn tag_of_ten(id: u32) -> String {
    format!("launch-{}", id / 10)
}

/// A tag of this object that each hundredth of its shelf has: 10,000 of a million.
pub(super) fn tag_of_a_hundredth(id: u32) -> String {
    format!("season-{}-{}", id / SHELF, id % 100)
}

/// A tag of this object that all of its shelf have: a million. There are several.
pub(super) fn tag_of_a_shelf(id: u32, number: u32) -> String {
    format!("catalog-{}-{}", id / SHELF, number % CATALOGS)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn a_target_says_which_object_it_is() {
        for object in [Object { id: 0, bytes: 1024 }, Object { id: 2_000_001, bytes: 200 }] {
            assert_eq!(Object::of_target(&object.target()), Some(object));
        }
        for bad in
            ["/", "/media/1024/x-y", "/media/999999999/0000001-linen-shirt.avif", "/media/1024/0000002-other.avif"]
        {
            assert_eq!(Object::of_target(bad), None, "{bad}");
        }
    }

    #[test]
    fn bodies_have_their_length_and_differ() {
        let bodies: BTreeSet<_> = (0..1_000).map(|id| Object { id, bytes: 64 }.body()).collect();
        assert_eq!(bodies.len(), 1_000);
        assert!(bodies.iter().all(|body| body.len() == 64));
    }

    #[test]
    fn each_object_has_thirty_tags_and_shares_them_with_as_many_as_they_say() {
        let mut held: BTreeMap<String, u32> = BTreeMap::new();
        for id in 2_000_000..2_001_000 {
            let tags = Object { id, bytes: 1 }.tags();
            let distinct: BTreeSet<_> = tags.split(' ').map(str::to_owned).collect();
            assert_eq!(distinct.len(), TAGS as usize, "{tags}");
            for tag in distinct {
                *held.entry(tag).or_default() += 1;
            }
        }
        let id = 2_000_017;
        let tags = [own_tag(id), tag_of_ten(id), tag_of_a_hundredth(id), tag_of_a_shelf(id, 4)];
        assert_eq!(tags.map(|tag| held[&tag]), [1, 10, 10, 1_000]);
    }
}
