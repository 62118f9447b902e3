//! A selection, a filter, an order and a page as one statement.
//!
//! The statement gives one row an entity of the page, each with its JSON document as text, and the total count in every
//! row; where the page is empty, one row with the count alone. Each row also tells where numbering stands in this snapshot. Values are bound, identifiers are the graph's.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::filter::{Filter, Test, Value, anywhere};
use super::graph::{Cardinality, Column, Entity, Join, Kind, Relation};
use super::hole::{HOLE, Nonce};
use super::place::{self, Place};
use super::selection::{Child, Selection};
use super::{facts, graph};

/// Who looks: it decides which rows there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// The shop itself.
    Everything,
    /// A storefront that sells in these channels.
    Store {
        /// Ids of its sales channels.
        channels: Vec<String>,
    },
}

/// One term of an order.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// By which column.
    pub column: &'static Column,
    /// Largest first.
    pub descending: bool,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// At most so many.
    pub limit: i64,
    /// After so many.
    pub offset: i64,
}

/// What is asked of Postgres.
#[derive(Debug)]
pub struct Ask<'a> {
    /// What is shown.
    pub selection: &'a Selection,
    /// What narrows it.
    pub filter: &'a Filter,
    /// In which order; equals are ordered by key, in the direction of the last term.
    pub order: &'a [Order],
    /// Which part.
    pub paging: Paging,
    /// Who looks.
    pub sight: &'a Sight,
    /// Whether the total is counted.
    pub counted: bool,
    /// Which candidate prices of its variants come along.
    pub prices: Prices<'a>,
    /// Whose stock of its variants comes along: that of this channel.
    pub stock_channel: Option<&'a str>,
    /// What marks the places of computed values.
    pub nonce: &'a Nonce,
}

/// Which candidate prices come along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prices<'a> {
    /// None.
    None,
    /// Those in one currency.
    In(&'a str),
    /// All.
    All,
}

/// SQL with its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The text.
    pub sql: String,
    /// The values of `$1`, `$2`, …
    pub values: Vec<Bound>,
    /// Whether it is asked again with other values, so that its plan is worth keeping.
    pub lasting: bool,
}

/// A value that is bound.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// `text`.
    Text(String),
    /// `bigint`.
    Integer(i64),
    /// `text[]`.
    Texts(Vec<String>),
    /// `boolean[]`.
    Booleans(Vec<bool>),
    /// `numeric[]`.
    Numbers(Vec<Decimal>),
    /// `timestamptz[]`.
    Times(Vec<DateTime<Utc>>),
}

/// Compiles what is asked.
pub fn compile(ask: &Ask<'_>) -> Statement {
    let entity = ask.selection.entity();
    let mut compiler = Compiler { sight: ask.sight, nonce: ask.nonce, values: Vec::new(), aliases: 0, channels: None };
    let page = match place::find(ask) {
        Some(place) => compiler.kept_page(&place, ask.paging),
        None => compiler.page(ask),
    };
    let (table, key) = (entity.table, entity.key);
    let total = if ask.counted { page.total } else { "NULL::bigint".to_owned() };
    let document = compiler.object(ask.selection, None, "t");
    let unnamed = compiler.unnamed(ask.selection);
    let of_variant = std::ptr::eq(entity, &raw const graph::VARIANT);
    let prices = match ask.prices {
        Prices::None => "NULL::text".to_owned(),
        Prices::In(currency) => facts::prices(of_variant, Some(&compiler.bind(Bound::Text(currency.to_owned())))),
        Prices::All => facts::prices(of_variant, None),
    };
    let stock =
        ask.stock_channel.map(|channel| facts::stock(of_variant, &compiler.bind(Bound::Text(channel.to_owned()))));
    let stock = stock.unwrap_or_else(|| "NULL::text".to_owned());
    let totals = if std::ptr::eq(entity, &raw const graph::CART) { facts::TOTALS } else { "NULL::text" };
    let keys = page.statement;
    let sql = format!(
        "WITH page AS MATERIALIZED ({keys}) \
         SELECT {total} AS total, page.key, CASE WHEN page.key IS NOT NULL THEN {document}::text END AS document, \
         {prices} AS prices, {stock} AS stock, {totals} AS totals, {unnamed} AS unnamed, \
         shown.term AS shown_term, shown.seq AS shown_seq \
         FROM feed_position shown LEFT JOIN page ON true LEFT JOIN {table} t ON t.{key} = page.key ORDER BY page.n"
    );
    Statement { sql, values: compiler.values, lasting: page.lasting }
}

