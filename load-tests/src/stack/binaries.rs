//! Where Vitrine's own programs and files are.

use std::path::{Path, PathBuf};

use super::StackError;

/// The program `binary`: the one that `variable` names, else the one that was built beside the current program.
pub fn find_binary(binary: &'static str, variable: &'static str) -> Result<PathBuf, StackError> {
    let candidate = match std::env::var_os(variable) {
        Some(named) => PathBuf::from(named),
        None => beside(&std::env::current_exe().map_err(StackError::io("find", Path::new("/proc/self/exe")))?, binary),
    };
    if candidate.is_file() {
        return std::path::absolute(&candidate).map_err(StackError::io("resolve", &candidate));
    }
    Err(StackError::BinaryMissing { binary, looked: candidate, variable })
}

/// Tests lie in `target/PROFILE/deps` and the programs in `target/PROFILE`.
fn beside(current: &Path, binary: &str) -> PathBuf {
    let folder = current.parent().unwrap_or(Path::new("."));
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    folder.join(binary)
}

/// The root of the checkout: the nearest folder, from the current one up, that holds `config` and `Cargo.toml`.
pub fn workspace_root() -> Result<PathBuf, StackError> {
    let current = std::env::current_dir().map_err(StackError::io("find", Path::new(".")))?;
    let is_root = |folder: &&Path| folder.join("config").is_dir() && folder.join("Cargo.toml").is_file();
    current.ancestors().find(is_root).map(Path::to_owned).ok_or_else(|| StackError::Invalid {
        what: format!("the current folder {}", current.display()),
        reason: "neither it nor a folder above it is a checkout of Vitrine; change into one".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_lie_beside_programs_and_above_tests() {
        let expected = Path::new("/t/debug/vitrine-origin");
        assert_eq!(beside(Path::new("/t/debug/vitrine"), "vitrine-origin"), expected);
        assert_eq!(beside(Path::new("/t/debug/deps/shop-0123"), "vitrine-origin"), expected);
    }

    #[test]
    fn a_program_that_is_not_built_is_told_with_the_way_out() {
        let message = find_binary("vitrine-nothing", "VITRINE_NOTHING_BIN").unwrap_err().to_string();
        assert!(message.contains("cargo build --workspace") && message.contains("VITRINE_NOTHING_BIN"), "{message}");
    }

    #[test]
    fn the_root_is_found_from_below() {
        assert!(workspace_root().unwrap().join("load-tests").is_dir());
    }
}
