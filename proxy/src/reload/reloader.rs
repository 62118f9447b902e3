//! One reload at a time: load, hold what is fixed, swap.

use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use serde::Serialize;
use vitrine_shared::config::ConfigError;

use super::fixed::{InForce, in_force};
use super::loader::{Loaded, Loader};
use super::report::{Attempt, ConfigReport, Refused};
use super::snapshot::{Current, Snapshot};
use crate::downstream::Certificates;
use crate::metrics::Metrics;
use crate::upstream::Pools;

/// Brings the file into force, again and again.
#[derive(Debug)]
pub struct Reloader {
    loader: Loader,
    current: Current,
    pools: Arc<Pools>,
    metrics: Metrics,
    /// What clients are shown by TLS, where they are.
    certificates: Option<Arc<Certificates>>,
    /// Held by the reload that runs; a second one waits and then sees what the first did.
    turn: Mutex<()>,
    /// Held for moments only, so that reports never wait for a disk.
    history: Mutex<History>,
}

/// What became of earlier reloads.
#[derive(Debug, Default)]
struct History {
    pending: Vec<ConfigError>,
    last: Option<Attempt>,
    refused: Option<Refused>,
}

/// On whose wish a reload happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// SIGHUP.
    Signal,
    /// The file may have changed. Where it turns out that nothing has, nobody is told.
    File,
    /// `POST /reload`.
    Request,
}

/// What became of a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The file is in force now.
    Ok {
        /// What is allowed in it but probably not meant.
        warnings: Vec<ConfigError>,
        /// What of it a restart alone brings into force.
        pending: Vec<ConfigError>,
    },
    /// It was in force already.
    Unchanged {
        /// What of it a restart alone brings into force.
        pending: Vec<ConfigError>,
    },
    /// Nothing has changed: all that is wrong with the file.
    Bad(Vec<ConfigError>),
}

// === impl Reloader ===

impl Reloader {
    /// For a proxy whose requests take their snapshots from `current`, and the state of its upstreams from `pools`.
    pub fn new(
        loader: Loader,
        current: Current,
        pools: Arc<Pools>,
        metrics: Metrics,
        certificates: Option<Arc<Certificates>>,
    ) -> Self {
        Self { loader, current, pools, metrics, certificates, turn: Mutex::default(), history: Mutex::default() }
    }

    /// The file and how it is read.
    pub fn loader(&self) -> &Loader {
        &self.loader
    }

    /// Reads the file, and swaps what is in force where all of it is right. Blocks while it reads.
    pub fn reload(&self, by: Trigger) -> Outcome {
        let _turn = self.turn.lock();
        let outcome = self.attempt();
        if by == Trigger::File && self.is_old_news(&outcome) {
            return outcome;
        }
        self.remember(&outcome, by);
        // They may have changed where the file has not.
        if let (Some(certificates), Outcome::Ok { .. } | Outcome::Unchanged { .. }) = (&self.certificates, &outcome) {
            certificates.reload(&self.current.load().config.listen.certificates);
        }
        // Last, so that who sees the generation in the metrics finds all of it in the report.
        let generation = self.current.load().generation;
        self.metrics.reload.reloaded(&outcome, generation);
        log(&outcome, by, generation);
        outcome
    }

    fn remember(&self, outcome: &Outcome, by: Trigger) {
        let attempt = Attempt { at: SystemTime::now(), by, result: outcome.result() };
        let mut history = self.history.lock();
        history.last = Some(attempt);
        match outcome {
            Outcome::Ok { pending, .. } => history.pending.clone_from(pending),
            Outcome::Unchanged { .. } => {}
            Outcome::Bad(errors) => history.refused = Some(Refused { attempt, errors: errors.clone() }),
        }
    }

    /// What operators are told.
    pub fn report(&self) -> ConfigReport {
        let history = self.history.lock();
        ConfigReport {
            pending: history.pending.clone(),
            last_reload: history.last,
            last_refused: history.refused.clone(),
            ..ConfigReport::of(&self.current.load())
        }
    }

    fn attempt(&self) -> Outcome {
        let running = self.current.load_full();
        match self.loader.load() {
            Err(errors) => Outcome::Bad(errors),
            Ok(loaded) if running.is_of(&loaded) => Outcome::Unchanged { pending: self.history.lock().pending.clone() },
            Ok(loaded) => match in_force(&running.config, &loaded) {
                Err(errors) => Outcome::Bad(errors),
                Ok(in_force) => self.swap(&running, in_force, loaded),
            },
        }
    }

    fn swap(&self, running: &Snapshot, in_force: InForce, loaded: Loaded) -> Outcome {
        let InForce { config, pending } = in_force;
        let warnings = config.warnings.clone();
        self.pools.reconcile(&config.upstreams);
        let text = (loaded.source, loaded.digest);
        self.current.store(Arc::new(running.next(config, text, &self.metrics)));
        Outcome::Ok { warnings, pending }
    }

