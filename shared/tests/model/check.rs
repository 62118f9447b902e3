//! Runs a search to its end and says what came of it.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use stateright::{Checker, Expectation, HasDiscoveries, Model};

/// How far to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bound {
    /// What the tests have time for: seconds without optimisation.
    Small,
    /// `MODEL_BOUND=large`: minutes with it.
    Large,
    /// `MODEL_BOUND=huge`: as far as the memory of a workstation goes, for who changes the protocol.
    Huge,
}

impl Bound {
    /// What the environment asks for.
    pub(crate) fn asked() -> Self {
        match std::env::var("MODEL_BOUND").as_deref() {
            Ok("huge") => Self::Huge,
            Ok("large") => Self::Large,
            Ok("small" | "") | Err(_) => Self::Small,
            Ok(other) => panic!("MODEL_BOUND={other} is not known: leave it away, or say `large` or `huge`"),
        }
    }
}

/// Held by a search: large ones take gigabytes, so there is one at a time.
static SEARCHING: Mutex<()> = Mutex::new(());

/// The whole state space: nothing that must never be is in it, and all that must be possible is.
pub(crate) fn holds<M>(name: &str, model: M)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + PartialEq + Hash + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let _one = SEARCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let checker = model.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let properties = checker.model().properties();
    println!("MODEL name={name} states={}", checker.unique_state_count());
    for property in properties {
        let found = checker.discovery(property.name);
        match (property.expectation, found) {
            (Expectation::Always, Some(path)) => {
                let (last, trace) = (path.last_state().clone(), path.into_actions());
                panic!("{name}: not so: {}\n{}\n{last:#?}", property.name, listed(&trace));
            }
            (Expectation::Sometimes, None) => panic!("{name}: never reached: {}", property.name),
            _ => {}
        }
    }
}

/// A shortcut in the protocol is found out, by the property that is named. `MODEL_TRACES=1` tells how.
pub(crate) fn breaks<M>(name: &str, mutant: impl Debug, property: &'static str, model: M)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + PartialEq + Hash + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let checker = model.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let states = checker.unique_state_count();
    let Some(path) = checker.discovery(property) else {
        panic!("{name}: the mutant {mutant:?} was not found out in {states} states");
    };
    let trace = path.into_actions();
    println!("MUTANT model={name} mutant={mutant:?} states={states} steps={}", trace.len());
    if std::env::var_os("MODEL_TRACES").is_some() {
        println!("{}", listed(&trace));
    }
}

fn listed(actions: &[impl Debug]) -> String {
    let line = |(at, action)| format!("{:4}. {action:?}", at + 1);
    actions.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}
