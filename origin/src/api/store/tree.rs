//! Categories with all that is below or above them.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};
use sqlx::PgPool;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::tag::Tag;

use super::params::Input;
use crate::api::reply::Moment;
use crate::error::ApiError;
use crate::outbox::epoch;
use crate::query::RenderedPage;
use crate::replicas::{self, Shown};
use crate::state::AppState;

/// Whether a tree was asked for.
pub fn wanted(input: &Input) -> bool {
    input.flag("include_descendants_tree") || input.flag("include_ancestors_tree")
}

/// All categories that storefronts may see, by rank: the same columns as a category that is shown whole.
const VISIBLE: &str = "SELECT shown.term, shown.seq, row_to_json(d)::text \
     FROM feed_position shown LEFT JOIN (SELECT c.id, c.name, c.description, c.handle, c.mpath, c.is_active, \
     c.is_internal, c.rank, c.external_id, c.metadata, c.parent_category_id, \
     to_char(c.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS created_at, \
     to_char(c.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS updated_at, NULL AS deleted_at \
     FROM product_category c WHERE c.deleted_at IS NULL AND c.is_active AND NOT c.is_internal \
     ) d ON true ORDER BY d.rank, d.id";

/// Appends a page's categories with their trees in place of their nearest relatives.
pub async fn write(
    state: &AppState,
    moment: Moment,
    input: &Input,
    page: &RenderedPage,
    body: &mut Vec<u8>,
    tags: &mut BTreeSet<Tag>,
) -> Result<(), ApiError> {
    let texts = replicas::read(state, moment.least_of_replicas(), |pool| async move { visible(&pool).await }).await?;
    // The tree may change with any category: a new one may be a descendant of one that is shown.
    tags.insert(Tag::all("categories"));
    let broken = |error: serde_json::Error| ApiError::unknown(&error);
    let all: Vec<Map<String, Value>> =
        texts.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>().map_err(broken)?;
    let forest = Forest::new(&all);
    for (index, row) in page.rows.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        let mut shown: Map<String, Value> = serde_json::from_str(row.rendered.document.text()).map_err(broken)?;
        shown.shift_remove("category_children");
        shown.shift_remove("parent_category");
        if input.flag("include_ancestors_tree") {
            shown.insert("parent_category".into(), forest.above(&row.key, MAX_DEPTH));
        }
        if input.flag("include_descendants_tree") {
            shown.insert("category_children".into(), forest.below(&row.key, MAX_DEPTH));
        }
        serde_json::to_writer(&mut *body, &shown).map_err(broken)?;
    }
    Ok(())
}

async fn visible(pool: &PgPool) -> Result<Shown<Vec<String>>, sqlx::Error> {
    let rows: Vec<(i32, i64, Option<String>)> = sqlx::query_as(VISIBLE).fetch_all(pool).await?;
    let shown = rows.first().map_or(Epoch::ZERO, |(term, seq, _)| epoch(*term, *seq));
    Ok((shown, rows.into_iter().filter_map(|(_, _, text)| text).collect()))
}

/// Deepest tree that is shown; hand-written data could hold a circle.
const MAX_DEPTH: usize = 64;

struct Forest<'c> {
    by_id: HashMap<&'c str, &'c Map<String, Value>>,
    children: HashMap<&'c str, Vec<&'c str>>,
}

// === impl Forest ===

impl<'c> Forest<'c> {
    fn new(all: &'c [Map<String, Value>]) -> Self {
        let mut forest = Self { by_id: HashMap::new(), children: HashMap::new() };
        for category in all {
            let Some(id) = text(category, "id") else {
                continue;
            };
            forest.by_id.insert(id, category);
            if let Some(parent) = text(category, "parent_category_id") {
                forest.children.entry(parent).or_default().push(id);
            }
        }
        forest
    }

    fn below(&self, id: &str, depth: usize) -> Value {
        let Some(deeper) = depth.checked_sub(1) else {
            return Value::Array(Vec::new());
        };
        let children = self.children.get(id).map(Vec::as_slice).unwrap_or_default();
        let shown = children.iter().filter_map(|child| {
            let mut category = (*self.by_id.get(child)?).clone();
            category.insert("category_children".into(), self.below(child, deeper));
            Some(Value::Object(category))
        });
        Value::Array(shown.collect())
    }

    fn above(&self, id: &str, depth: usize) -> Value {
        let parent = self.by_id.get(id).and_then(|category| text(category, "parent_category_id"));
        match (parent.and_then(|parent| self.by_id.get(parent)), parent, depth.checked_sub(1)) {
            (Some(category), Some(parent), Some(deeper)) => {
                let mut category = (*category).clone();
                category.insert("parent_category".into(), self.above(parent, deeper));
                Value::Object(category)
            }
            _ => Value::Null,
        }
    }
}

fn text<'c>(category: &'c Map<String, Value>, name: &str) -> Option<&'c str> {
    category.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_of_categories_ends() {
        let all: Vec<Map<String, Value>> = [("a", "b"), ("b", "a")]
            .map(|(id, parent)| {
                serde_json::from_value(serde_json::json!({"id": id, "parent_category_id": parent})).unwrap()
            })
            .into();
        let forest = Forest::new(&all);
        assert!(forest.below("a", 3).to_string().len() < 1_000);
        assert!(forest.above("a", 3).to_string().len() < 1_000);
    }
}