/// The part of a selection whose values are computed: variants, at the root or below a product.
pub fn computed_of(selection: &Selection) -> Option<&Selection> {
    if selection.computes_any() {
        return Some(selection);
    }
    selection.child("variants").filter(|variants| variants.computes_any())
}

/// The relation of the root whose keys are told beside the document, since it matters which there are and the document
/// does not say: what the root is a part of, or categories, of which hidden ones are not shown and may be tomorrow.
pub fn unnamed_relation(selection: &Selection) -> Option<&'static Relation> {
    let hiding = |child: &Child<'_>| child.relation.guarded && child.relation.members.is_none();
    let hidden = selection.children().find(hiding).map(|child| child.relation);
    let entity = selection.entity();
    hidden.or_else(|| entity.relation(entity.owner?).map(|(_, relation)| relation))
}

/// Whether something below the root may be hidden from this answer and shown in the next: the root's own is told by
/// [`unnamed_relation`].
pub fn hides_below(selection: &Selection) -> bool {
    fn hides(selection: &Selection) -> bool {
        selection
            .children()
            .any(|child| (child.relation.guarded && child.relation.members.is_none()) || hides(child.selection))
    }
    selection.children().any(|child| hides(child.selection))
}

struct Compiler<'a> {
    sight: &'a Sight,
    nonce: &'a Nonce,
    values: Vec<Bound>,
    aliases: usize,
    channels: Option<String>,
}

/// Which rows a page has.
struct Keys {
    /// A statement that gives their keys, numbered in their order.
    statement: String,
    /// An expression: how many there are in all.
    total: String,
    /// See [`Statement::lasting`].
    lasting: bool,
}

// === impl Compiler: pages ===

impl Compiler<'_> {
    fn page(&mut self, ask: &Ask<'_>) -> Keys {
        let entity = ask.selection.entity();
        let mut conditions = vec!["t.deleted_at IS NULL".to_owned()];
        conditions.extend(self.visible(entity, "t"));
        conditions.extend(self.filter(entity, ask.filter, "t"));
        let filter = conditions.join(" AND ");
        let order = order_by(entity, ask.order);
        let (table, key) = (entity.table, entity.key);
        // The planner must know how few rows are wanted, and plans are made once for all values (`database`).
        let Paging { limit, offset } = ask.paging;
        Keys {
            statement: format!(
                "SELECT t.{key} AS key, row_number() OVER (ORDER BY {order}) AS n FROM {table} t \
                 WHERE {filter} ORDER BY {order} LIMIT {limit} OFFSET {offset}"
            ),
            total: format!("(SELECT count(*) FROM {table} t WHERE {filter})"),
            lasting: offset == 0,
        }
    }

    /// The same from a list that is kept ready.
    fn kept_page(&mut self, place: &Place<'_>, paging: Paging) -> Keys {
        let channel = self.bind(Bound::Text(place.channel.to_owned()));
        let id = self.bind(Bound::Text(place.id.to_owned()));
        let mut filter = format!("l.sales_channel_id = {channel} AND l.place = {id}");
        if let Some(of) = place.of {
            let (table, key) = (of.table, of.key);
            let visible = self.visible(of, "o").map(|visible| format!(" AND {visible}")).unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = write!(
                filter,
                " AND EXISTS (SELECT 1 FROM {table} o WHERE o.{key} = {id} AND o.deleted_at IS NULL{visible})"
            );
        }
        let limit = self.bind(Bound::Integer(paging.limit));
        let offset = self.bind(Bound::Integer(paging.offset));
        Keys {
            statement: format!(
                "SELECT k.product_id AS key, row_number() OVER (ORDER BY k.product_id) AS n FROM (SELECT l.product_id \
                 FROM product_place l WHERE {filter} ORDER BY l.product_id LIMIT {limit} OFFSET {offset}) k"
            ),
            total: format!("(SELECT coalesce(sum(l.products), 0)::bigint FROM product_place_count l WHERE {filter})"),
            lasting: true,
        }
    }
}

