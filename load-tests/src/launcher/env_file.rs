//! `vitrine.env`: what another terminal needs to talk to the running shop, in the shell's syntax.

use std::path::Path;

use crate::stack::{StackError, write_private};

/// Writes `variables` to `path`, readable for the owner only.
pub(crate) fn write(path: &Path, variables: &[(&str, String)]) -> Result<(), StackError> {
    let head = "# Written by `vitrine up`; holds secrets. Use it with: . .run/vitrine.env\n";
    let lines = variables.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value)));
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
        let script = format!(". {} && printf '%s|%s' \"$PROXY_URL\" \"$NASTY\"", path.display());
        let output = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("http://127.0.0.1:8080|{nasty}"));
    }
}
