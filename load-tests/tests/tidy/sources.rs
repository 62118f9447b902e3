//! What sources may say, and how long they may be.

use std::path::Path;

use crate::scan::{code_only, functions};

const FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 70;
/// A longer file, or one with a longer function, gives its reason in its first lines after these words.
const REASON: &str = "// tidy: long because ";
const FIRST_LINES: usize = 10;
/// Crates whose names may not occur in the contract.
const NOT_IN_SHARED: [&str; 4] = ["pingora", "axum", "sqlx", "redis"];

/// Complaints about names of crates in the code of `member`.
pub(crate) fn imports(member: &str, name: &str, text: &str) -> Vec<String> {
    let below = name.split_once('/').map_or("", |(_, below)| below);
    // `mod tests;` puts a module's tests into a file or folder of this name.
    let in_tests = below.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "benches"));
    let code = code_only(text);
    let test_module = code.find("#[cfg(test)]").map_or(usize::MAX, |at| code[..at].lines().count());
    let mut complaints = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let in_tests = in_tests || index >= test_module;
        for krate in forbidden_crates(member, in_tests) {
            if names_crate(line, krate) {
                complaints.push(format!(":{}: {member} may not name the crate {krate} here", index + 1));
            }
        }
    }
    complaints
}

fn forbidden_crates(member: &str, in_tests: bool) -> Vec<&'static str> {
    let mut forbidden = vec!["vitrine_proxy", "vitrine_origin"];
    match member {
        "shared" => {
            forbidden.push("vitrine_load_tests");
            forbidden.extend(NOT_IN_SHARED);
        }
        // A crate's own binary, tests and benches name its library.
        "proxy" => forbidden.retain(|krate| *krate != "vitrine_proxy"),
        "origin" => forbidden.retain(|krate| *krate != "vitrine_origin"),
        _ => {}
    }
    if matches!(member, "proxy" | "origin") && !in_tests {
        forbidden.push("vitrine_load_tests");
    }
    forbidden
}

/// `use krate...` or `krate::`, as a whole word; `pingora` also stands for `pingora_core` and its like.
fn names_crate(line: &str, krate: &str) -> bool {
    line.match_indices(krate).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let whole = before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '.'));
        let rest = line[at + krate.len()..].trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
        let starts_use = line[..at].trim_end().ends_with("use");
        let exact = rest.len() == line.len() - at - krate.len() || krate == "pingora";
        let own_module = line[..at].trim_end().ends_with("::") || line[..at].trim_end().ends_with("crate::");
        whole && exact && !own_module && (rest.starts_with("::") || starts_use)
    })
}

/// Complaints about a file or functions that are too long and give no reason.
pub(crate) fn lengths(text: &str) -> Vec<String> {
    let reason = text.lines().take(FIRST_LINES).find_map(|line| line.trim().strip_prefix(REASON));
    if reason.is_some_and(|reason| !reason.trim().is_empty()) {
        return Vec::new();
    }
    let lines = text.lines().count();
    let file = (lines > FILE_LINES).then(|| format!(": has {lines} lines, more than {FILE_LINES}"));
    let long = functions(&code_only(text)).into_iter().filter(|function| function.lines > FUNCTION_LINES);
    let long = long.map(|function| {
        format!(":{}: fn {} has {} lines, more than {FUNCTION_LINES}", function.line, function.name, function.lines)
    });
    file.into_iter().chain(long).collect()
}

/// Complaints about what may not be written at all.
pub(crate) fn forbidden(name: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let code = if Path::new(name).extension().is_some_and(|extension| extension == "rs") {
        code_only(text)
    } else {
        String::new()
    };
    for (index, line) in code.lines().enumerate() {
        for unfinished in ["todo!", "unimplemented!"] {
            if line.contains(unfinished) {
                complaints.push(format!(":{}: {unfinished} is no code", index + 1));
            }
        }
    }
    for (index, line) in text.lines().enumerate() {
        for folder in ["/work/", "/root/"] {
            if names_folder(line, folder) {
                complaints.push(format!(":{}: {folder} is a path of one machine", index + 1));
            }
        }
    }
    complaints
}

/// An absolute path: nothing stands before it that would make it a part of a longer one.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '/' | '*' | '>')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_import_is_found_however_it_is_written() {
        for (member, line) in [
            ("proxy", "use vitrine_origin::api;"),
            ("origin", "let x = vitrine_proxy::run();"),
            ("origin", "use vitrine_load_tests::stack::TestStack;"),
            ("shared", "use axum::Router;"),
            ("shared", "pub(crate) use pingora_core::Error;"),
            ("shared", "fn f() -> sqlx::Result<()> {}"),
            ("shared", "use redis as r;"),
            ("load-tests", "use vitrine_proxy::rules;"),
        ] {
            assert_eq!(imports(member, &format!("{member}/src/a.rs"), line).len(), 1, "{member}: {line}");
        }
    }

    #[test]
    fn a_right_import_passes() {
        for (member, file, text) in [
            ("proxy", "proxy/src/main.rs", "use vitrine_proxy::run;"),
            ("proxy", "proxy/src/a.rs", "use vitrine_shared::tag; // not vitrine_origin::x"),
            ("origin", "origin/tests/a.rs", "use vitrine_load_tests::stack;"),
            ("origin", "origin/src/seed/tests.rs", "use vitrine_load_tests::stack;"),
            ("origin", "origin/src/a.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n use vitrine_load_tests::stack; }"),
            ("shared", "shared/src/a.rs", "let redis = 1; x.redis::<u8>(); use crate::redis::Y; enum A { redis }"),
            ("load-tests", "load-tests/src/a.rs", "use crate::stack::redis::Redis; use redis::Client;"),
        ] {
            assert!(imports(member, file, text).is_empty(), "{member}: {text}");
        }
    }

    #[test]
    fn a_long_file_or_function_needs_a_reason() {
        let long_file = "// x\n".repeat(FILE_LINES + 1);
        let long_function = format!("fn f() {{\n{}}}\n", "    x();\n".repeat(FUNCTION_LINES));
        for text in [&long_file, &long_function] {
            assert_eq!(lengths(text).len(), 1);
            assert!(lengths(&format!("//! Doc.\n{REASON}it is one table\n{text}")).is_empty());
            assert_eq!(lengths(&format!("{REASON}\n{text}")).len(), 1);
        }
        assert!(lengths(&"// x\n".repeat(FILE_LINES)).is_empty());
        let short = format!("fn f() {{\n{}}}\n", "    x();\n".repeat(FUNCTION_LINES - 2));
        assert!(lengths(&short).is_empty());
    }

    #[test]
    fn unfinished_code_and_paths_of_a_machine_are_found() {
        // Put together here, so that nobody who looks for unfinished code finds this.
        for name in ["todo", "unimplemented"] {
            assert_eq!(forbidden("a.rs", &format!("fn f() {{ {name}!() }}")).len(), 1, "{name}");
            assert!(forbidden("a.rs", &format!("// {name}! is a macro\nlet x = \"{name}!\";")).is_empty(), "{name}");
        }
        assert_eq!(forbidden("a.toml", "x = \"/work/x\"").len(), 1);
        assert_eq!(forbidden("a.md", "see /root/.cache").len(), 1);
        for fine in ["src/work/x", "${HOME}/work/x", "http://h/root/x", "workflows", "./work/x"] {
            assert!(forbidden("a.md", fine).is_empty(), "{fine}");
        }
    }
}