// === impl Compiler: documents ===

impl Compiler<'_> {
    /// `row_to_json` of what is selected, from the row `alias`.
    fn object(&mut self, selection: &Selection, from: Option<&'static Relation>, alias: &str) -> String {
        let mut shown: Vec<String> = selection.columns().map(|column| self.show(column, alias)).collect();
        for Child { relation, selection } in selection.children() {
            let value = self.related(relation, selection, alias);
            shown.push(format!("{value} AS \"{}\"", relation.name));
        }
        for relation in selection.references(from) {
            if let Join::Held(column) = relation.join {
                let key = relation.target.key;
                shown.push(format!(
                    "CASE WHEN {alias}.{column} IS NOT NULL THEN \
                     (SELECT row_to_json(d) FROM (SELECT {alias}.{column} AS {key}) d) END AS \"{}\"",
                    relation.name
                ));
            }
        }
        if selection.computes_any() {
            let nonce = self.bind(Bound::Text(self.nonce.prefix()));
            shown.push(format!("{nonce} || {alias}.{} AS \"{HOLE}\"", selection.entity().key));
        }
        format!("(SELECT row_to_json(d) FROM (SELECT {}) d)", shown.join(", "))
    }

    fn show(&mut self, column: &Column, alias: &str) -> String {
        if column.kind == Kind::TextIfAny {
            let nothing = self.bind(Bound::Text(self.nonce.absent()));
            let name = column.name;
            return format!("coalesce({alias}.{name}, {nothing}) AS \"{name}\"");
        }
        show(column, alias)
    }

    fn related(&mut self, relation: &'static Relation, selection: &Selection, parent: &str) -> String {
        let child = self.alias();
        let from = self.rows(relation, parent, &child);
        let object = self.object(selection, Some(relation), &child);
        match relation.cardinality {
            Cardinality::One if relation.absent => {
                let nothing = self.bind(Bound::Text(self.nonce.absent()));
                format!("coalesce((SELECT {object} {from}), to_json({nothing}))")
            }
            Cardinality::One => format!("(SELECT {object} {from})"),
            Cardinality::Many => {
                let order = relation.order.replace("{t}", &child);
                format!("(SELECT coalesce(json_agg({object} ORDER BY {order}), '[]'::json) {from})")
            }
        }
    }

    /// `FROM … WHERE …` of the rows that a relation leads to, and that may be seen.
    fn rows(&mut self, relation: &'static Relation, parent: &str, child: &str) -> String {
        let mut sql = self.all_rows(relation, parent, child);
        if relation.guarded
            && let Some(visible) = self.visible(relation.target, child)
        {
            sql.push_str(" AND ");
            sql.push_str(&visible);
        }
        sql
    }

    /// The same, whoever looks.
    fn all_rows(&mut self, relation: &'static Relation, parent: &str, child: &str) -> String {
        let target = relation.target;
        let (table, key) = (target.table, target.key);
        let (from, condition) = match relation.join {
            Join::Held(column) => (format!("FROM {table} {child}"), format!("{child}.{key} = {parent}.{column}")),
            Join::Holding(column) => (format!("FROM {table} {child}"), format!("{child}.{column} = {parent}.id")),
            Join::Link { table: link, near, far } => {
                let via = self.alias();
                (
                    format!("FROM {link} {via} JOIN {table} {child} ON {child}.{key} = {via}.{far}"),
                    format!("{via}.{near} = {parent}.id"),
                )
            }
            Join::Where(condition) => {
                (format!("FROM {table} {child}"), condition.replace("{t}", child).replace("{p}", parent))
            }
        };
        format!("{from} WHERE {condition} AND {child}.deleted_at IS NULL")
    }

    /// Keys that the document does not tell; see [`unnamed_relation`].
    fn unnamed(&mut self, selection: &Selection) -> String {
        let Some(relation) = unnamed_relation(selection) else {
            return "NULL::text[]".to_owned();
        };
        let alias = self.alias();
        let from = self.all_rows(relation, "t", &alias);
        format!("ARRAY(SELECT {alias}.{} {from})", relation.target.key)
    }
}

