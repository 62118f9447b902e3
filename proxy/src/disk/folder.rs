//! The folder: who has it, and what of it may be believed.
//!
//! Believed is what a process of the same edge left in order, or what one left that ended while the machine ran on. In any doubt
//! everything in it is dropped: it is a cache, and what lies in it may have been purged.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vitrine_shared::coherence::{Snapshot, TagTable};
use vitrine_shared::epoch::Epoch;

use super::boot::Moment;
use super::entry::JournalId;
use super::io::{Blob, Io, Lock, write_all};
use super::state::{Invalidated, State};

/// The file that is locked.
const LOCK: &str = "lock";
/// What lies in the root of a file system of its own.
const MOUNTED: &str = "lost+found";
/// What must be known before anything else is believed.
const STATE: &str = "state";
/// What becomes the state when it is whole.
const STATE_NEW: &str = "state.new";
/// Where the segments lie.
const SEGMENTS: &str = "segments";
/// Longest state and longest journal that are read, in bytes.
const MOST_READ: u64 = 4 << 30;
/// A run's part of the local clock: so many purges may be made before its numbers meet those of the next.
const RUN_BITS: u32 = 40;

/// The folder of a disk tier.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    io: Arc<dyn Io>,
    path: PathBuf,
}

/// What stays while a process has the folder, or until it is begun anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// What segments and journals belong to.
    pub(super) lineage: u64,
    /// The secret under which keys are hashed.
    pub(super) secret: [u64; 2],
    /// Whose purges are known.
    pub(super) identity: Box<str>,
    /// Counts the processes that have used it.
    pub(super) run: u64,
}

/// A folder that this process has for itself.
#[derive(Debug)]
pub(super) struct Claimed {
    /// As long as this is held, nobody else has it.
    pub(super) lock: Lock,
    /// What stays.
    pub(super) facts: Facts,
    /// What was purged.
    pub(super) table: TagTable,
    /// The URLs that were invalidated.
    pub(super) invalidated: Vec<Invalidated>,
    /// The journal of what comes from now on.
    pub(super) journal: Begun,
    /// What was found in it.
    pub(super) found: Found,
}

/// What was found in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// What was left there may be believed.
    Kept,
    /// Nothing.
    Nothing,
    /// Something that may not be believed.
    Doubt(Doubt),
}

/// Why what lies in a folder may not be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Doubt {
    /// The state cannot be read.
    #[error("its state is damaged")]
    State,
    /// The journal cannot be read to its end.
    #[error("its journal of purges is damaged")]
    Journal,
    /// The machine was started since, and nobody left it in order.
    #[error("the machine stopped without leaving it in order, so purges may be missing")]
    Machine,
    /// Purges came from elsewhere.
    #[error("it was used with another feed")]
    Identity,
}

/// A state that was written, and the journal after it.
#[derive(Debug)]
pub(super) struct Begun {
    /// Which journal.
    pub(super) id: JournalId,
    /// Its file, which is empty.
    pub(super) blob: Arc<dyn Blob>,
    /// How long the state is.
    pub(super) state_len: u64,
}

/// A folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// Another process has it.
    #[error("another process uses {}: give each edge a folder of its own", .0.display())]
    Locked(PathBuf),
    /// Something else lies in it.
    #[error("{} holds files that are not the cache's: name a folder of its own as `path` under [cache.disk]", .0.display())]
    Foreign(PathBuf),
    /// The file system said no.
    #[error("{}: {error}{}", .path.display(), way_out(.error))]
    Io {
        /// What it was asked for.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

fn way_out(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            ": let the edge's user write there, or name another `path` under [cache.disk]"
        }
        io::ErrorKind::ReadOnlyFilesystem => ": mount it to be written, or name another `path` under [cache.disk]",
        io::ErrorKind::StorageFull => ": make room on it, or name another `path` under [cache.disk]",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => ": name a folder as `path` under [cache.disk]",
        _ => "",
    }
}

/// How a state is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// At the begin: before anything is believed, the disk must hold that this process has it.
    First,
    /// While it is used.
    Meanwhile,
    /// At the end: nothing comes after it.
    Last,
}

// === impl Folder ===

impl Folder {
    pub(super) fn new(io: Arc<dyn Io>, path: PathBuf) -> Self {
        Self { io, path }
    }

