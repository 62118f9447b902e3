//! The rules of the house that a reader would otherwise have to watch: which crate may import which, how long files
//! and functions may be, and what may not be written at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot read the sources should panic")]

mod manifests;
mod scan;
mod sources;

use std::path::{Path, PathBuf};

use vitrine_load_tests::stack::workspace_root;

/// The members, whose sources and manifests are looked at.
const MEMBERS: [&str; 5] = ["proxy", "origin", "shared", "redis", "load-tests"];
/// Not ours, or made by tools.
const SKIPPED: [&str; 3] = ["target", "node_modules", ".git"];

fn files(folder: &Path, wanted: &dyn Fn(&Path) -> bool, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                files(&path, wanted, found);
            }
        } else if wanted(&path) {
            found.push(path);
        }
    }
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known))
}

/// Applies `check` to each wanted file of `folders`, with its path below the root, and lists all it complains about.
fn complaints(
    folders: &[&str],
    wanted: &dyn Fn(&Path) -> bool,
    check: &dyn Fn(&str, &str) -> Vec<String>,
) -> Vec<String> {
    let root = workspace_root().unwrap();
    let mut found = Vec::new();
    for folder in folders.iter().map(|folder| root.join(folder)).filter(|folder| folder.is_dir()) {
        files(&folder, wanted, &mut found);
    }
    assert!(!found.is_empty(), "no file was looked at in {folders:?}");
    let relative = |path: &PathBuf| path.strip_prefix(&root).unwrap().display().to_string();
    let look = |path: &PathBuf| {
        let name = relative(path);
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        check(&name, &text).into_iter().map(|complaint| format!("{name}{complaint}")).collect::<Vec<_>>()
    };
    found.iter().flat_map(look).collect()
}

fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn manifests_keep_the_one_table_of_versions_and_the_one_way_of_imports() {
    let is_manifest = |path: &Path| path.file_name().is_some_and(|name| name == "Cargo.toml");
    assert_none(&complaints(&MEMBERS, &is_manifest, &|name, text| {
        manifests::check(name.split('/').next().unwrap(), text)
    }));
}

#[test]
fn the_table_of_versions_is_sorted_and_names_each_version() {
    let text = std::fs::read_to_string(workspace_root().unwrap().join("Cargo.toml")).unwrap();
    assert_none(&manifests::check_table(&text));
}

#[test]
fn imports_run_one_way() {
    let is_rust = |path: &Path| has_extension(path, &["rs"]);
    assert_none(&complaints(&MEMBERS, &is_rust, &|name, text| {
        sources::imports(name.split('/').next().unwrap(), name, text)
    }));
}

#[test]
fn files_and_functions_are_short_or_say_why_not() {
    assert_none(&complaints(&MEMBERS, &|path| has_extension(path, &["rs"]), &|_, text| sources::lengths(text)));
}

#[test]
fn nothing_is_left_to_do_and_no_machine_is_named() {
    let kinds = ["rs", "toml", "sql", "md", "sh", "yaml", "yml", "mjs", "service", "txt"];
    let folders: Vec<_> =
        MEMBERS.into_iter().chain(["config", "docker", "docs", "migrations", ".ci", ".cargo"]).collect();
    let wanted = |path: &Path| has_extension(path, &kinds) || path.ends_with(".ci/run");
    assert_none(&complaints(&folders, &wanted, &|name, text| {
        // This test has to name what it looks for.
        if name.starts_with("load-tests/tests/tidy/") { Vec::new() } else { sources::forbidden(name, text) }
    }));
}

#[test]
fn the_list_of_system_packages_can_be_read() {
    let text = std::fs::read_to_string(workspace_root().unwrap().join("docker/packages.txt")).unwrap();
    let complaints = manifests::check_packages(&text);
    assert_none(&complaints);
}
