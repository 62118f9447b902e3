//! Medusa's grammar of the `fields` parameter (`@medusajs/framework` `http/utils/field-filtering`).
//!
//! A comma list. If any entry has no modifier (`+`, `-`, a space, `*` in front, or `.*` behind), the list replaces the
//! route's defaults; else it changes them. `*rel` and `rel.*` choose all columns of a relation, `-rel` drops it and
//! what is below it. What the route does not allow is dropped without a word.

use std::collections::HashSet;

use indexmap::IndexSet;

use crate::error::ApiError;

/// Most bytes of a `fields` parameter.
pub const MAX_LENGTH: usize = 8_192;
/// How many relations deep a path may go where the route says nothing else (`storeRelationsLimit`).
pub const DEFAULT_DEPTH: usize = 3;

/// What a route shows, and may show.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What is shown unless asked otherwise.
    pub defaults: &'static [&'static str],
    /// All paths that may be asked for, without stars.
    pub allowed: HashSet<String>,
    /// How many relations deep a path may go.
    pub depth: usize,
}

/// Paths that a request chose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    plain: IndexSet<String>,
    whole: IndexSet<String>,
}

// === impl Shown ===

impl Shown {
    /// What a route shows by default, and what it allows besides.
    pub fn new(defaults: &'static [&'static str], extra: impl IntoIterator<Item = String>) -> Self {
        let allowed = defaults.iter().map(|path| bare(path).to_owned()).chain(extra).collect();
        Self { defaults, allowed, depth: DEFAULT_DEPTH }
    }

    /// The same with another limit of depth.
    #[must_use]
    pub fn depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// The paths that a `fields` parameter chooses here.
    pub fn choose(&self, text: Option<&str>) -> Result<Fields, ApiError> {
        check_length(text)?;
        let mut fields = Fields::parse(text, self.defaults);
        fields.plain.retain(|path| self.allowed.contains(path));
        fields.whole.retain(|path| self.allowed.contains(path));
        fields.check_depth(self.depth)?;
        Ok(fields)
    }

    /// Whether lists may be ordered by this path.
    pub fn allows(&self, path: &str) -> bool {
        self.allowed.contains(path)
    }
}

/// `prefix` before each path, as for what may be asked of a nested entity.
pub fn prefixed<'p>(prefix: &'p str, paths: impl IntoIterator<Item = &'p str>) -> impl Iterator<Item = String> {
    paths.into_iter().map(move |path| format!("{prefix}.{}", bare(path)))
}

// === impl Fields ===

impl Fields {
    /// The paths that a `fields` parameter chooses where no list limits them, as on Admin routes: the graph alone does.
    pub fn free(text: Option<&str>, defaults: &[&str], depth: usize) -> Result<Self, ApiError> {
        check_length(text)?;
        let fields = Self::parse(text, defaults);
        fields.check_depth(depth)?;
        Ok(fields)
    }

    /// All paths; those of whole relations first, so that parts of them add nothing.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.whole.iter().chain(&self.plain).map(String::as_str)
    }

    /// Whether a path was chosen, as it stands.
    pub fn contains(&self, path: &str) -> bool {
        self.plain.contains(path) || self.whole.contains(path)
    }

    /// Takes a path away that was chosen without a star.
    pub fn remove_plain(&mut self, path: &str) {
        self.plain.shift_remove(path);
    }

    /// Adds a path, allowed or not.
    pub fn add(&mut self, path: &str) {
        self.plain.insert(path.to_owned());
    }

    fn parse(text: Option<&str>, defaults: &[&str]) -> Self {
        let mut all: IndexSet<String> = defaults.iter().map(|path| (*path).to_owned()).collect();
        if let Some(text) = text {
            let entries: Vec<&str> = text.split(',').filter(|entry| !entry.is_empty()).collect();
            if entries.is_empty() || entries.iter().any(|entry| !is_modifier(entry)) {
                all = entries.iter().map(|entry| stripped(entry).to_owned()).collect();
            } else {
                for entry in &entries {
                    modify(&mut all, entry);
                }
            }
            all.insert("id".to_owned());
        }
        let (whole, plain): (IndexSet<String>, IndexSet<String>) = all.into_iter().partition(|path| is_star(path));
        Self { plain, whole: whole.iter().map(|path| bare(path).to_owned()).collect() }
    }

    fn check_depth(&self, limit: usize) -> Result<(), ApiError> {
        let deep_plain = self.plain.iter().filter(|path| path.split('.').count() > limit + 1).cloned();
        let deep_whole =
            self.whole.iter().filter(|path| path.split('.').count() > limit).map(|path| format!("{path}.*"));
        let deep: Vec<String> = deep_plain.chain(deep_whole).collect();
        if deep.is_empty() {
            return Ok(());
        }
        Err(ApiError::invalid_data(format!(
            "The following fields expand more than the maximum of {limit} allowed relations: {}",
            deep.join(", ")
        )))
    }
}