    pub(super) fn io(&self) -> &Arc<dyn Io> {
        &self.io
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the segments lie.
    pub(super) fn segments(&self) -> PathBuf {
        self.path.join(SEGMENTS)
    }

    /// Whether the locked file is still this folder's.
    pub(super) fn is_held(&self, lock: &Lock) -> bool {
        lock.is_at(&self.path.join(LOCK))
    }

    /// Takes the folder and what may be believed of it; tables hold so many tags. An edge's purges come from `identity`.
    pub(super) fn claim(&self, identity: &str, capacity: usize) -> Result<Claimed, Unusable> {
        let lock = self.lock()?;
        let (facts, number, mut table, invalidated, found) = match self.believed(identity, capacity)? {
            Ok((state, table, invalidated)) => {
                let run = state.run + 1;
                let facts = Facts { lineage: state.lineage, secret: state.secret, identity: state.identity, run };
                (facts, state.journal + 1, table, invalidated, Found::Kept)
            }
            Err(found) => {
                let facts =
                    Facts { lineage: rand::random(), secret: rand::random(), identity: identity.into(), run: 1 };
                (facts, 1, TagTable::at(Epoch::ZERO, capacity), Vec::new(), found)
            }
        };
        // Stamps of earlier runs are below whatever this one purges, also those of which no journal knows.
        table.go_on_from(local_of(facts.run));
        let journal = self.begin(&facts, number, table.snapshot(), &invalidated, Manner::First);
        let journal = journal.map_err(|error| self.unusable(error))?;
        Ok(Claimed { lock, facts, table, invalidated, journal, found })
    }

    /// Takes the folder, and drops what lies in it: for a process that has purged things already.
    pub(super) fn claim_anew(&self, facts: &Facts, table: Snapshot) -> Result<(Lock, Begun), Unusable> {
        let lock = self.lock()?;
        let begun = self.begin(facts, 1, table, &[], Manner::First).map_err(|error| self.unusable(error))?;
        Ok((lock, begun))
    }

    /// Writes a state, and begins the journal of what comes after it. Journals before it are removed.
    pub(super) fn begin(
        &self,
        facts: &Facts,
        number: u64,
        table: Snapshot,
        invalidated: &[Invalidated],
        manner: Manner,
    ) -> io::Result<Begun> {
        let id = JournalId { lineage: facts.lineage, number };
        let blob = self.io.create(&self.path.join(id.file_name()), 0)?;
        let state = State {
            lineage: facts.lineage,
            secret: facts.secret,
            identity: facts.identity.clone(),
            run: facts.run,
            is_clean: manner == Manner::Last,
            written: Moment::now(),
            journal: number,
            table,
            invalidated: invalidated.to_vec(),
        };
        let bytes = state.encode();
        let new = self.path.join(STATE_NEW);
        let file = self.io.create(&new, 0)?;
        write_all(&*file, &bytes, 0)?;
        if manner != Manner::Meanwhile {
            blob.sync()?;
            file.sync()?;
        }
        self.io.rename(&new, &self.path.join(STATE))?;
        // From here on the new state counts. At the first one it must be on the disk; at the last the one before it would do too.
        if manner != Manner::Meanwhile
            && let Err(error) = self.io.sync_folder(&self.path)
            && manner == Manner::First
        {
            return Err(error);
        }
        for (name, _) in self.io.list(&self.path).unwrap_or_default() {
            if JournalId::is_name(&name) && name != id.file_name() {
                // What stays is in no state's way: its number and lineage say that it is another's.
                let _ = self.io.remove(&self.path.join(name));
            }
        }
        Ok(Begun { id, blob, state_len: bytes.len() as u64 })
    }

    /// Removes the state: nothing in the folder will be believed.
    pub(super) fn forget(&self) -> io::Result<()> {
        self.io.remove(&self.path.join(STATE))
    }

    fn lock(&self) -> Result<Lock, Unusable> {
        // What belongs to somebody else is neither shut to them nor taken from them.
        let names = self.io.names(&self.path).map_err(|error| self.unusable(error))?;
        let is_foreign = |name: &String| name != MOUNTED;
        if names.iter().any(is_foreign) && !names.iter().any(|name| name == LOCK) {
            return Err(Unusable::Foreign(self.path.clone()));
        }
        let made = self.io.make_folder(&self.path).and_then(|()| self.io.lock(&self.path.join(LOCK)));
        let lock = made.map_err(|error| self.unusable(error))?.ok_or_else(|| Unusable::Locked(self.path.clone()))?;
        self.io.make_folder(&self.segments()).map_err(|error| self.unusable(error))?;
        Ok(lock)
    }

    /// The state and what came after it, or why there is none that may be believed.
    #[allow(clippy::type_complexity)]
    fn believed(
        &self,
        identity: &str,
        capacity: usize,
    ) -> Result<Result<(State, TagTable, Vec<Invalidated>), Found>, Unusable> {
        let Some(bytes) = self.read(STATE)? else {
            return Ok(Err(Found::Nothing));
        };
        let doubt = |doubt| Ok(Err(Found::Doubt(doubt)));
        let Some(mut state) = State::decode(&bytes) else {
            return doubt(Doubt::State);
        };
        if *state.identity != *identity {
            return doubt(Doubt::Identity);
        }
        if !state.is_clean && !Moment::now().is_same_run_as(&state.written) {
            return doubt(Doubt::Machine);
        }
        let id = JournalId { lineage: state.lineage, number: state.journal };
        let Some(entries) = self.read(&id.file_name())?.and_then(|bytes| id.read(&bytes).ok()) else {
            return doubt(Doubt::Journal);
        };
        let mut table = TagTable::restore(std::mem::take(&mut state.table), capacity);
        let mut invalidated = std::mem::take(&mut state.invalidated);
        for entry in entries {
            if entry.repeat(&mut table, &mut invalidated).is_err() {
                return doubt(Doubt::Journal);
            }
        }
        Ok(Ok((state, table, invalidated)))
    }

    /// A whole file; `None` where it is not there.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Unusable> {
        match self.io.read(&self.path.join(name), MOST_READ) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unusable(error)),
        }
    }

    fn unusable(&self, error: io::Error) -> Unusable {
        Unusable::Io { path: self.path.clone(), error }
    }
}

