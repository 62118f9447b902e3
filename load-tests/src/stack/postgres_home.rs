//! Where Postgres's programs are, and where its data can lie.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::data_dir::make_folder;
use super::identity::ServerUser;
use super::postgres::home_link;
use super::{DataDir, StackError};

/// Root's data folder may lie where the server's user cannot go (below /root, say). The cluster then lies here,
/// and a link in the data folder leads to it. It is no temporary folder: the data must outlive a reboot.
const ELSEWHERE: &str = "/var/lib/vitrine";
const DEBIAN: &str = "/usr/lib/postgresql";

/// The folder of the server programs, of the version that wrote `home` if there are several.
pub(crate) fn find_programs(home: &Path) -> Result<PathBuf, StackError> {
    let mut folders = installed();
    folders.retain(|folder| folder.join("postgres").is_file() && folder.join("initdb").is_file());
    let Some(first) = folders.first() else {
        return Err(StackError::ProgramMissing {
            program: "postgres",
            looked: format!("`pg_config --bindir`, {DEBIAN}/*/bin and PATH"),
            package: "postgresql",
        });
    };
    let Ok(found) = fs::read_to_string(home.join("PG_VERSION")) else { return Ok(first.clone()) };
    let found = found.trim();
    let installed: Vec<_> = folders.iter().filter_map(|folder| Some((folder, major_version(folder)?))).collect();
    match installed.iter().find(|(_, version)| version == found) {
        Some((folder, _)) => Ok((*folder).clone()),
        None => Err(StackError::WrongVersion {
            folder: home.to_owned(),
            found: found.to_owned(),
            installed: installed.into_iter().map(|(_, version)| version).collect::<Vec<_>>().join(", "),
        }),
    }
}

/// Candidates, the best first.
fn installed() -> Vec<PathBuf> {
    let asked = Command::new("pg_config").arg("--bindir").output().ok();
    let asked = asked.filter(|output| output.status.success()).and_then(|output| String::from_utf8(output.stdout).ok());
    let mut folders: Vec<PathBuf> = asked.iter().map(|folder| PathBuf::from(folder.trim())).collect();
    let mut versions: Vec<u32> = fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    folders.extend(versions.into_iter().map(|version| Path::new(DEBIAN).join(version.to_string()).join("bin")));
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    folders
}

/// `postgres --version` says `postgres (PostgreSQL) 15.18 (Debian ...)`.
fn major_version(programs: &Path) -> Option<String> {
    let output = Command::new(programs.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split_once("(PostgreSQL) ")?.1;
    Some(version.split(|c: char| !c.is_ascii_digit()).next()?.to_owned())
}

/// The folder of the cluster, made if needed, and belonging to `user` when we are root.
pub(crate) fn place(data: &DataDir, user: Option<&ServerUser>) -> Result<PathBuf, StackError> {
    let link = home_link(data);
    let home = match user {
        Some(user) if !user.can_enter(data.root()) => elsewhere(data, &link, user)?,
        _ => link,
    };
    make_folder(&home, 0o700)?;
    if let Some(user) = user {
        user.own(&home)?;
    }
    Ok(home)
}

fn elsewhere(data: &DataDir, link: &Path, user: &ServerUser) -> Result<PathBuf, StackError> {
    let parent = Path::new(ELSEWHERE);
    make_folder(parent, 0o711)?;
    if !user.can_enter(parent) {
        return Err(StackError::Unreachable {
            user: user.name.clone(),
            server: "Postgres",
            folder: data.root().to_owned(),
        });
    }
    let mut hasher = DefaultHasher::new();
    data.root().hash(&mut hasher);
    let home = parent.join(format!("postgres-{:016x}", hasher.finish()));
    if fs::read_link(link).is_ok_and(|target| target == home) {
        return Ok(home);
    }
    // Without the link the password is lost too, so an old cluster there is of no use.
    let _ = fs::remove_dir_all(&home);
    std::os::unix::fs::symlink(&home, link).map_err(StackError::io("make the link", link))?;
    Ok(home)
}

/// Removes the cluster of a data folder, wherever it lies.
pub(crate) fn remove(data: &Path) -> Result<(), StackError> {
    let link = data.join("postgres");
    let home = fs::read_link(&link).unwrap_or_else(|_| link.clone());
    if home != link {
        // Only what we made: a link to anywhere else is not followed.
        let ours = home.parent() == Some(Path::new(ELSEWHERE));
        if ours && home.exists() {
            fs::remove_dir_all(&home).map_err(StackError::io("remove", &home))?;
        }
        return fs::remove_file(&link).map_err(StackError::io("remove", &link));
    }
    if home.exists() {
        fs::remove_dir_all(&home).map_err(StackError::io("remove", &home))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_of_the_data_is_told_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("PG_VERSION"), "9\n").unwrap();
        let message = find_programs(folder.path()).unwrap_err().to_string();
        assert!(message.contains("postgresql-9") && message.contains("make clean-data"), "{message}");
    }

    #[test]
    fn removing_does_not_follow_a_foreign_link() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        fs::create_dir(&precious).unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        std::os::unix::fs::symlink(&precious, data.join("postgres")).unwrap();
        remove(&data).unwrap();
        assert!(precious.exists());
        assert!(!data.join("postgres").exists());
    }
}
