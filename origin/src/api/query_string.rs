//! Query strings as the `qs` package reads them: `id[0]=a`, `id[]=a`, `created_at[$gt]=x`, `$or[0][handle]=y`.

use indexmap::IndexMap;
use percent_encoding::percent_decode_str;

use crate::error::ApiError;

/// Most bytes of a query string.
pub const MAX_LENGTH: usize = 32_768;
/// Most `key=value` pairs.
pub const MAX_PAIRS: usize = 1_000;
/// Most brackets of a key.
pub const MAX_DEPTH: usize = 5;

/// The parameters by name.
pub type Query = IndexMap<String, Node>;

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Text, percent-decoded.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Values by name.
    Map(Query),
}

/// Reads a query string, without its `?`.
pub fn parse(raw: &str) -> Result<Query, ApiError> {
    if raw.len() > MAX_LENGTH {
        return Err(ApiError::invalid_data(format!("The query string is longer than {MAX_LENGTH} bytes")));
    }
    let mut query = Query::new();
    for (count, pair) in raw.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        if count == MAX_PAIRS {
            return Err(ApiError::invalid_data(format!("The query string has more than {MAX_PAIRS} parameters")));
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode(key), decode(value));
        insert(&mut query, &path(&key)?, value);
    }
    Ok(query.into_iter().map(|(name, node)| (name, node.settled().with_commas())).collect())
}

/// A key's parts: `a[b][]` is `a`, `b` and the empty one, which stands for the next index. `a.b` is `a`, `b`.
fn path(key: &str) -> Result<Vec<String>, ApiError> {
    let (name, brackets) = match key.find('[') {
        Some(at) if at > 0 => key.split_at(at),
        _ => (key, ""),
    };
    let mut path: Vec<String> = name.split('.').map(str::to_owned).collect();
    let mut rest = brackets;
    while let Some(inner) = rest.strip_prefix('[') {
        let Some((part, after)) = inner.split_once(']') else {
            break;
        };
        path.push(part.to_owned());
        rest = after;
    }
    if path.len() > MAX_DEPTH + 1 {
        let shown: String = key.chars().take(64).collect();
        return Err(ApiError::invalid_data(format!("Key accessor more than {MAX_DEPTH} levels deep: {shown}")));
    }
    Ok(path)
}

fn insert(map: &mut Query, path: &[String], value: String) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let name = if first.is_empty() { map.len().to_string() } else { first.clone() };
    if rest.is_empty() {
        match map.get_mut(&name) {
            None => {
                map.insert(name, Node::Text(value));
            }
            Some(Node::List(list)) => list.push(Node::Text(value)),
            Some(Node::Map(inner)) => {
                inner.insert(inner.len().to_string(), Node::Text(value));
            }
            Some(node) => *node = Node::List(vec![node.clone(), Node::Text(value)]),
        }
        return;
    }
    let node = map.entry(name).or_insert_with(|| Node::Map(Query::new()));
    if !matches!(node, Node::Map(_)) {
        let earlier = match std::mem::replace(node, Node::Map(Query::new())) {
            Node::List(list) => list,
            earlier => vec![earlier],
        };
        *node = Node::Map(earlier.into_iter().enumerate().map(|(index, node)| (index.to_string(), node)).collect());
    }
    if let Node::Map(inner) = node {
        insert(inner, rest, value);
    }
}

// === impl Node ===

impl Node {
    /// Maps whose names are all indices become lists.
    fn settled(self) -> Self {
        let Self::Map(map) = self else {
            return self;
        };
        let is_index = |name: &String| name.len() <= 4 && !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
        let settled: Query = map.into_iter().map(|(name, node)| (name, node.settled())).collect();
        if !settled.keys().all(is_index) {
            return Self::Map(settled);
        }
        let mut entries: Vec<(u16, Self)> =
            settled.into_iter().map(|(name, node)| (name.parse().unwrap_or(u16::MAX), node)).collect();
        entries.sort_by_key(|(index, _)| *index);
        Self::List(entries.into_iter().map(|(_, node)| node).collect())
    }

    /// A list of one text is a comma list (Medusa's `normalizeQuery`).
    fn with_commas(self) -> Self {
        match self {
            Self::List(list) => match list.as_slice() {
                [Self::Text(text)] => Self::List(text.split(',').map(|part| Self::Text(part.to_owned())).collect()),
                _ => Self::List(list),
            },
            node => node,
        }
    }

    /// As JavaScript would print it in a sentence.
    pub fn printed(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::List(list) => list.iter().map(Self::printed).collect::<Vec<_>>().join(","),
            Self::Map(_) => "[object Object]".to_owned(),
        }
    }
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Node {
        Node::Text(text.to_owned())
    }

    fn list(items: &[&str]) -> Node {
        Node::List(items.iter().map(|item| text(item)).collect())
    }

    fn map(entries: &[(&str, Node)]) -> Node {
        Node::Map(entries.iter().map(|(name, node)| ((*name).to_owned(), node.clone())).collect())
    }

    #[test]
    fn keys_nest_as_in_qs() {
        let table: Vec<(&str, &str, Node)> = vec![
            ("a=1", "a", text("1")),
            ("a", "a", text("")),
            ("a=1&a=2", "a", list(&["1", "2"])),
            ("a[]=1&a[]=2", "a", list(&["1", "2"])),
            ("a%5B1%5D=y&a%5B0%5D=x", "a", list(&["x", "y"])),
            ("a[]=1,2", "a", list(&["1", "2"])),
            ("a[]=1,2&a[]=3", "a", list(&["1,2", "3"])),
            ("a=1,2", "a", text("1,2")),
            ("c[$gt]=2020-01-01T00%3A00%3A00Z", "c", map(&[("$gt", text("2020-01-01T00:00:00Z"))])),
            ("c.$gt=1", "c", map(&[("$gt", text("1"))])),
            (
                "$or[0][h]=x&$or[1][h][]=y",
                "$or",
                Node::List(vec![map(&[("h", text("x"))]), map(&[("h", list(&["y"]))])]),
            ),
            ("q=a+b%20c%2B", "q", text("a b c+")),
            ("a=1&a[b]=2", "a", map(&[("0", text("1")), ("b", text("2"))])),
        ];
        for (raw, name, expected) in table {
            assert_eq!(parse(raw).unwrap().get(name), Some(&expected), "{raw}");
        }
    }

    #[test]
    fn what_is_too_much_is_refused() {
        assert!(parse(&"a=1&".repeat(MAX_PAIRS)).is_ok());
        assert!(parse(&"a=1&".repeat(MAX_PAIRS + 1)).is_err());
        assert!(parse("a[1][2][3][4][5]=1").is_ok());
        assert!(parse("a[1][2][3][4][5][6]=1").is_err());
        assert!(parse(&"a".repeat(MAX_LENGTH + 1)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(raw in "[a-c\\[\\]=&%.0-9$+]{0,80}") {
            let _ = parse(&raw);
        }
    }
}
