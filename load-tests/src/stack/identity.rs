//! Whom a server runs as when we are root: Postgres refuses root.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User, chown, geteuid};

use super::StackError;

/// Tried in this order; Debian's package makes the first, every system has the second.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// The unprivileged user that stands in for root.
#[derive(Debug, Clone)]
pub(crate) struct ServerUser {
    pub(crate) name: String,
    pub(crate) uid: Uid,
    pub(crate) gid: Gid,
}

impl ServerUser {
    /// `None` unless we are root: anybody else runs servers as themselves.
    pub(crate) fn when_root() -> Result<Option<Self>, StackError> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        CANDIDATES
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Some(Self { name: user.name, uid: user.uid, gid: user.gid }))
            .ok_or(StackError::NoServerUser)
    }

    /// Makes `command` run as this user. The standard library also drops root's supplementary groups.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
    }

    /// Gives `path` to this user.
    pub(crate) fn own(&self, path: &Path) -> Result<(), StackError> {
        chown(path, Some(self.uid), Some(self.gid))
            .map_err(|errno| StackError::io("change the owner of", path)(errno.into()))
    }

    /// Whether this user can enter `folder`, found by trying: access lists and mounts count, not only mode bits.
    pub(crate) fn can_enter(&self, folder: &Path) -> bool {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "cd \"$1\"", "sh"]).arg(folder).current_dir("/");
        shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.apply(&mut shell);
        shell.status().is_ok_and(|status| status.success())
    }
}
