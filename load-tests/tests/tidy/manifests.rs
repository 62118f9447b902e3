//! What manifests may say.

use toml::{Table, Value};

const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
/// Crates that the contract must not know: it does no IO.
const NOT_IN_SHARED: [&str; 6] = ["pingora", "pingora-core", "axum", "sqlx", "redis", "tokio"];

/// What is wrong with the manifest of `member`.
pub(crate) fn check(member: &str, text: &str) -> Vec<String> {
    let manifest: Table = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!(": is no TOML: {error}")],
    };
    let mut complaints = Vec::new();
    for section in SECTIONS {
        let Some(dependencies) = manifest.get(section).and_then(Value::as_table) else { continue };
        for (name, value) in dependencies {
            if value.get("workspace").and_then(Value::as_bool) != Some(true) {
                complaints.push(format!(": {name} must say `workspace = true`; versions stand in the root's table"));
            }
            if !may_depend(member, section, name) {
                complaints.push(format!(": {member} may not have {name} under {section}"));
            }
        }
    }
    complaints
}

fn may_depend(member: &str, section: &str, name: &str) -> bool {
    match (member, name) {
        ("shared", name) => {
            !NOT_IN_SHARED.contains(&name) && !name.starts_with("pingora") && !name.starts_with("vitrine-")
        }
        (_, "vitrine-proxy" | "vitrine-origin") => false,
        ("redis", name) => !name.starts_with("vitrine-") && !name.starts_with("pingora"),
        ("proxy" | "origin", "vitrine-load-tests") => section == "dev-dependencies",
        _ => true,
    }
}

/// What is wrong with the root's table of versions.
pub(crate) fn check_table(text: &str) -> Vec<String> {
    let manifest: Table = text.parse().unwrap();
    let table = manifest["workspace"]["dependencies"].as_table().unwrap();
    let mut complaints = Vec::new();
    for (name, value) in table {
        let version = value.as_str().or_else(|| value.get("version").and_then(Value::as_str));
        let own = value.get("path").is_some();
        if !own && version.is_none_or(|version| !version.starts_with(|c: char| c.is_ascii_digit())) {
            complaints.push(format!("Cargo.toml: {name} needs a version that begins with a number"));
        }
    }
    // The parser sorts; the order in the file is read from its lines.
    let section = text.split("[workspace.dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let names: Vec<_> = section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    let names: Vec<_> = names.into_iter().filter(|name| !name.starts_with("vitrine-")).collect();
    for pair in names.windows(2).filter(|pair| pair[0] >= pair[1]) {
        complaints.push(format!("Cargo.toml: {} must come after {}", pair[0], pair[1]));
    }
    complaints
}

/// What is wrong with the list of system packages.
pub(crate) fn check_packages(text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut sections = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let at = |what: &str| format!("docker/packages.txt:{}: {what}", index + 1);
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            sections.push(section.to_owned());
        } else if !line.is_empty() {
            let words: Vec<_> = line.split_whitespace().collect();
            let known = |test: &&str| ["command:", "file:", "package:"].iter().any(|kind| test.starts_with(kind));
            if words.len() != 2 || !words[1..].iter().all(known) {
                complaints.push(at("must be `PACKAGE command:NAME`, `PACKAGE file:PATTERN` or `PACKAGE package:NAME`"));
            }
            if sections.is_empty() {
                complaints.push(at("stands before the first [section]"));
            }
        }
    }
    if sections != ["build", "run", "test", "bench", "prove", "schemathesis"] {
        complaints.push(format!("docker/packages.txt: has the sections {sections:?}"));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_outside_the_table_is_found() {
        for bad in ["serde = \"1\"", "serde = { version = \"1\" }", "serde = { git = \"x\" }"] {
            assert_eq!(check("proxy", &format!("[dependencies]\n{bad}\n")).len(), 1, "{bad}");
        }
        assert!(check("proxy", "[dependencies]\nserde.workspace = true\n").is_empty());
        assert!(check("proxy", "[dependencies]\nserde = { workspace = true, features = [\"rc\"] }\n").is_empty());
    }

    #[test]
    fn a_wrong_arrow_is_found() {
        let manifest = |section: &str, name: &str| format!("[{section}]\n{name}.workspace = true\n");
        for (member, section, name) in [
            ("proxy", "dependencies", "vitrine-origin"),
            ("origin", "dev-dependencies", "vitrine-proxy"),
            ("load-tests", "dependencies", "vitrine-proxy"),
            ("proxy", "dependencies", "vitrine-load-tests"),
            ("shared", "dependencies", "axum"),
            ("shared", "dependencies", "pingora-cache"),
            ("shared", "dev-dependencies", "vitrine-load-tests"),
            ("redis", "dependencies", "vitrine-shared"),
        ] {
            assert_eq!(check(member, &manifest(section, name)).len(), 1, "{member} {name}");
        }
        for (member, section, name) in [
            ("proxy", "dependencies", "vitrine-shared"),
            ("origin", "dev-dependencies", "vitrine-load-tests"),
            ("load-tests", "dependencies", "vitrine-shared"),
        ] {
            assert!(check(member, &manifest(section, name)).is_empty(), "{member} {name}");
        }
    }

    #[test]
    fn a_table_out_of_order_or_without_a_version_is_found() {
        let table = |lines: &str| format!("[workspace.dependencies]\n{lines}\n\n[profile.dev]\n");
        assert!(check_table(&table("a = \"1\"\nb = { version = \"2\" }")).is_empty());
        assert_eq!(check_table(&table("b = \"1\"\na = \"1\"")).len(), 1);
        assert_eq!(check_table(&table("a = \"*\"\nb = { git = \"x\" }")).len(), 2);
    }

    #[test]
    fn a_bad_list_of_packages_is_found() {
        let good = "[build]\ncmake command:cmake # why\n[run]\n[test]\n[bench]\n[prove]\n[schemathesis]\n";
        assert!(check_packages(good).is_empty());
        assert_eq!(check_packages(&good.replace("command:cmake", "cmake")).len(), 1);
        assert_eq!(check_packages(&good.replace("[build]\n", "")).len(), 2);
    }
}