/// Where a run's part of the local clock begins.
pub(super) fn local_of(run: u64) -> u64 {
    run << RUN_BITS
}

#[cfg(test)]
mod tests {
    use vitrine_shared::coherence::{Stamp, Verdict};
    use vitrine_shared::feed::Mode;
    use vitrine_shared::tag::TagHash;

    use super::super::entry::Entry;
    use super::super::faulty::{EROFS, Faulty};
    use super::*;

    fn folder(root: &tempfile::TempDir) -> (Folder, Faulty) {
        let io = Faulty::default();
        (Folder::new(Arc::new(io.clone()), root.path().join("cache")), io)
    }

    fn claim(folder: &Folder) -> Claimed {
        folder.claim("feed", 100).unwrap()
    }

    #[test]
    fn what_was_purged_is_known_to_the_next_run_and_its_clock_goes_on() {
        let root = tempfile::tempdir().unwrap();
        let (folder, _) = folder(&root);
        let mut first = claim(&folder);
        assert_eq!((first.found, first.facts.run), (Found::Nothing, 1));
        let stamp = first.table.stamp();
        let at = first.table.purge(&[TagHash(7)], false, Mode::Hard);
        let entry = Entry::Purged { at, mode: Mode::Hard, everything: false, tags: [TagHash(7)].into() };
        let one = Invalidated { url: 3, at: at + 1, segment: 2 };
        for (index, entry) in [entry, Entry::Invalidated(one)].iter().enumerate() {
            let frame = first.journal.id.frame(index as u64, entry);
            let end = first.journal.blob.len().unwrap();
            write_all(&*first.journal.blob, &frame, end).unwrap();
        }
        let facts = first.facts.clone();
        drop(first);
        let second = claim(&folder);
        assert_eq!(second.found, Found::Kept);
        assert_eq!(second.facts, Facts { run: 2, ..facts });
        assert_eq!(second.invalidated, [one]);
        assert_eq!(second.table.verdict(stamp, [TagHash(7)]), Verdict::Purged);
        // A stamp of the first run of which no journal knows is still below what the second purges.
        let unknown = Stamp { local: at + 1_000_000, ..stamp };
        assert!(second.table.stamp().local > unknown.local);
        // The first state of a run holds what the journal before it said.
        drop(second);
        let third = claim(&folder);
        assert_eq!(third.table.verdict(stamp, [TagHash(7)]), Verdict::Purged);
        assert_eq!(third.invalidated, [one]);
    }

