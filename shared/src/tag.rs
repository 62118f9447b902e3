//! Tags: what an object was made of, and what could have been in it.
//!
//! The constructors below are the whole vocabulary; [`crate::event::Change::tags`] is the one table of who emits which.

use std::fmt;
use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

/// Longest tag that is taken from outside, in bytes.
pub const MAX_TAG_LEN: usize = 256;

/// A tag in text form: visible ASCII without space, comma or quote, at most [`MAX_TAG_LEN`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

/// The 64-bit hash under which caches hold a tag. A collision only purges too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TagHash(pub u64);

/// The text cannot be a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// Nothing in it.
    #[error("a tag cannot be empty")]
    Empty,
    /// Over [`MAX_TAG_LEN`].
    #[error("a tag of {0} bytes is too long: at most {MAX_TAG_LEN}")]
    TooLong(usize),
    /// A byte that the header form cannot carry.
    #[error("a tag holds visible ASCII without space, comma or quote; found byte 0x{0:02x}")]
    Byte(u8),
}

// === impl Tag ===

impl Tag {
    /// A tag from text of outside, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        if text.is_empty() {
            return Err(TagError::Empty);
        }
        if text.len() > MAX_TAG_LEN {
            return Err(TagError::TooLong(text.len()));
        }
        match text.bytes().find(|&byte| !is_tag_byte(byte)) {
            Some(byte) => Err(TagError::Byte(byte)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// A tag as another system writes it (`Surrogate-Key`, `X-Magento-Tags`): as it is where it can be a tag, else
    /// percent-encoded; an over-long one is replaced by its hash. `None` where there is nothing in it.
    pub fn from_foreign(text: &str) -> Option<Self> {
        match Self::parse(text) {
            Ok(tag) => Some(tag),
            Err(TagError::Empty) => None,
            Err(TagError::TooLong(_)) => Some(Self(format!("%{:016x}", hash(text.as_bytes()).0))),
            Err(TagError::Byte(_)) => {
                let mut encoded = String::with_capacity(text.len() + 8);
                encode(text, &mut encoded);
                let too_long = encoded.len() > MAX_TAG_LEN;
                Some(Self(if too_long { format!("%{:016x}", hash(text.as_bytes()).0) } else { encoded }))
            }
        }
    }

    /// `kind:value`, the value percent-encoded where a tag could not carry it; an over-long value is replaced by its hash.
    pub fn of(kind: &str, value: &str) -> Self {
        let mut text = String::with_capacity(kind.len() + 1 + value.len());
        text.push_str(kind);
        text.push(':');
        encode(value, &mut text);
        if text.len() > MAX_TAG_LEN {
            text = format!("{kind}:%{:016x}", hash(value.as_bytes()).0);
        }
        Self(text)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash under which caches hold it.
    pub fn hash(&self) -> TagHash {
        hash(self.0.as_bytes())
    }
}

macro_rules! vocabulary {
    ($($(#[$doc:meta])* $name:ident => $kind:literal;)*) => {
        impl Tag {
            $($(#[$doc])* pub fn $name(value: &str) -> Self { Self::of($kind, value) })*
        }
    };
}

vocabulary! {
    /// Shows this product.
    product => "product";
    /// Shows this product variant.
    variant => "variant";
    /// Shows this category.
    category => "category";
    /// Shows this collection.
    collection => "collection";
    /// Shows this product tag.
    product_tag => "product-tag";
    /// Shows this product type.
    product_type => "product-type";
    /// Shows this region, or prices computed for it.
    region => "region";
    /// Shows prices of this price list.
    price_list => "price_list";
    /// Was answered for this publishable key (by id).
    api_key => "api_key";
    /// Was answered for this sales channel.
    sales_channel => "sales_channel";
    /// Depends on the product, or the absence of one, under this handle.
    product_handle => "product-handle";
    /// Depends on the category, or the absence of one, under this handle.
    category_handle => "category-handle";
    /// Depends on the collection, or the absence of one, under this handle.
    collection_handle => "collection-handle";
    /// Shows the exact stock of this variant.
    stock => "stock";
    /// Shows whether this variant is in, low or out of stock.
    availability => "availability";
    /// Is this file of the media bucket, by key.
    file => "file";
    /// A list of the products in a category.
    products_of_category => "products:category";
    /// A list of the products of a collection.
    products_of_collection => "products:collection";
    /// A list of the products that carry a product tag.
    products_of_tag => "products:tag";
    /// A list of the products of a type.
    products_of_type => "products:type";
    /// A list of the products sold in a channel.
    products_of_channel => "products:channel";
    /// Was asked for under this host; on every object (rule 4), so that a host is purged like any tag.
    host => "host";
    /// Was asked for under this host and path prefix, as in `shop.example/products`; on every object, one for each segment.
    prefix => "prefix";
    /// Was asked for under this URL, without its scheme, as the cache's key holds it; on every object.
    url => "url";
    /// All entries of a kind, as in `all:regions`: for lists of small sets.
    all => "all";
}

impl Tag {
    /// A product list whose members, order or count any product's change may alter.
    pub fn products_any() -> Self {
        Self("products:any".to_owned())
    }

    /// Belongs to this cache group of this origin, such as `https://shop.example` (RFC 9875 §2.1).
    pub fn cache_group(origin: &str, name: &str) -> Self {
        // An origin holds no space, so each pair has a text of its own.
        Self::of("group", &[origin, " ", name].concat())
    }

    /// The coarse tag of everything that shows a product; it replaces finer ones where there would be too many.
    pub fn products() -> Self {
        Self("products".to_owned())
    }
}

/// The hash of a tag's text. The key is fixed: every node must compute the same.
pub fn hash(text: &[u8]) -> TagHash {
    let mut hasher = SipHasher13::new_with_keys(0x7669_7472_696e_6521, 0x7461_6773_2076_3100);
    hasher.write(text);
    TagHash(hasher.finish())
}

/// Percent-encodes what a tag cannot carry, and `%` itself.
fn encode(value: &str, text: &mut String) {
    for byte in value.bytes() {
        if is_tag_byte(byte) && byte != b'%' {
            text.push(char::from(byte));
        } else {
            use fmt::Write as _;
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b',' && byte != b'"'
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Tag {
    type Error = TagError;

    fn try_from(text: String) -> Result<Self, TagError> {
        Self::parse(&text)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_so_that_different_values_stay_different() {
        assert_eq!(Tag::product_handle("a b").as_str(), "product-handle:a%20b");
        assert_eq!(Tag::product_handle("a%20b").as_str(), "product-handle:a%2520b");
        assert_eq!(Tag::product_handle("ø").as_str(), "product-handle:%C3%B8");
        assert_ne!(Tag::product("1"), Tag::variant("1"));
    }

    #[test]
    fn an_over_long_value_still_makes_a_valid_tag_of_its_own() {
        let one = Tag::product_handle(&"x".repeat(5_000));
        let other = Tag::product_handle(&"x".repeat(5_001));
        assert_ne!(one, other);
        assert_eq!(Tag::parse(one.as_str()), Ok(one));
    }

    #[test]
    fn foreign_tags_stay_as_they_are_written_where_they_can() {
        assert_eq!(Tag::from_foreign("cat_p_12").unwrap().as_str(), "cat_p_12");
        assert_eq!(Tag::from_foreign("a%20b").unwrap().as_str(), "a%20b");
        assert_eq!(Tag::from_foreign("\u{f8} \"").unwrap().as_str(), "%C3%B8%20%22");
        assert_eq!(Tag::from_foreign(""), None);
        let long = "\u{f8}".repeat(100);
        for text in ["x".repeat(5_000), "x".repeat(5_001), long] {
            let tag = Tag::from_foreign(&text).unwrap();
            assert_eq!(Tag::parse(tag.as_str()), Ok(tag));
        }
        assert_ne!(Tag::from_foreign(&"x".repeat(5_000)), Tag::from_foreign(&"x".repeat(5_001)));
    }

    #[test]
    fn text_of_outside_is_checked() {
        assert_eq!(Tag::parse(""), Err(TagError::Empty));
        assert_eq!(Tag::parse("a b"), Err(TagError::Byte(b' ')));
        assert_eq!(Tag::parse("a,b"), Err(TagError::Byte(b',')));
        assert_eq!(Tag::parse("\u{e9}"), Err(TagError::Byte(0xc3)));
        assert!(matches!(Tag::parse(&"x".repeat(257)), Err(TagError::TooLong(257))));
    }

    #[test]
    fn the_hash_is_part_of_the_wire_contract() {
        assert_eq!(Tag::products_any().hash(), hash(b"products:any"));
        assert_ne!(hash(b"products:any"), hash(b"products"));
    }
}
