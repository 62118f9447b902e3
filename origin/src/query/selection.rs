//! What of an entity is to be shown: a tree over the entity graph.

use std::fmt::Write as _;

use super::graph::{Cardinality, Column, Computed, Entity, Relation};

/// Columns, relations and computed values of one entity.
#[derive(Debug, Clone)]
pub struct Selection {
    entity: &'static Entity,
    columns: u64,
    /// All columns were asked for: references are shown too.
    whole: bool,
    /// The key is selected in any case, but for what Medusa shows without it.
    keyless: bool,
    children: Vec<(usize, Selection)>,
    /// Bits of the entity's computed values.
    computed: u64,
}

/// A relation of a selection.
#[derive(Debug, Clone, Copy)]
pub struct Child<'s> {
    /// The relation.
    pub relation: &'static Relation,
    /// What is shown of it.
    pub selection: &'s Selection,
}

// === impl Selection ===

impl Selection {
    /// The key alone.
    pub fn of(entity: &'static Entity) -> Self {
        let key = entity.column(entity.key).map_or(0, |(index, _)| 1 << index);
        Self { entity, columns: key, whole: false, keyless: false, children: Vec::new(), computed: 0 }
    }

    /// As [`Selection::of`], for a root that shows its key only where it is asked for.
    pub fn without_key(entity: &'static Entity) -> Self {
        Self { columns: 0, keyless: true, ..Self::of(entity) }
    }

    /// All columns.
    pub fn all(entity: &'static Entity) -> Self {
        let mut selection = Self::of(entity);
        selection.select_all();
        selection
    }

    /// Adds a path such as `variants.options.value`; a path that ends in a relation adds all of its columns.
    ///
    /// `false` where the graph does not have it; nothing is added then.
    pub fn add(&mut self, path: &str) -> bool {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        if let Some((index, relation)) = self.entity.relation(first) {
            let mut child = self.take(index).unwrap_or_else(|| Self::of(relation.target));
            let known = match rest {
                None | Some("*") => {
                    child.select_all();
                    true
                }
                Some(rest) => child.add(rest),
            };
            if known || !child.is_bare() {
                self.children.push((index, child));
                self.children.sort_by_key(|(index, _)| *index);
            }
            return known;
        }
        if let Some((index, _)) = self.entity.computed(first) {
            self.computed |= 1 << index;
            return true;
        }
        match (self.entity.column(first), rest) {
            (Some((index, _)), None) => {
                self.columns |= 1 << index;
                true
            }
            _ => false,
        }
    }

    /// Adds a relation that shows these columns and not its key.
    pub fn add_keyless(&mut self, name: &str, columns: &[&str]) {
        if let Some((index, relation)) = self.entity.relation(name)
            && self.child(name).is_none()
        {
            let mut child = Self::without_key(relation.target);
            for column in columns {
                child.add(column);
            }
            self.children.push((index, child));
            self.children.sort_by_key(|(index, _)| *index);
        }
    }

    /// Tells selections apart: two that write the same show the same.
    pub fn write_shape(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let flags = [self.whole, self.keyless].map(u8::from);
        let _ = write!(out, "{}:{:x}:{flags:?}:{:?}(", self.entity.table, self.columns, self.computed);
        for (index, child) in &self.children {
            let _ = write!(out, "{index}=");
            child.write_shape(out);
        }
        out.push(')');
    }

