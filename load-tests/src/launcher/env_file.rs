//! `vitrine.env`: what another terminal needs to talk to the running shop, in the shell's syntax.

use std::path::Path;

use crate::stack::{StackError, write_private};

/// Writes `variables` to `path`, readable for the owner only.
///
/// They are not exported: `DATABASE_URL` and its like in the environment would tell the next `make run` of that shell to use
/// them as servers of its user's own.
pub(crate) fn write(path: &Path, variables: &[(&str, String)]) -> Result<(), StackError> {
    let head = "# Written by `vitrine up`; holds secrets. Use it with: . .run/vitrine.env (programs that need it: set -a before)\n";
    let lines = variables.iter().map(|(name, value)| format!("{name}={}\n", quoted(value)));
    write_private(path, &std::iter::once(head.to_owned()).chain(lines).collect::<String>())
}

/// In single quotes a shell leaves everything alone but the quote itself.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vitrine.env");
        let nasty = "a'b \"c\" $HOME `id` \\ #;&";
        write(&path, &[("PROXY_URL", "http://127.0.0.1:8080".to_owned()), ("NASTY", nasty.to_owned())]).unwrap();
        let script = format!(". {} && printf '%s|%s' \"$PROXY_URL\" \"$NASTY\" && env", path.display());
        let output = std::process::Command::new("/bin/sh").args(["-c", &script]).env_clear().output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let (read, exported) = said.split_at(said.find("PWD=").unwrap_or(said.len()));
        assert_eq!(read, format!("http://127.0.0.1:8080|{nasty}"));
        assert!(!exported.contains("PROXY_URL"), "{exported}");
    }
}
