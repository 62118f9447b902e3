//! Which entities a JSON document shows: read from the document itself, so that nothing shown goes untagged.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use vitrine_shared::tag::Tag;

use super::graph::{Entity, Relation};
use super::selection::Selection;

/// Adds the tags of all entities that `document`, made by `selection`, shows.
pub fn collect(document: &str, selection: &Selection, tags: &mut BTreeSet<Tag>) -> Result<(), serde_json::Error> {
    if !worth_reading(selection) {
        return Ok(());
    }
    let mut reader = serde_json::Deserializer::from_str(document);
    Mentions { entity: selection.entity(), tags }.deserialize(&mut reader)
}

/// Whether anything below the root has a tag; the root's own is known from its key.
fn worth_reading(selection: &Selection) -> bool {
    fn below(selection: &Selection, from: Option<&'static Relation>) -> bool {
        selection.references(from).any(|relation| relation.target.tag.is_some())
            || selection
                .children()
                .any(|child| child.relation.target.tag.is_some() || below(child.selection, Some(child.relation)))
    }
    below(selection, None)
}

struct Mentions<'t> {
    entity: &'static Entity,
    tags: &'t mut BTreeSet<Tag>,
}

impl<'de> DeserializeSeed<'de> for Mentions<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Mentions<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, an array of objects, or null")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { entity, tags } = self;
        while seq.next_element_seed(Mentions { entity, tags: &mut *tags })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // Postgres writes columns before relations, so the key is known by then.
        let mut own = None;
        while let Some(name) = map.next_key::<String>()? {
            if name == self.entity.key {
                let key: String = map.next_value()?;
                self.tags.extend(self.entity.tag.map(|tag| tag(&key)));
                own = Some(key);
            } else if let Some((_, relation)) = self.entity.relation(&name) {
                self.tags.extend(own.as_deref().zip(relation.members).map(|(own, members)| members(own)));
                map.next_value_seed(Mentions { entity: relation.target, tags: &mut *self.tags })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::graph::COLLECTION;

    #[test]
    fn whatever_is_shown_at_any_depth_is_tagged() {
        let mut selection = Selection::of(&COLLECTION);
        selection.add("products");
        selection.add("products.tags");
        let document = r#"{"id":"c","products":[{"id":"p\u0031","type":{"id":"y"},"tags":[{"id":"g"}],"metadata":{"id":"m"}},
            {"id":"p2","type":null,"tags":[]}]}"#;
        let mut tags = BTreeSet::new();
        collect(document, &selection, &mut tags).unwrap();
        let expected = [
            Tag::collection("c"),
            Tag::product("p1"),
            Tag::product("p2"),
            Tag::product_type("y"),
            Tag::product_tag("g"),
            Tag::products_of_collection("c"),
        ];
        assert_eq!(tags, expected.into());
    }
}
