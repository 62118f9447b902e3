//! When to reload: on SIGHUP, and when the file changes.
//!
//! The file's folder is watched and not the file: editors and Kubernetes replace a file by renaming another, or a symbolic link,
//! over it. What such a watch cannot see (network file systems, a link further up that is turned) a look at the file's inode
//! every few seconds does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::look::Look;
use super::reloader::{Reloader, Trigger};

/// A changed file is read when nothing has happened to it for so long: who writes it in place needs more than one write.
const QUIET: Duration = Duration::from_millis(200);
/// Between looks at the file's inode.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// From here on SIGHUP does not end this process. A signal before [`run`] runs is lost, but `run` looks at the file first.
pub fn survive_sighup() -> std::io::Result<()> {
    // tokio's handler stays for the life of the process, and needs a runtime only to be put in.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async { signal(SignalKind::hangup()).map(drop) })
}

/// Reloads whenever there is cause, until `stop` turns true.
pub async fn run(reloader: Arc<Reloader>, mut stop: watch::Receiver<bool>) {
    let file = reloader.loader().file();
    let (changed, mut changes) = mpsc::channel(1);
    let watcher = watch_folder(file, changed.clone());
    if let Err(error) = &watcher {
        tracing::warn!(file = %file.display(), %error, "the folder cannot be watched; the file is looked at instead");
    }
    let mut hangups =
        signal(SignalKind::hangup()).inspect_err(|error| tracing::error!(%error, "SIGHUP cannot be watched")).ok();
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = Look::of(file);
    // What changed since it was read for the start.
    reloader.reload(Trigger::File);
    loop {
        let by = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = hangup(&mut hangups) => Trigger::Signal,
            _ = changes.recv() => Trigger::File,
            _ = looks.tick() => {
                if Look::of(file) == seen {
                    continue;
                }
                Trigger::File
            }
        };
        if by == Trigger::File {
            // A file that is written on and on is read all the same, and again afterwards.
            let _ = timeout(LOOK_EVERY, quiet(&mut changes)).await;
        }
        seen = Look::of(file);
        reloader.reload(by);
    }
}

/// Waits until nothing has happened for a while.
async fn quiet(changes: &mut mpsc::Receiver<()>) {
    while timeout(QUIET, changes.recv()).await.is_ok_and(|change| change.is_some()) {}
}

async fn hangup(hangups: &mut Option<Signal>) {
    match hangups {
        Some(hangups) => {
            hangups.recv().await;
        }
        None => std::future::pending().await,
    }
}

fn watch_folder(file: &Path, changed: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let name = file.file_name().map(ToOwned::to_owned);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| concerns(&event, name.as_deref())) {
            // One that waits already says all.
            let _ = changed.try_send(());
        }
    })?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// Whether an event in the folder may have changed the file. Its being read has not.
fn concerns(event: &Event, name: Option<&std::ffi::OsStr>) -> bool {
    let changes = match event.kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    // Kubernetes turns the link `..data` that its files lead through.
    let is_ours = |path: &std::path::PathBuf| {
        path.file_name().is_some_and(|changed| Some(changed) == name || changed.as_encoded_bytes().starts_with(b".."))
    };
    changes && (event.paths.is_empty() || event.paths.iter().any(is_ours))
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, ModifyKind, RemoveKind};

    use super::*;

    #[test]
    fn what_can_have_changed_the_file_concerns_it() {
        let event = |kind, path: &str| Event::new(kind).add_path(Path::new("/etc/vitrine").join(path));
        let ours = |event: &Event| concerns(event, Some("proxy.toml".as_ref()));
        for kind in [
            EventKind::Create(CreateKind::File),
            EventKind::Modify(ModifyKind::Any),
            EventKind::Remove(RemoveKind::File),
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            EventKind::Any,
        ] {
            assert!(ours(&event(kind, "proxy.toml")), "{kind:?}");
            assert!(!ours(&event(kind, "other.toml")), "{kind:?}");
        }
        assert!(ours(&event(EventKind::Create(CreateKind::Any), "..data")), "a ConfigMap");
        assert!(ours(&Event::new(EventKind::Other)), "an overflow names no path");
        for kind in [AccessKind::Open(AccessMode::Any), AccessKind::Close(AccessMode::Read), AccessKind::Read] {
            assert!(!ours(&event(EventKind::Access(kind), "proxy.toml")), "to read it does not change it: {kind:?}");
        }
    }
}