    #[test]
    fn in_doubt_nothing_is_believed() {
        let damage = |name: &str, damage: &dyn Fn(&mut Vec<u8>)| {
            let root = tempfile::tempdir().unwrap();
            let (folder, _) = folder(&root);
            let claimed = claim(&folder);
            let frame = claimed.journal.id.frame(0, &Entry::Position(Epoch::new(1, 1)));
            write_all(&*claimed.journal.blob, &frame, 0).unwrap();
            let lineage = claimed.facts.lineage;
            drop(claimed);
            let path = folder.path.join(name);
            let mut bytes = std::fs::read(&path).unwrap();
            damage(&mut bytes);
            std::fs::write(&path, bytes).unwrap();
            let next = claim(&folder);
            assert_eq!(next.facts.lineage == lineage, next.found == Found::Kept);
            next.found
        };
        assert_eq!(damage("state", &|bytes| bytes[30] ^= 1), Found::Doubt(Doubt::State));
        assert_eq!(damage("state", &|bytes| bytes.truncate(100)), Found::Doubt(Doubt::State));
        assert_eq!(damage("journal-00000001", &|bytes| bytes[20] ^= 1), Found::Doubt(Doubt::Journal));
        assert_eq!(
            damage("journal-00000001", &|bytes| bytes.truncate(20)),
            Found::Kept,
            "a torn tail was never answered"
        );
        assert_eq!(damage("lock", &|bytes| bytes.push(1)), Found::Kept);

        let root = tempfile::tempdir().unwrap();
        let (folder, _) = folder(&root);
        drop(claim(&folder));
        std::fs::remove_file(folder.path.join("journal-00000001")).unwrap();
        assert_eq!(claim(&folder).found, Found::Doubt(Doubt::Journal));
        assert_eq!(folder.claim("other feed", 100).unwrap().found, Found::Doubt(Doubt::Identity));
        drop(claim(&folder));
        folder.forget().unwrap();
        assert_eq!(claim(&folder).found, Found::Nothing);
    }

    #[test]
    fn after_another_start_of_the_machine_only_what_was_left_in_order_is_believed() {
        let root = tempfile::tempdir().unwrap();
        let (folder, _) = folder(&root);
        let rewrite = |is_clean| {
            let claimed = claim(&folder);
            let mut state = State::decode(&std::fs::read(folder.path.join(STATE)).unwrap()).unwrap();
            assert!(!state.is_clean, "a process has it");
            state.written = Moment { run: Some("another".into()), uptime: 1, at: 1 };
            state.is_clean = is_clean;
            std::fs::write(folder.path.join(STATE), state.encode()).unwrap();
            drop(claimed);
        };
        rewrite(false);
        assert_eq!(claim(&folder).found, Found::Doubt(Doubt::Machine));
        rewrite(true);
        assert_eq!(claim(&folder).found, Found::Kept);
    }

    #[test]
    fn two_processes_never_share_it_and_what_cannot_be_used_is_told() {
        let root = tempfile::tempdir().unwrap();
        let (folder, io) = folder(&root);
        let held = claim(&folder);
        let error = folder.claim("feed", 100).unwrap_err();
        assert!(error.to_string().contains("a folder of its own"), "{error}");
        assert!(folder.is_held(&held.lock));
        drop(held);
        io.fail_writes(EROFS);
        let error = folder.claim("feed", 100).unwrap_err();
        assert!(error.to_string().contains("mount it to be written"), "{error}");
        io.fail_writes(0);
        let error = Folder::new(folder.io.clone(), root.path().to_owned()).claim("feed", 100).unwrap_err();
        assert!(error.to_string().contains("not the cache's"), "{error}");
        let file = root.path().join("file");
        std::fs::write(&file, b"x").unwrap();
        let error = Folder::new(folder.io.clone(), file).claim("feed", 100).unwrap_err();
        assert!(error.to_string().contains("file"), "{error}");
    }
}