    /// The entity that is shown.
    pub fn entity(&self) -> &'static Entity {
        self.entity
    }

    /// Selected columns, in the entity's order.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> {
        let columns = self.columns;
        self.entity.columns.iter().enumerate().filter(move |(index, _)| columns & (1 << index) != 0).map(|(_, c)| c)
    }

    /// Whether a column is shown.
    pub fn shows(&self, name: &str) -> bool {
        self.columns().any(|column| column.name == name)
    }

    /// Selected relations, in the entity's order.
    pub fn children(&self) -> impl Iterator<Item = Child<'_>> {
        self.children.iter().filter_map(|(index, selection)| {
            self.entity.relations.get(*index).map(|relation| Child { relation, selection })
        })
    }

    /// What is selected of a relation.
    pub fn child(&self, name: &str) -> Option<&Selection> {
        self.children().find(|child| child.relation.name == name).map(|child| child.selection)
    }

    /// Relations of which only the key is shown, since the whole entity is and they were not asked for.
    ///
    /// `from` is the relation that led here.
    pub fn references(&self, from: Option<&'static Relation>) -> impl Iterator<Item = &'static Relation> {
        let back = from.and_then(|relation| relation.inverse);
        self.entity.relations.iter().filter(move |relation| {
            self.whole
                && relation.reference
                && relation.cardinality == Cardinality::One
                && Some(relation.name) != back
                && self.child(relation.name).is_none()
        })
    }

    /// Whether all columns are shown.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether it was made to do without a key.
    pub fn is_keyless(&self) -> bool {
        self.keyless
    }

    /// Whether a computed value is shown.
    pub fn computes(&self, computed: Computed) -> bool {
        self.computed_names().any(|(_, other)| other == computed)
    }

    /// Computed values that are shown, in the entity's order.
    pub fn computed_names(&self) -> impl Iterator<Item = (&'static str, Computed)> {
        let computed = self.computed;
        self.entity
            .computed
            .iter()
            .enumerate()
            .filter(move |(index, _)| computed & (1 << index) != 0)
            .map(|(_, it)| *it)
    }

    /// Whether any computed value is shown.
    pub fn computes_any(&self) -> bool {
        self.computed != 0
    }

    /// Drops computed values at every depth, for routes that have no prices.
    pub fn drop_computed(&mut self) {
        self.computed = 0;
        for (_, child) in &mut self.children {
            child.drop_computed();
        }
    }

    fn select_all(&mut self) {
        self.whole = true;
        self.columns = self.entity.columns.iter().enumerate().fold(0, |all, (index, _)| all | (1 << index));
        let totals = self.entity.computed.iter().enumerate().filter(|(_, (_, it))| *it == Computed::Total);
        self.computed |= totals.fold(0, |all, (index, _)| all | (1 << index));
    }

    fn take(&mut self, index: usize) -> Option<Selection> {
        let at = self.children.iter().position(|(other, _)| *other == index)?;
        Some(self.children.remove(at).1)
    }

    /// Nothing but a key.
    fn is_bare(&self) -> bool {
        !self.whole && self.columns.count_ones() <= 1 && self.children.is_empty() && !self.computes_any()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::graph::{COLLECTION, PRODUCT};

    fn names(selection: &Selection) -> Vec<&'static str> {
        selection.columns().map(|column| column.name).collect()
    }

    #[test]
    fn paths_build_a_tree_and_unknown_ones_leave_no_trace() {
        let mut selection = Selection::of(&PRODUCT);
        assert!(selection.add("variants.sku"));
        assert!(selection.add("title"));
        assert!(!selection.add("nope"));
        assert!(!selection.add("options.nope"));
        assert!(!selection.add("title.nope"));
        assert_eq!(names(&selection), ["id", "title"]);
        assert_eq!(names(selection.child("variants").unwrap()), ["id", "sku"]);
        assert!(selection.child("options").is_none());
    }

    #[test]
    fn a_whole_entity_shows_references_but_not_the_way_back() {
        let mut selection = Selection::of(&COLLECTION);
        selection.add("products");
        let child = selection.children().next().unwrap();
        let references: Vec<_> = child.selection.references(Some(child.relation)).map(|r| r.name).collect();
        assert_eq!(references, ["type"]);
    }

    #[test]
    fn computed_values_are_found_below_relations() {
        let mut selection = Selection::of(&PRODUCT);
        assert!(selection.add("variants.calculated_price"));
        assert!(selection.child("variants").unwrap().computes(Computed::Price));
        selection.drop_computed();
        assert!(!selection.child("variants").unwrap().computes_any());
    }
}