// === impl Compiler: conditions ===

impl Compiler<'_> {
    fn visible(&mut self, entity: &Entity, alias: &str) -> Option<String> {
        let Sight::Store { channels } = self.sight else {
            return None;
        };
        let visible = entity.visible?;
        let mut sql = visible.replace("{t}", alias);
        if sql.contains("{channels}") {
            let bound = match &self.channels {
                Some(bound) => bound.clone(),
                None => self.bind(Bound::Texts(channels.clone())),
            };
            self.channels = Some(bound.clone());
            sql = sql.replace("{channels}", &bound);
        }
        Some(sql)
    }

    /// A condition, or none where everything passes.
    fn filter(&mut self, entity: &'static Entity, filter: &Filter, alias: &str) -> Option<String> {
        match filter {
            Filter::All(all) => {
                let parts: Vec<String> = all.iter().filter_map(|part| self.filter(entity, part, alias)).collect();
                (!parts.is_empty()).then(|| parts.join(" AND "))
            }
            Filter::Any(any) => {
                let parts: Vec<String> =
                    any.iter().map(|part| self.filter(entity, part, alias).unwrap_or_else(|| "true".into())).collect();
                Some(if parts.is_empty() { "false".into() } else { format!("({})", parts.join(" OR ")) })
            }
            Filter::Column(column, test) => Some(self.test(column, test, alias)),
            Filter::Related(relation, filter) => Some(self.exists(relation, filter, alias)),
            Filter::Search(terms) => {
                let parts: Vec<String> = terms.iter().map(|term| self.search(entity, term, alias)).collect();
                Some(parts.join(" AND "))
            }
        }
    }

    fn exists(&mut self, relation: &'static Relation, filter: &Filter, alias: &str) -> String {
        let child = self.alias();
        let mut from = self.rows(relation, alias, &child);
        if let Some(condition) = self.filter(relation.target, filter, &child) {
            from.push_str(" AND ");
            from.push_str(&condition);
        }
        format!("EXISTS (SELECT 1 {from})")
    }

    fn search(&mut self, entity: &'static Entity, term: &str, alias: &str) -> String {
        let pattern = self.bind(Bound::Text(anywhere(term)));
        let like = |entity: &Entity, alias: &str| -> Vec<String> {
            entity.searched.iter().map(|column| format!("{alias}.{column} ILIKE {pattern}")).collect()
        };
        let mut parts = like(entity, alias);
        for name in entity.searched_relations {
            if let Some((_, relation)) = entity.relation(name) {
                let child = self.alias();
                let from = self.rows(relation, alias, &child);
                parts.push(format!("EXISTS (SELECT 1 {from} AND ({}))", like(relation.target, &child).join(" OR ")));
            }
        }
        if parts.is_empty() { "false".into() } else { format!("({})", parts.join(" OR ")) }
    }

    fn test(&mut self, column: &Column, test: &Test, alias: &str) -> String {
        let name = format!("{alias}.{}", column.name);
        let one = |value: &Value| vec![value.clone()];
        match test {
            Test::Null => format!("{name} IS NULL"),
            Test::In(values) => self.among(column, values, |list| format!("{name} = ANY({list})")),
            Test::NotIn(values) => self.among(column, values, |list| format!("{name} <> ALL({list})")),
            Test::Above(value) => self.among(column, &one(value), |list| format!("{name} > ({list})[1]")),
            Test::AtLeast(value) => self.among(column, &one(value), |list| format!("{name} >= ({list})[1]")),
            Test::Below(value) => self.among(column, &one(value), |list| format!("{name} < ({list})[1]")),
            Test::AtMost(value) => self.among(column, &one(value), |list| format!("{name} <= ({list})[1]")),
        }
    }

    /// Compares with a list of the column's own type; values of another type are equal to nothing.
    fn among(&mut self, column: &Column, values: &[Value], sql: impl Fn(&str) -> String) -> String {
        let Some(bound) = Bound::list(column.kind, values) else {
            return "false".to_owned();
        };
        sql(&self.bind(bound))
    }

    fn bind(&mut self, value: Bound) -> String {
        let cast = value.sql_type();
        self.values.push(value);
        format!("${}::{cast}", self.values.len())
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }
}

