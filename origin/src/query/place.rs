//! Lists that are kept ready: the products of one sales channel, whole or by one collection, type, category or tag
//! (`migrations/0040`). A page of one, and its length, cost the same whatever the number of products.

use super::compile::{Ask, Order, Sight};
use super::filter::{Filter, Test, Value};
use super::graph::{self, Entity, Kind};

/// A list that is kept ready.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The sales channel.
    pub(super) channel: &'a str,
    /// Of what; empty: all products of the channel.
    pub(super) id: &'a str,
    /// What must still be there, and be shown, for its products to be found by it.
    pub(super) of: Option<&'static Entity>,
}

/// The list that is asked for, where it is one of these. Its order is that of products' ids.
pub(super) fn find<'a>(ask: &Ask<'a>) -> Option<Place<'a>> {
    let entity = ask.selection.entity();
    let ordered_by_key = ask.order.iter().all(|term: &Order| term.column.name == entity.key && !term.descending);
    if !std::ptr::eq(entity, &raw const graph::PRODUCT) || !ordered_by_key {
        return None;
    }
    let Sight::Store { channels } = ask.sight else { return None };
    let [channel] = channels.as_slice() else { return None };
    let mut narrowed = Vec::new();
    flatten(ask.filter, &mut narrowed)?;
    match narrowed.as_slice() {
        [] => Some(Place { channel, id: "", of: None }),
        [only] => by_one(only).map(|(id, of)| Place { channel, id, of }),
        _ => None,
    }
}

/// All conditions that must hold; `None` where one is more than that.
fn flatten<'a>(filter: &'a Filter, all: &mut Vec<&'a Filter>) -> Option<()> {
    match filter {
        Filter::All(parts) => parts.iter().try_for_each(|part| flatten(part, all)),
        Filter::Any(_) | Filter::Search(_) => None,
        Filter::Column(..) | Filter::Related(..) => {
            all.push(filter);
            Some(())
        }
    }
}

/// What one condition asks for, if it names one thing by its id.
fn by_one(filter: &Filter) -> Option<(&str, Option<&'static Entity>)> {
    match filter {
        Filter::Column(column, test) if matches!(column.name, "collection_id" | "type_id") => {
            one_text(test).map(|id| (id, None))
        }
        Filter::Related(relation, filter) if matches!(relation.name, "categories" | "tags") => {
            let mut conditions = Vec::new();
            flatten(filter, &mut conditions)?;
            match conditions.as_slice() {
                [Filter::Column(column, test)] if column.name == relation.target.key && column.kind == Kind::Text => {
                    one_text(test).map(|id| (id, Some(relation.target)))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The only value that passes; the empty text stands for all products here, and is none of them there.
fn one_text(test: &Test) -> Option<&str> {
    match test {
        Test::In(values) => match values.as_slice() {
            [Value::Text(text)] if !text.is_empty() => Some(text),
            _ => None,
        },
        _ => None,
    }
}
