//! That the page for operators tells of every metric, in the words of the metrics themselves.

use std::collections::BTreeMap;
use std::path::Path;

/// Texts of a source file in their order; those that go on in the next line are put together.
fn texts(source: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = source.split_once("#[cfg(test)]").map_or(source, |(code, _)| code);
    while let Some((_, after)) = rest.split_once('"') {
        let Some((text, after)) = after.split_once('"') else { break };
        texts.push(text.split("\\\n").map(str::trim_start).collect());
        rest = after;
    }
    texts
}

/// What the sources below a folder declare: each metric with the text behind its name, which is its help.
fn declared(folder: &Path, into: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            declared(&path, into);
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            let texts = texts(&std::fs::read_to_string(&path).unwrap());
            let metrics = texts.iter().zip(&texts[1.min(texts.len())..]).filter(|(name, _)| is_metric(name));
            into.extend(metrics.map(|(name, help)| (name.clone(), help.clone())));
        }
    }
}

fn is_metric(text: &str) -> bool {
    let named = text.strip_prefix("vitrine_").is_some_and(|name| !name.is_empty());
    named && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[test]
fn the_page_for_operators_tells_of_every_metric() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut declared_here = BTreeMap::new();
    declared(&here.join("src"), &mut declared_here);
    let page = std::fs::read_to_string(here.join("../docs/running.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `vitrine_")?.strip_suffix(" |")?.split_once("` | "));
    let told: BTreeMap<String, String> = rows
        .map(|(name, rest)| (format!("vitrine_{name}"), rest.rsplit(" | ").next().unwrap_or_default().to_owned()))
        .collect();
    for (name, help) in &declared_here {
        assert_eq!(told.get(name), Some(help), "docs/running.md needs a row: | `{name}` | type | labels | {help} |");
    }
    for name in told.keys() {
        assert!(declared_here.contains_key(name), "docs/running.md tells of `{name}`, which is no more");
    }
}