fn check_length(text: Option<&str>) -> Result<(), ApiError> {
    if text.is_some_and(|text| text.len() > MAX_LENGTH) {
        return Err(ApiError::invalid_data(format!("`fields` is longer than {MAX_LENGTH} bytes")));
    }
    Ok(())
}

fn is_modifier(entry: &str) -> bool {
    entry.starts_with(['-', '+', ' ', '*']) || entry.ends_with(".*")
}

fn is_star(path: &str) -> bool {
    path.starts_with('*') || path.ends_with(".*")
}

/// A path without its star.
fn bare(path: &str) -> &str {
    path.strip_prefix('*').unwrap_or_else(|| path.strip_suffix(".*").unwrap_or(path))
}

fn stripped(entry: &str) -> &str {
    entry.trim_start_matches(['+', ' ', '\t', '-']).trim()
}

fn modify(all: &mut IndexSet<String>, entry: &str) {
    if entry.starts_with(['+', ' ']) {
        all.insert(stripped(entry).to_owned());
    } else if entry.starts_with('-') {
        let name = stripped(entry);
        all.retain(|path| {
            let path = path.strip_prefix('*').unwrap_or(path);
            path != name && !path.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
        });
    } else {
        all.insert(entry.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEFAULTS: &[&str] = &["id", "title", "*options", "*options.values", "*tags"];

    fn shown() -> Shown {
        Shown::new(DEFAULTS, ["metadata", "variants", "variants.calculated_price", "a.b.c.d"].map(str::to_owned))
    }

    fn chosen(text: Option<&str>) -> Vec<String> {
        let mut paths: Vec<String> = shown().choose(text).unwrap().paths().map(str::to_owned).collect();
        paths.sort();
        paths
    }

    #[test]
    fn entries_replace_or_change_the_defaults() {
        let defaults = ["id", "options", "options.values", "tags", "title"];
        let table: &[(Option<&str>, &[&str])] = &[
            (None, &defaults),
            (Some(""), &["id"]),
            (Some(","), &["id"]),
            (Some("title"), &["id", "title"]),
            (Some("title, +metadata"), &["id", "metadata", "title"]),
            (Some("id, title"), &["id", "title"]),
            (Some("+metadata"), &["id", "metadata", "options", "options.values", "tags", "title"]),
            (Some(" metadata"), &["id", "metadata", "options", "options.values", "tags", "title"]),
            (Some("-options"), &["id", "tags", "title"]),
            (Some("-options,-id"), &["id", "tags", "title"]),
            (Some("variants.*,"), &["id", "options", "options.values", "tags", "title", "variants"]),
            (
                Some("*variants.calculated_price,+tags,"),
                &["id", "options", "options.values", "tags", "tags", "title", "variants.calculated_price"],
            ),
            (Some("+nope"), &defaults),
            (Some("*sales_channels"), &defaults),
            (Some("-option"), &defaults),
        ];
        for (text, expected) in table {
            assert_eq!(chosen(*text), *expected, "{text:?}");
        }
    }

    #[test]
    fn depth_is_limited_in_medusas_words() {
        let error = shown().depth(2).choose(Some("a.b.c.d")).unwrap_err();
        assert_eq!(
            error.message(),
            "The following fields expand more than the maximum of 2 allowed relations: a.b.c.d"
        );
        assert!(shown().choose(Some("a.b.c.d")).is_ok());
        assert!(shown().choose(Some("*a.b.c.d")).is_err());
    }

    proptest! {
        #[test]
        fn no_text_shows_what_is_not_allowed(text in "[-+ *.,a-z]{0,60}") {
            let shown = shown();
            if let Ok(fields) = shown.choose(Some(&text)) {
                for path in fields.paths() {
                    prop_assert!(shown.allows(path));
                }
            }
        }
    }
}
