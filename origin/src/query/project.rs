//! A selection cut out of a full document, as Postgres would have made it.
//!
//! A full document ([`full_product`]) holds all that any selection of a product can show; values are copied as they stand.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::compile::Sight;
use super::graph::{self, Entity, Relation};
use super::hole::{HOLE, Nonce};
use super::selection::Selection;

/// What a full document of a product shows.
pub fn full_product() -> Selection {
    let mut selection = Selection::all(&graph::PRODUCT);
    for path in FULL {
        selection.add(path);
    }
    selection
}

const FULL: [&str; 11] = [
    "type",
    "collection",
    "options",
    "options.values",
    "tags",
    "images",
    "variants",
    "variants.images",
    "variants.options",
    "variants.options.option",
    "categories",
];

/// Whether a full document has all that a selection shows.
pub fn is_covered(selection: &Selection) -> bool {
    fn covers(full: &Selection, wanted: &Selection) -> bool {
        full.is_whole()
            && wanted
                .children()
                .all(|child| full.child(child.relation.name).is_some_and(|below| covers(below, child.selection)))
    }
    let full = full_product();
    std::ptr::eq(full.entity(), selection.entity()) && covers(&full, selection)
}

/// Appends what `selection` shows of a full document. The places of computed values get holes.
pub fn project(
    document: &RawValue,
    selection: &Selection,
    sight: &Sight,
    nonce: &Nonce,
    out: &mut Vec<u8>,
) -> Result<(), serde_json::Error> {
    Projector { sight, nonce }.object(document, selection, None, out)
}

/// The keys of the rows that a relation shows in a full document.
pub fn keys_of(document: &RawValue, relation: &'static Relation) -> Result<Vec<String>, serde_json::Error> {
    let members: Members<'_> = serde_json::from_str(document.get())?;
    let rows: Vec<Members<'_>> = match members.raw(relation.name) {
        Some(rows) if rows.starts_with('[') => serde_json::from_str(rows)?,
        Some(row) if row.starts_with('{') => vec![serde_json::from_str(row)?],
        _ => Vec::new(),
    };
    rows.iter().filter_map(|row| row.raw(relation.target.key)).map(serde_json::from_str).collect()
}

/// What `json_agg` puts between items: an answer has the same bytes, and entity tag, wherever it comes from.
const BETWEEN_ITEMS: &[u8] = b", ";

struct Projector<'a> {
    sight: &'a Sight,
    nonce: &'a Nonce,
}

/// A JSON object's members in order, their values unread.
struct Members<'de>(Vec<(String, &'de RawValue)>);

// === impl Projector ===

impl Projector<'_> {
    fn object(
        &self,
        value: &RawValue,
        selection: &Selection,
        from: Option<&'static Relation>,
        out: &mut Vec<u8>,
    ) -> Result<(), serde_json::Error> {
        let members: Members<'_> = serde_json::from_str(value.get())?;
        let entity = selection.entity();
        out.push(b'{');
        for (name, value) in &members.0 {
            let column = entity.column(name).is_some() && selection.shows(name);
            if column {
                member(name, out);
                out.extend_from_slice(value.get().as_bytes());
            } else if let Some((_, relation)) = entity.relation(name) {
                if let Some(child) = selection.child(name) {
                    member(name, out);
                    self.related(value, child, relation, out)?;
                } else if selection.references(from).any(|reference| reference.name == relation.name) {
                    member(name, out);
                    reference(value, relation.target, out)?;
                }
            }
        }
        if selection.computes_any()
            && let Some(key) = members.text(entity.key)
        {
            member(HOLE, out);
            out.push(b'"');
            out.extend_from_slice(self.nonce.prefix().as_bytes());
            out.extend_from_slice(key.as_bytes());
            out.push(b'"');
        }
        out.push(b'}');
        Ok(())
    }

    fn related(
        &self,
        value: &RawValue,
        selection: &Selection,
        relation: &'static Relation,
        out: &mut Vec<u8>,
    ) -> Result<(), serde_json::Error> {
        match value.get().as_bytes().first() {
            Some(b'{') => self.object(value, selection, Some(relation), out),
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(value.get())?;
                out.push(b'[');
                let start = out.len();
                for item in items {
                    if relation.guarded && !self.sees(relation.target, item)? {
                        continue;
                    }
                    if out.len() > start {
                        out.extend_from_slice(BETWEEN_ITEMS);
                    }
                    self.object(item, selection, Some(relation), out)?;
                }
                out.push(b']');
                Ok(())
            }
            _ => {
                out.extend_from_slice(b"null");
                Ok(())
            }
        }
    }

    /// Whether a related row may be seen: the same as the graph's `visible`, read from the document.
    fn sees(&self, entity: &'static Entity, item: &RawValue) -> Result<bool, serde_json::Error> {
        if *self.sight == Sight::Everything || !std::ptr::eq(entity, &raw const graph::CATEGORY) {
            return Ok(true);
        }
        let members: Members<'_> = serde_json::from_str(item.get())?;
        Ok(members.raw("is_active") == Some("true") && members.raw("is_internal") == Some("false"))
    }
}

// === impl Members ===

impl Members<'_> {
    fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.get())
    }

    /// The inside of a JSON string, escapes kept.
    fn text(&self, name: &str) -> Option<&str> {
        self.raw(name)?.strip_prefix('"')?.strip_suffix('"')
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(32);
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

fn reference(value: &RawValue, entity: &Entity, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    if value.get() == "null" {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    let members: Members<'_> = serde_json::from_str(value.get())?;
    out.push(b'{');
    if let Some(key) = members.raw(entity.key) {
        member(entity.key, out);
        out.extend_from_slice(key.as_bytes());
    }
    out.push(b'}');
    Ok(())
}

/// Begins a member; names are the graph's and need no escapes.
fn member(name: &str, out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_selection_of_a_product_is_covered_but_those_of_other_tables() {
        let mut selection = Selection::of(&graph::PRODUCT);
        selection.add("variants.options");
        selection.add("categories.name");
        assert!(is_covered(&selection));
        selection.add("categories.products");
        assert!(!is_covered(&selection));
        assert!(!is_covered(&Selection::of(&graph::COLLECTION)));
    }

    #[test]
    fn hidden_categories_and_unasked_members_are_left_out() {
        let document = r#"{"id":"p\"1","title":"T","categories":[{"id":"a","is_active":true,"is_internal":true},
            {"id":"b","is_active":true,"is_internal":false}],"variants":[{"id":"v","sku":null}]}"#;
        let mut selection = Selection::of(&graph::PRODUCT);
        selection.add("categories.id");
        selection.add("variants.calculated_price");
        let nonce = Nonce::new();
        let mut out = Vec::new();
        let sight = Sight::Store { channels: vec![] };
        project(serde_json::from_str(document).unwrap(), &selection, &sight, &nonce, &mut out).unwrap();
        let expected = format!(
            r#"{{"id":"p\"1","categories":[{{"id":"b"}}],"variants":[{{"id":"v","@":"{}v"}}]}}"#,
            nonce.prefix()
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
