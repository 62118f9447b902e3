//! What a Store route accepts in its query, and in which words it refuses the rest: Medusa's validators
//! (`api/store/*/validators.js`) and its error texts (`@medusajs/framework` `zod/zod-helpers.js`).

use std::collections::BTreeSet;

use indexmap::IndexMap;
use vitrine_shared::tag::Tag;

use super::operators::{operators, texts_of};
use crate::api::query_string::{self, Node, Query};
use crate::error::ApiError;
use crate::query::filter::{Filter, MAX_PATTERN, Test, Value};
use crate::query::graph::Entity;

/// Most entries of a page.
pub const MAX_LIMIT: i64 = 1_000;
/// Most entries that may be passed over: Postgres reads each of them.
pub const MAX_OFFSET: i64 = 10_000_000;
/// How many things that are wrong are told at once.
const MAX_ISSUES: usize = 3;

/// A parameter of a route.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Its form.
    pub form: Form,
    /// What it does.
    pub meaning: Meaning,
    /// The tag of lists that it narrows to one value; a list that was narrowed otherwise depends on everything.
    pub tag: Option<fn(&str) -> Tag>,
}

/// The form of a parameter.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// Text.
    Text,
    /// Text or a list of texts.
    Texts,
    /// `true` or `false`.
    Flag,
    /// Text, a list, or a map of `$eq`, `$gt`, ….
    Operators,
    /// A map of other parameters.
    Group(&'static [Param]),
    /// A key or a list of keys of related rows, or a map of other parameters about them.
    KeysOrGroup(&'static [Param]),
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// What a parameter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It is read by name.
    Context,
    /// It is compared with a column.
    Column(&'static str),
    /// The same; the text `null` means no value.
    ColumnOrNull(&'static str),
    /// It is compared with a column of related rows.
    Related(&'static str, &'static str),
    /// It is searched for.
    Search,
    /// Its parts are about related rows.
    Inside(&'static str),
}

/// A query that was understood.
#[derive(Debug)]
pub struct Input {
    /// `fields`.
    pub fields: Option<String>,
    /// `order`.
    pub order: Option<String>,
    /// `limit`.
    pub limit: i64,
    /// `offset`.
    pub offset: i64,
    /// What narrows the list.
    pub filter: Filter,
    /// Tags of the values that it is narrowed to.
    pub narrowed: BTreeSet<Tag>,
    /// Whether it is narrowed by what has no tag of its own.
    pub depends_on_all: bool,
    context: IndexMap<&'static str, Vec<String>>,
}

/// What a route takes besides its own parameters.
#[derive(Debug, Clone, Copy)]
pub struct Common {
    /// The default of `limit`; none where the route is no list.
    pub limit: Option<i64>,
    /// Whether `$and` and `$or` are taken.
    pub logic: bool,
}

/// Reads a raw query string.
pub fn read(raw: &str, entity: &'static Entity, params: &[Param], common: Common) -> Result<Input, ApiError> {
    let mut query = query_string::parse(raw)?;
    let mut reader = Reader { issues: Vec::new(), input: Input::empty(common.limit.unwrap_or(0)) };
    reader.common(&mut query, common)?;
    let mut parts = Vec::new();
    for param in params {
        if let Some(node) = query.shift_remove(param.name) {
            parts.extend(reader.condition(entity, param, &node, true)?);
        }
    }
    if common.logic {
        for (name, wrap) in [("$and", Filter::All as fn(Vec<Filter>) -> Filter), ("$or", Filter::Any)] {
            if let Some(node) = query.shift_remove(name) {
                parts.push(wrap(reader.alternatives(entity, params, name, &node)?));
            }
        }
    }
    if !query.is_empty() {
        let names: Vec<&str> = query.keys().map(String::as_str).collect();
        reader.issues.push(format!("Unrecognized fields: '{}'", names.join(", ")));
    }
    reader.input.filter = Filter::All(parts);
    reader.finish()
}

/// One thing that is wrong with a value, in Medusa's words.
pub(super) fn expected(kind: &str, name: &str, node: &Node) -> String {
    format!("Expected type: '{kind}' for field '{name}', got: '{}'", node.printed())
}

struct Reader {
    issues: Vec<String>,
    input: Input,
}

// === impl Param ===

impl Param {
    /// The same about the keys of the rows that it is inside of.
    fn of_keys(&self, entity: &'static Entity) -> Self {
        let relation = if let Meaning::Inside(name) = self.meaning { entity.relation(name) } else { None };
        let meaning = relation.map_or(self.meaning, |(_, it)| Meaning::Related(it.name, it.target.key));
        Self { meaning, ..*self }
    }
}

// === impl Reader ===

impl Reader {
    fn common(&mut self, query: &mut Query, common: Common) -> Result<(), ApiError> {
        self.input.fields = self.text("fields", query.shift_remove("fields"));
        let Some(default) = common.limit else {
            return Ok(());
        };
        self.input.offset = self.integer("offset", query.shift_remove("offset"), 0);
        self.input.limit = self.integer("limit", query.shift_remove("limit"), default);
        self.input.order = self.text("order", query.shift_remove("order"));
        if let Some(node) = query.shift_remove("with_deleted") {
            self.flag("with_deleted", &node, "Invalid input: expected boolean, received string");
        }
        for (name, value, most) in [("offset", self.input.offset, MAX_OFFSET), ("limit", self.input.limit, MAX_LIMIT)] {
            if value < 0 {
                let text = format!("Invalid request: Value for field '{name}' too small, expected at least: '0'");
                return Err(ApiError::invalid_data(text));
            }
            if value > most {
                let text = format!("Invalid request: Value for field '{name}' too big, expected at most: '{most}'");
                return Err(ApiError::invalid_data(text));
            }
        }
        Ok(())
    }

    fn text(&mut self, name: &str, node: Option<Node>) -> Option<String> {
        match node? {
            Node::Text(text) => Some(text),
            other => {
                self.issues.push(expected("string", name, &other));
                None
            }
        }
    }

    fn integer(&mut self, name: &str, node: Option<Node>, default: i64) -> i64 {
        let Some(node) = node else {
            return default;
        };
        let parsed = if let Node::Text(text) = &node { leading_integer(text) } else { None };
        parsed.unwrap_or_else(|| {
            self.issues.push(expected("number", name, &node));
            default
        })
    }

    fn flag(&mut self, _name: &str, node: &Node, wrong: &str) -> Option<bool> {
        let value = if let Node::Text(text) = node { text.to_ascii_lowercase().parse().ok() } else { None };
        if value.is_none() {
            self.issues.push(wrong.to_owned());
        }
        value
    }

    /// The condition that a parameter makes; `top` where it stands alone and not within `$and` or `$or`.
    fn condition(
        &mut self,
        entity: &'static Entity,
        param: &Param,
        node: &Node,
        top: bool,
    ) -> Result<Option<Filter>, ApiError> {
        let test = match param.form {
            Form::Group(inner) => return self.group(entity, param, inner, node),
            Form::KeysOrGroup(inner) if matches!(node, Node::Map(_)) => return self.group(entity, param, inner, node),
            Form::KeysOrGroup(_) => {
                let Some(values) = texts_of(node) else {
                    self.issues.push(expected("string, array", param.name, node));
                    return Ok(None);
                };
                return self.of_texts(entity, &param.of_keys(entity), values, top);
            }
            Form::OneOf(words) => match node {
                Node::Text(text) if words.contains(&text.as_str()) => vec![Test::In(vec![Value::Text(text.clone())])],
                other => {
                    let (words, shown) = (words.join(", "), other.printed());
                    self.issues.push(format!("Expected: '{words}' for field '{}', but got: '{shown}'", param.name));
                    return Ok(None);
                }
            },
            Form::Text | Form::Texts => {
                let only_one = matches!(param.form, Form::Text);
                let Some(values) = texts_of(node).filter(|_| !only_one || matches!(node, Node::Text(_))) else {
                    let kind = if only_one { "string" } else { "string, array" };
                    self.issues.push(expected(kind, param.name, node));
                    return Ok(None);
                };
                return self.of_texts(entity, param, values, top);
            }
            Form::Flag => match self.flag(param.name, node, "Invalid input") {
                Some(value) if param.meaning == Meaning::Context => {
                    self.input.context.insert(param.name, vec![value.to_string()]);
                    return Ok(None);
                }
                Some(value) => vec![Test::In(vec![Value::Boolean(value)])],
                None => return Ok(None),
            },
            Form::Operators => operators(param.name, node, &mut self.issues)?,
        };
        let Meaning::Column(name) = param.meaning else {
            return Ok(None);
        };
        self.input.depends_on_all = true;
        Ok(entity
            .column(name)
            .map(|(_, column)| Filter::All(test.into_iter().map(|test| Filter::Column(column, test)).collect())))
    }

    fn of_texts(
        &mut self,
        entity: &'static Entity,
        param: &Param,
        values: Vec<String>,
        top: bool,
    ) -> Result<Option<Filter>, ApiError> {
        if values.iter().any(|value| value.contains('\0')) {
            return Err(ApiError::invalid_data(format!("Invalid request: field '{}' holds a NUL", param.name)));
        }
        if param.meaning == Meaning::Context {
            self.input.context.insert(param.name, values);
            return Ok(None);
        }
        // Within `$or` a list is not narrowed to the value, but it depends on it all the same.
        self.input.narrowed.extend(param.tag.iter().flat_map(|tag| values.iter().map(|value| tag(value))));
        self.input.depends_on_all |= !top || param.tag.is_none();
        let among = |values: Vec<String>| Test::In(values.into_iter().map(Value::Text).collect());
        Ok(match param.meaning {
            Meaning::Column(name) => entity.column(name).map(|(_, column)| Filter::Column(column, among(values))),
            Meaning::ColumnOrNull(name) => entity.column(name).map(|(_, column)| {
                let (null, values): (Vec<_>, Vec<_>) = values.into_iter().partition(|value| value == "null");
                let mut any = vec![Filter::Column(column, among(values))];
                any.extend((!null.is_empty()).then_some(Filter::Column(column, Test::Null)));
                Filter::Any(any)
            }),
            Meaning::Related(relation, column) => entity.relation(relation).and_then(|(_, relation)| {
                let (_, column) = relation.target.column(column)?;
                Some(Filter::Related(relation, Box::new(Filter::Column(column, among(values)))))
            }),
            Meaning::Search => {
                let text = values.join(" ");
                if text.len() > MAX_PATTERN {
                    let text =
                        format!("Invalid request: Value for field '{}' is longer than {MAX_PATTERN}", param.name);
                    return Err(ApiError::invalid_data(text));
                }
                Some(Filter::search(&text))
            }
            Meaning::Context | Meaning::Inside(_) => None,
        })
    }

    fn group(
        &mut self,
        entity: &'static Entity,
        param: &Param,
        inner: &'static [Param],
        node: &Node,
    ) -> Result<Option<Filter>, ApiError> {
        let (Meaning::Inside(name), Node::Map(map)) = (param.meaning, node) else {
            self.issues.push(expected("object", param.name, node));
            return Ok(None);
        };
        let Some((_, relation)) = entity.relation(name) else {
            return Ok(None);
        };
        let parts = self.parts(relation.target, inner, map)?;
        Ok(Some(Filter::Related(relation, Box::new(Filter::All(parts)))))
    }

    fn parts(&mut self, entity: &'static Entity, params: &[Param], map: &Query) -> Result<Vec<Filter>, ApiError> {
        self.input.depends_on_all = true;
        let mut parts = Vec::new();
        for param in params.iter().filter(|param| param.meaning != Meaning::Context) {
            if let Some(node) = map.get(param.name) {
                parts.extend(self.condition(entity, param, node, false)?);
            }
        }
        Ok(parts)
    }

    fn alternatives(
        &mut self,
        entity: &'static Entity,
        params: &[Param],
        name: &str,
        node: &Node,
    ) -> Result<Vec<Filter>, ApiError> {
        let Node::List(list) = node else {
            self.issues.push(expected("array", name, node));
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for (index, item) in list.iter().enumerate() {
            match item {
                Node::Map(map) => all.push(Filter::All(self.parts(entity, params, map)?)),
                other => self.issues.push(expected("object", &format!("{name}, {index}"), other)),
            }
        }
        Ok(all)
    }

    fn finish(self) -> Result<Input, ApiError> {
        if self.issues.is_empty() {
            return Ok(self.input);
        }
        let told: Vec<String> = self.issues.into_iter().take(MAX_ISSUES).collect();
        Err(ApiError::invalid_data(format!("Invalid request: {}", told.join("; "))))
    }
}

// === impl Input ===

impl Input {
    fn empty(limit: i64) -> Self {
        Self {
            fields: None,
            order: None,
            limit,
            offset: 0,
            filter: Filter::everything(),
            narrowed: BTreeSet::new(),
            depends_on_all: false,
            context: IndexMap::new(),
        }
    }

    /// The value of a parameter that is read by name.
    pub fn context(&self, name: &str) -> Option<&str> {
        self.contexts(name).first().map(String::as_str)
    }

    /// The values of a parameter that is read by name.
    pub fn contexts(&self, name: &str) -> &[String] {
        self.context.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a flag is set.
    pub fn flag(&self, name: &str) -> bool {
        self.context(name) == Some("true")
    }
}

/// The number that a text begins with, as JavaScript's `parseInt`.
fn leading_integer(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 {
        return None;
    }
    Some(sign * digits[..end].parse::<i64>().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::graph::PRODUCT;

    const PARAMS: &[Param] = &[
        Param { name: "q", form: Form::Text, meaning: Meaning::Search, tag: None },
        Param { name: "id", form: Form::Texts, meaning: Meaning::Column("id"), tag: Some(Tag::product) },
        Param { name: "is_giftcard", form: Form::Flag, meaning: Meaning::Column("is_giftcard"), tag: None },
        Param { name: "region_id", form: Form::Text, meaning: Meaning::Context, tag: None },
        Param { name: "created_at", form: Form::Operators, meaning: Meaning::Column("created_at"), tag: None },
    ];

    fn input(raw: &str) -> Result<Input, ApiError> {
        read(raw, &PRODUCT, PARAMS, Common { limit: Some(50), logic: true })
    }

    #[test]
    fn refusals_are_in_medusas_words() {
        let table = [
            ("foo=bar", "Invalid request: Unrecognized fields: 'foo'"),
            ("foo=bar&baz=1", "Invalid request: Unrecognized fields: 'foo, baz'"),
            ("limit=abc", "Invalid request: Expected type: 'number' for field 'limit', got: 'abc'"),
            ("limit=", "Invalid request: Expected type: 'number' for field 'limit', got: ''"),
            (
                "limit=abc&foo=1",
                "Invalid request: Expected type: 'number' for field 'limit', got: 'abc'; Unrecognized fields: 'foo'",
            ),
            ("q[a]=b", "Invalid request: Expected type: 'string' for field 'q', got: '[object Object]'"),
            ("id[a]=b", "Invalid request: Expected type: 'string, array' for field 'id', got: '[object Object]'"),
            ("is_giftcard=maybe", "Invalid request: Invalid input"),
            ("$or=1", "Invalid request: Expected type: 'array' for field '$or', got: '1'"),
            ("limit=-1", "Invalid request: Value for field 'limit' too small, expected at least: '0'"),
            ("limit=99999", "Invalid request: Value for field 'limit' too big, expected at most: '1000'"),
        ];
        for (raw, message) in table {
            assert_eq!(input(raw).unwrap_err().message(), message, "{raw}");
        }
        assert!(input("created_at[$gt]=yesterday").is_err());
        assert!(input(&format!("q={}", "x".repeat(MAX_PATTERN + 1))).is_err());
        assert!(input("id=a%00b").is_err());
    }

    #[test]
    fn a_list_knows_what_it_was_narrowed_by() {
        let table: [(&str, usize, bool); 7] = [
            ("", 0, false),
            ("id[]=a&id[]=b", 2, false),
            ("q=x", 0, true),
            ("id=a&q=x", 1, true),
            ("$or[0][id]=a&$or[1][id]=b", 2, true),
            ("region_id=r&limit=12abc", 0, false),
            ("created_at[$gt]=2020-01-01T00:00:00Z", 0, true),
        ];
        for (raw, tags, all) in table {
            let input = input(raw).unwrap();
            assert_eq!((input.narrowed.len(), input.depends_on_all), (tags, all), "{raw}");
        }
        assert_eq!(input("limit=12abc").unwrap().limit, 12);
    }
}
