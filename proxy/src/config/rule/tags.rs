//! `tags`: templates, held against the parameters of the paths.

use std::sync::Arc;

use crate::config::names::at;
use crate::config::problems::Problems;
use crate::config::raw::RawRule;
use crate::rules::{PathPattern, TagTemplates, Template};

pub(super) fn templates(raw: &RawRule, paths: Arc<[PathPattern]>, problems: &mut Problems<'_>) -> TagTemplates {
    let Some(texts) = &raw.tags else {
        return TagTemplates::default();
    };
    let known: Vec<&str> = paths.iter().flat_map(PathPattern::parameters).collect();
    let mut templates = Vec::new();
    for text in texts.get_ref() {
        let Some(template) = problems.parse::<Template, _>(text, "a tag template", str::parse) else { continue };
        let unknown = template.parameters().find(|name| !known.contains(name)).map(str::to_owned);
        let together =
            || paths.iter().any(|path| template.parameters().all(|name| path.parameters().any(|own| own == name)));
        if let Some(name) = unknown {
            problems.unknown(&at(text, &name), "parameter", known.iter().copied());
        } else if !paths.is_empty() && !together() {
            problems.error(text, format!("no path has all parameters of `{}`", text.get_ref()), None);
        }
        templates.push(template);
    }
    TagTemplates::new(paths, templates)
}
