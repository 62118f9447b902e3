//! What narrows a list.

use chrono::{DateTime, Utc};

use super::graph::{Column, Relation};

/// Most bytes of `q`.
pub const MAX_PATTERN: usize = 256;
/// Most words of `q`.
pub const MAX_TERMS: usize = 10;

/// A condition on an entity.
#[derive(Debug, Clone)]
pub enum Filter {
    /// All of them; none: true.
    All(Vec<Filter>),
    /// Any of them; none: false.
    Any(Vec<Filter>),
    /// A column's value.
    Column(&'static Column, Test),
    /// There is a related row that passes.
    Related(&'static Relation, Box<Filter>),
    /// Each of these words stands in one of the columns that `q` searches.
    Search(Vec<String>),
}

/// A condition on a value.
#[derive(Debug, Clone)]
pub enum Test {
    /// One of these.
    In(Vec<Value>),
    /// None of these, and not null.
    NotIn(Vec<Value>),
    /// Null.
    Null,
    /// Greater.
    Above(Value),
    /// Greater or equal.
    AtLeast(Value),
    /// Less.
    Below(Value),
    /// Less or equal.
    AtMost(Value),
}

/// A value to compare with.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A boolean.
    Boolean(bool),
    /// A number, as it is written.
    Number(rust_decimal::Decimal),
    /// A time.
    Time(DateTime<Utc>),
}

// === impl Filter ===

impl Filter {
    /// Passes everything.
    pub fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// The words of a `q` parameter; without any, everything passes.
    pub fn search(text: &str) -> Self {
        let terms: Vec<String> = text.split_whitespace().take(MAX_TERMS).map(str::to_owned).collect();
        if terms.is_empty() { Self::everything() } else { Self::Search(terms) }
    }
}

/// A word as a `LIKE` pattern that finds it anywhere, its wildcards taken as they stand.
pub fn anywhere(term: &str) -> String {
    let mut pattern = String::with_capacity(term.len() + 2);
    pattern.push('%');
    for c in term.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_of_a_word_are_taken_as_they_stand() {
        assert_eq!(anywhere(r"50%_\a"), r"%50\%\_\\a%");
    }

    #[test]
    fn a_search_without_words_passes_everything() {
        assert!(matches!(Filter::search("  "), Filter::All(all) if all.is_empty()));
        assert!(matches!(Filter::search("a b"), Filter::Search(terms) if terms == ["a", "b"]));
    }
}
