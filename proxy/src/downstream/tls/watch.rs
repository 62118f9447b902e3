//! Reads certificates again when their files change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Certificates;
use crate::config::Listen;
use crate::reload::{Current, Look};

/// Between two looks. Files are read when two of them have found the same: certificate and key are replaced one after the other.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What can be seen of the files without reading them.
type Seen = Vec<(PathBuf, Option<Look>)>;

/// Looks at the files of the configuration in force, for ever.
pub(in crate::downstream) async fn watch(certificates: Arc<Certificates>, current: Current) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut read = look(&current.load().config.listen);
    let mut before = read.clone();
    loop {
        ticks.tick().await;
        let (certificates, current) = (certificates.clone(), current.clone());
        // On a thread of its own: a file system may hang, and nobody who connects is to wait for it.
        let again = tokio::task::spawn_blocking(move || look_again(&certificates, &current, &before, read));
        let Ok(seen) = again.await else {
            return;
        };
        (before, read) = seen;
    }
}

/// Reads the files that have changed since they were `read`, and not since `before`; the two as they are then.
fn look_again(certificates: &Certificates, current: &Current, before: &Seen, mut read: Seen) -> (Seen, Seen) {
    let snapshot = current.load_full();
    let listen = &snapshot.config.listen;
    let now = look(listen);
    if now == *before && now != read {
        certificates.reload(&listen.certificates);
        read.clone_from(&now);
    }
    (now, read)
}

fn look(listen: &Listen) -> Seen {
    let files = listen.certificates.iter().flat_map(super::certificate::CertificateFiles::paths);
    files.map(|file| (file.to_owned(), Look::of(file))).collect()
}