    /// Whether the reload before this one ended just so. An unchanged file is news after a bad one: the file is right again.
    fn is_old_news(&self, outcome: &Outcome) -> bool {
        let history = self.history.lock();
        let was_bad = history.last.is_some_and(|last| last.result == Outcome::BAD);
        match outcome {
            Outcome::Ok { .. } => false,
            Outcome::Unchanged { .. } => !was_bad,
            Outcome::Bad(errors) => was_bad && history.refused.as_ref().is_some_and(|last| last.errors == *errors),
        }
    }
}

fn log(outcome: &Outcome, by: Trigger, generation: u64) {
    match outcome {
        Outcome::Ok { warnings, pending } => {
            for warning in warnings.iter().chain(pending) {
                tracing::warn!("{warning}");
            }
            tracing::info!(generation, ?by, "the configuration was reloaded");
        }
        Outcome::Unchanged { .. } => tracing::info!(generation, ?by, "the configuration on the disk is in force"),
        Outcome::Bad(errors) => {
            for error in errors {
                tracing::error!("{error}");
            }
            tracing::error!(generation, ?by, "the configuration on the disk is wrong; nothing has changed");
        }
    }
}

// === impl Outcome ===

impl Outcome {
    const OK: &'static str = "ok";
    const UNCHANGED: &'static str = "unchanged";
    const BAD: &'static str = "bad";

    /// All results, as metrics and reports name them.
    pub const RESULTS: [&'static str; 3] = [Self::OK, Self::UNCHANGED, Self::BAD];

    /// Its name in metrics and reports.
    pub fn result(&self) -> &'static str {
        match self {
            Self::Ok { .. } => Self::OK,
            Self::Unchanged { .. } => Self::UNCHANGED,
            Self::Bad(_) => Self::BAD,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reloader of a file in a folder of its own, and what it counts.
    fn reloader(text: &str) -> (tempfile::TempDir, Reloader) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.toml");
        std::fs::write(&file, text).unwrap();
        let loader = Loader::new(file, |_| None);
        let metrics = Metrics::new().unwrap();
        let current = Snapshot::first_of(loader.load().unwrap(), &metrics).into_current();
        (folder, Reloader::new(loader, current, Arc::default(), metrics, None))
    }

    fn file(serial: u32) -> String {
        format!(
            "# {serial}\n[listen]\nhttp = \"127.0.0.1:1\"\nops = \"127.0.0.1:2\"\n\
             [upstreams.origin]\naddresses = [\"o:1\"]\n"
        )
    }

    fn last(reloader: &Reloader) -> Option<(Trigger, &'static str)> {
        reloader.report().last_reload.map(|last| (last.by, last.result))
    }

    #[test]
    fn each_change_is_one_generation_and_a_bad_file_changes_nothing() {
        let (_folder, reloader) = reloader(&file(0));
        let write = |text: &str| std::fs::write(reloader.loader().file(), text).unwrap();
        let first = reloader.current.load_full();
        assert_eq!(reloader.reload(Trigger::Signal).result(), "unchanged");
        assert!(Arc::ptr_eq(&first, &reloader.current.load_full()), "nothing is swapped for nothing");

        write(&file(1));
        assert_eq!(reloader.reload(Trigger::Request).result(), "ok");
        let second = reloader.current.load_full();
        assert_eq!(second.generation, 2);
        assert_eq!(reloader.pools.report()[0].name, "origin");
        assert_ne!(reloader.report().sha256, ConfigReport::of(&first).sha256);

        write("wrong");
        assert_eq!(reloader.reload(Trigger::Signal).result(), "bad");
        std::fs::remove_file(reloader.loader().file()).unwrap();
        assert_eq!(reloader.reload(Trigger::Signal).result(), "bad");
        assert!(Arc::ptr_eq(&second, &reloader.current.load_full()));
        assert_eq!(reloader.report().generation, 2);
        write(&file(2));
        assert_eq!(reloader.reload(Trigger::Signal).result(), "ok");
        let report = reloader.report();
        assert_eq!(report.generation, 3);
        assert!(report.last_refused.unwrap().errors[0].message.contains("cannot be read"));
    }

    #[test]
    fn a_file_that_did_not_change_is_no_news_unless_somebody_asks() {
        let (_folder, reloader) = reloader(&file(0));
        let write = |text: &str| std::fs::write(reloader.loader().file(), text).unwrap();
        reloader.reload(Trigger::File);
        assert_eq!(last(&reloader), None);

        write("wrong");
        reloader.reload(Trigger::Signal);
        reloader.reload(Trigger::File);
        assert_eq!(last(&reloader), Some((Trigger::Signal, "bad")), "said once");
        write("[otherwise");
        reloader.reload(Trigger::File);
        assert_eq!(last(&reloader), Some((Trigger::File, "bad")));
        reloader.reload(Trigger::Request);
        assert_eq!(last(&reloader), Some((Trigger::Request, "bad")), "who asks is answered");

        write(&file(0));
        reloader.reload(Trigger::File);
        assert_eq!(last(&reloader), Some((Trigger::File, "unchanged")), "right again");
        write(&file(1));
        reloader.reload(Trigger::File);
        assert_eq!(last(&reloader), Some((Trigger::File, "ok")));
    }
}
