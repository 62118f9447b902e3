//! The folder that a stack keeps its data, logs and pid files in.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::StackError;

/// A data folder: `postgres`, `redis` and `s3` hold data, `logs` what the servers say, `pids` which processes they are.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Makes the folder if needed. Others may pass through it (root's Postgres runs as another user) but not list it.
    pub fn open(root: &Path) -> Result<Self, StackError> {
        let root = std::path::absolute(root).map_err(StackError::io("resolve", root))?;
        make_folder(&root, 0o711)?;
        let data = Self { root };
        make_folder(&data.pids(), 0o700)?;
        make_folder(&data.logs(), 0o700)?;
        Ok(data)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the pid files lie.
    pub fn pids(&self) -> PathBuf {
        self.root.join("pids")
    }

    /// Where the logs lie.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The log of one server.
    pub fn log(&self, server: &str) -> PathBuf {
        self.logs().join(format!("{server}.log"))
    }

    /// A folder below it for one server's data, made if needed, for its owner only.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, StackError> {
        let folder = self.root.join(name);
        make_folder(&folder, 0o700)?;
        Ok(folder)
    }
}

/// Makes a folder with exactly this mode, whatever the umask. One that exists is left with the mode it has.
pub(crate) fn make_folder(path: &Path, mode: u32) -> Result<(), StackError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(StackError::io("make the folder", parent))?;
    }
    match fs::DirBuilder::new().mode(mode).create(path) {
        // Another process made it in between: theirs is as good.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        made => made.map_err(StackError::io("make the folder", path))?,
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(StackError::io("set the mode of", path))
}

/// Writes a file that only its owner may read, replacing it whole.
pub(crate) fn write_private(path: &Path, content: &str) -> Result<(), StackError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let unfinished = path.with_extension("unfinished");
    let _ = fs::remove_file(&unfinished);
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(content.as_bytes())?;
        fs::rename(&unfinished, path)
    };
    write().map_err(StackError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn others_may_pass_but_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(&folder.path().join("a/b")).unwrap();
        assert_eq!(mode(data.root()), 0o711);
        assert_eq!(mode(&data.logs()), 0o700);
        assert_eq!(mode(&data.folder("s3").unwrap()), 0o700);
        DataDir::open(data.root()).unwrap();
    }

    #[test]
    fn a_private_file_is_replaced_whole_and_stays_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.env");
        fs::write(&path, "old and public").unwrap();
        write_private(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(mode(&path), 0o600);
    }
}
