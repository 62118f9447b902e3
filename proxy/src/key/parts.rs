//! Keys read back: what stands in one, for people.

use super::LAYOUT;
use super::frame::{CacheKey, Unframer};

/// What stands in a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyParts<'k> {
    /// Whose answers these are: the upstream's name, and a digest of what its rule has of its own ([`scope`](crate::rules::scope)).
    pub scope: &'k str,
    /// The scheme.
    pub scheme: &'k str,
    /// The host, with a port where it is not the scheme's own.
    pub host: &'k str,
    /// Path and query, as far as they count.
    pub path_and_query: &'k str,
    /// The headers that the rule keys.
    pub headers: Vec<Valued<'k>>,
    /// The cookies that the rule keys.
    pub cookies: Vec<Valued<'k>>,
    /// The class of the device, where the rule keys it.
    pub device: Option<&'k str>,
    /// The fields that the upstream varies by, as they were sent; empty for a primary key.
    pub variant: Vec<Valued<'k>>,
}

/// A name with its values; none where the request had none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Valued<'k> {
    /// The name.
    pub name: &'k str,
    /// The values, in their order.
    pub values: Vec<&'k [u8]>,
}

impl<'k> KeyParts<'k> {
    /// Of a primary key or a variant's; `None` where the bytes are of another layout.
    pub fn of(key: &'k CacheKey) -> Option<Self> {
        let mut bytes = Unframer::of(key.as_bytes());
        // A variant's key begins with what no layout is numbered by.
        if bytes.number()? != 0 {
            return Self::default().with(key.as_bytes());
        }
        let primary = bytes.part()?;
        let variant = fields(&mut Unframer::of(bytes.part()?))?;
        let parts = Self { variant, ..Self::default() }.with(primary)?;
        bytes.is_at_end().then_some(parts)
    }

    fn with(self, primary: &'k [u8]) -> Option<Self> {
        let mut bytes = Unframer::of(primary);
        if bytes.number()? != LAYOUT {
            return None;
        }
        let parts = Self {
            scope: bytes.text()?,
            scheme: bytes.text()?,
            host: bytes.text()?,
            path_and_query: bytes.text()?,
            headers: valued(&mut bytes)?,
            cookies: valued(&mut bytes)?,
            device: if bytes.is_there()? { Some(bytes.text()?) } else { None },
            ..self
        };
        bytes.is_at_end().then_some(parts)
    }

    /// The URL that its requests asked for, as far as it counts.
    pub fn url(&self) -> String {
        [self.scheme, "://", self.host, self.path_and_query].concat()
    }
}

/// The framed primary key of a variant's, and the names of the fields by which it is one; `None` for a primary key.
pub(crate) fn below(framed: &[u8]) -> Option<(&[u8], Vec<&str>)> {
    let mut bytes = Unframer::of(framed);
    if bytes.number()? != 0 {
        return None;
    }
    let primary = bytes.part()?;
    let names = fields(&mut Unframer::of(bytes.part()?))?.into_iter().map(|field| field.name).collect();
    bytes.is_at_end().then_some((primary, names))
}

fn valued<'k>(bytes: &mut Unframer<'k>) -> Option<Vec<Valued<'k>>> {
    (0..bytes.number()?).map(|_| Some(Valued { name: bytes.text()?, values: bytes.list()? })).collect()
}

/// As [`VarySpec::variant`](crate::vary::VarySpec::variant) writes them: with a number for how values are compared.
fn fields<'k>(bytes: &mut Unframer<'k>) -> Option<Vec<Valued<'k>>> {
    let count = bytes.number()?;
    (0..count)
        .map(|_| {
            let name = bytes.text()?;
            bytes.number()?;
            Some(Valued { name, values: bytes.list()? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, header};
    use proptest::prelude::*;

    use super::*;
    use crate::key::{KeyHeader, KeySpec, QuerySpec, Scheme, Target};
    use crate::rules::CacheSettings;
    use crate::store::Variants;
    use crate::vary::{VaryMode, VarySpec};

    fn spec() -> KeySpec {
        KeySpec {
            scope: "origin#1".into(),
            query: QuerySpec::default(),
            headers: vec![KeyHeader { name: HeaderName::from_static("x-shop"), empty_is_absent: false }],
            cookies: vec!["currency".into()],
            device: true,
        }
    }

    proptest! {
        #[test]
        fn what_was_put_in_is_read_back(
            path in "/[a-z]{0,4}", query in "[a-z]{0,3}", shop in proptest::option::of("[a-z]{0,3}"), cookie in "[a-z]{0,3}",
            language in "[a-z]{0,3}",
        ) {
            let mut headers = HeaderMap::new();
            if let Some(shop) = &shop {
                headers.append("x-shop", HeaderValue::from_str(shop).unwrap());
            }
            headers.append(header::COOKIE, HeaderValue::from_str(&format!("currency={cookie}")).unwrap());
            headers.append("x-language", HeaderValue::from_str(&language).unwrap());
            let asked = format!("{path}?{query}");
            let target = Target::parse(Scheme::Https, "Shop.Example", &asked).unwrap();
            let canonical = spec().canonical(&target, &headers);
            let parts = KeyParts::of(&canonical.key).unwrap();
            prop_assert_eq!(parts.url(), format!("https://shop.example{}", canonical.path_and_query));
            prop_assert_eq!((parts.scope, parts.device), ("origin#1", Some("desktop")));
            let values: Vec<&[u8]> = shop.iter().map(String::as_bytes).collect();
            prop_assert_eq!(&parts.headers, &[Valued { name: "x-shop", values }]);
            prop_assert_eq!(&parts.cookies, &[Valued { name: "currency", values: vec![cookie.as_bytes()] }]);
            prop_assert!(parts.variant.is_empty());

            let mut settings = CacheSettings::of_scope("origin".into());
            settings.vary.unknown = VaryMode::Exact;
            let vary = [(header::VARY, HeaderValue::from_static("x-language"))].into_iter().collect();
            let variants = Variants::new(canonical.key.clone(), VarySpec::of(&vary, &settings).unwrap());
            let variant = variants.variant(&headers);
            prop_assert_eq!(super::below(variant.as_bytes()), Some((canonical.key.as_bytes(), vec!["x-language"])));
            prop_assert_eq!(super::below(canonical.key.as_bytes()), None);
            let below = KeyParts::of(&variant).unwrap();
            prop_assert_eq!(&below.variant, &[Valued { name: "x-language", values: vec![language.as_bytes()] }]);
            prop_assert_eq!(KeyParts { variant: Vec::new(), ..below }, parts);
        }

        #[test]
        fn no_bytes_make_it_fail(bytes in proptest::collection::vec(0u8..4, 0..64)) {
            let _ = KeyParts::of(&CacheKey::from_bytes(bytes.into()));
        }
    }
}