// === impl Bound ===

impl Bound {
    fn list(kind: Kind, values: &[Value]) -> Option<Self> {
        match kind {
            Kind::Text | Kind::TextIfAny => Some(Self::Texts(values.iter().filter_map(Value::text).collect())),
            Kind::Boolean => Some(Self::Booleans(values.iter().filter_map(Value::boolean).collect())),
            Kind::Integer | Kind::Numeric => Some(Self::Numbers(values.iter().filter_map(Value::number).collect())),
            Kind::Time => Some(Self::Times(values.iter().filter_map(Value::time).collect())),
            Kind::Json | Kind::Raw => None,
        }
    }

    fn sql_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "bigint",
            Self::Texts(_) => "text[]",
            Self::Booleans(_) => "boolean[]",
            Self::Numbers(_) => "numeric[]",
            Self::Times(_) => "timestamptz[]",
        }
    }
}

impl Value {
    fn text(&self) -> Option<String> {
        if let Self::Text(text) = self { Some(text.clone()) } else { None }
    }

    fn boolean(&self) -> Option<bool> {
        if let Self::Boolean(value) = self { Some(*value) } else { None }
    }

    fn number(&self) -> Option<Decimal> {
        if let Self::Number(value) = self { Some(*value) } else { None }
    }

    fn time(&self) -> Option<DateTime<Utc>> {
        if let Self::Time(value) = self { Some(*value) } else { None }
    }
}

/// A column as JSON shows it.
fn show(column: &Column, alias: &str) -> String {
    let name = column.name;
    match column.kind {
        Kind::Time => {
            format!("to_char({alias}.{name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS \"{name}\"")
        }
        Kind::Numeric => format!("trim_scale({alias}.{name}) AS \"{name}\""),
        Kind::Raw => {
            let column = name.strip_prefix("raw_").unwrap_or(name);
            format!(
                "CASE WHEN {alias}.{column} IS NOT NULL THEN \
                 json_build_object('value', trim_scale({alias}.{column})::text, 'precision', 20) END AS \"{name}\""
            )
        }
        Kind::Text | Kind::TextIfAny | Kind::Boolean | Kind::Integer | Kind::Json => format!("{alias}.{name}"),
    }
}

fn order_by(entity: &Entity, order: &[Order]) -> String {
    let direction = |descending: bool| if descending { " DESC" } else { "" };
    let mut terms: Vec<String> =
        order.iter().map(|term| format!("t.{}{}", term.column.name, direction(term.descending))).collect();
    if !order.iter().any(|term| term.column.name == entity.key) {
        let last = order.last().is_some_and(|term| term.descending);
        terms.push(format!("t.{}{}", entity.key, direction(last)));
    }
    terms.join(", ")
}

#[cfg(test)]
mod tests;
