//! The numbers under which rules are counted: one for each name, for as long as a configuration in force has it and a while longer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::cells::{Cells, MAX_RULES};
use crate::rules::{DEFAULT_RULE, RuleSet};

/// How long a rule that is no longer in force is told: so that what it counted last is scraped, and so that a name which comes back
/// with the next reload goes on.
const RETAINED: Duration = Duration::from_hours(1);
/// What rules are counted under that are too many; no rule can be called so.
const OTHERS_NAME: &str = "(others)";

/// The number under which the requests of a rule are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleId(u32);

/// The numbers of the rules of one configuration, by their places.
#[derive(Debug)]
pub struct RuleIds {
    names: Arc<Names>,
    by_place: Box<[RuleId]>,
    by_name: HashMap<Arc<str>, RuleId>,
}

/// All names that have a number.
#[derive(Debug)]
pub(super) struct Names {
    cells: Arc<Cells>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    numbers: HashMap<Arc<str>, u32>,
    /// By number.
    entries: Vec<Entry>,
    /// Numbers without a name.
    free: Vec<u32>,
}

#[derive(Debug)]
struct Entry {
    name: Arc<str>,
    /// Configurations that have it, in force or of requests that go on.
    held: usize,
    /// Since when none has it.
    unheld: Option<Instant>,
}

// === impl RuleId ===

impl RuleId {
    /// Of requests that came to no rule.
    pub const NONE: Self = Self(0);
    /// Of rules that are too many.
    const OTHERS: Self = Self(1);

    pub(super) const fn get(self) -> usize {
        self.0 as usize
    }
}

// === impl RuleIds ===

impl RuleIds {
    pub(super) fn of(rules: &RuleSet, names: Arc<Names>, now: Instant) -> Self {
        let mut by_name = HashMap::new();
        let each = rules.rules().iter().map(|rule| Arc::clone(&rule.name)).chain([Arc::from(DEFAULT_RULE)]);
        let mut inner = names.inner.lock();
        let mut number =
            |name: Arc<str>| *by_name.entry(Arc::clone(&name)).or_insert_with(|| inner.hold(name, &names.cells, now));
        let by_place = each.map(&mut number).collect();
        drop(inner);
        Self { names, by_place, by_name }
    }

    /// The number of the rule at a place; beyond all rules, that of the default rule.
    pub fn at(&self, place: usize) -> RuleId {
        self.by_place.get(place).or(self.by_place.last()).copied().unwrap_or(RuleId::NONE)
    }

    /// The number of the rule of this name.
    pub fn named(&self, name: &str) -> RuleId {
        self.by_name.get(name).copied().unwrap_or(RuleId::NONE)
    }

    fn release(&self, now: Instant) {
        let mut inner = self.names.inner.lock();
        for number in self.by_name.values().filter(|number| **number != RuleId::OTHERS) {
            if let Some(entry) = inner.entries.get_mut(number.get()) {
                entry.held -= 1;
                entry.unheld = (entry.held == 0).then_some(now);
            }
        }
    }
}

impl Drop for RuleIds {
    fn drop(&mut self) {
        self.release(Instant::now());
    }
}

// === impl Names ===

impl Names {
    pub(super) fn new(cells: Arc<Cells>) -> Self {
        let lasting = |name: &str| Entry { name: Arc::from(name), held: 1, unheld: None };
        let entries = vec![lasting(""), lasting(OTHERS_NAME)];
        Self { cells, inner: Mutex::new(Inner { numbers: HashMap::new(), entries, free: Vec::new() }) }
    }

    /// All names that are told.
    pub(super) fn told(&self, now: Instant) -> Vec<(Arc<str>, RuleId)> {
        let mut inner = self.inner.lock();
        inner.forget(|since| now.saturating_duration_since(since) > RETAINED);
        let lasting = [RuleId::NONE, RuleId::OTHERS].map(|id| (Arc::clone(&inner.entries[id.get()].name), id));
        let named = inner.numbers.iter().map(|(name, number)| (Arc::clone(name), RuleId(*number)));
        lasting.into_iter().chain(named).collect()
    }
}

// === impl Inner ===

impl Inner {
    fn hold(&mut self, name: Arc<str>, cells: &Cells, now: Instant) -> RuleId {
        if let Some(&number) = self.numbers.get(&name) {
            let entry = &mut self.entries[number as usize];
            entry.held += 1;
            entry.unheld = None;
            return RuleId(number);
        }
        let Some(number) = self.number(now) else {
            return RuleId::OTHERS;
        };
        cells.clear(number as usize);
        let entry = Entry { name: Arc::clone(&name), held: 1, unheld: None };
        match self.entries.get_mut(number as usize) {
            Some(free) => *free = entry,
            None => self.entries.push(entry),
        }
        self.numbers.insert(name, number);
        RuleId(number)
    }

    /// A number that nobody has, where there is one: of the names that are no longer in force, the first gives way.
    fn number(&mut self, now: Instant) -> Option<u32> {
        self.forget(|since| now.saturating_duration_since(since) > RETAINED);
        if self.free.is_empty() && self.entries.len() < MAX_RULES {
            return u32::try_from(self.entries.len()).ok();
        }
        if self.free.is_empty() {
            let oldest = self.entries.iter().filter_map(|entry| entry.unheld).min()?;
            self.forget(|since| since == oldest);
        }
        self.free.pop()
    }

    fn forget(&mut self, is_over: impl Fn(Instant) -> bool) {
        let Self { numbers, entries, free } = self;
        numbers.retain(|_, number| {
            let entry = &mut entries[*number as usize];
            let goes = entry.unheld.is_some_and(&is_over);
            if goes {
                // A free number is older than all.
                entry.unheld = None;
                free.push(*number);
            }
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(rules: &str) -> Vec<String> {
        rules.split_whitespace().map(str::to_owned).collect()
    }

    /// Rules with these names.
    fn set(rules: &[String]) -> RuleSet {
        let text = rules.iter().fold(String::new(), |text, name| {
            text + &format!("[[rules]]\nname = \"{name}\"\naction = \"pass\"\npaths = [\"/{name}\"]\n")
        });
        RuleSet::clone(&crate::config::testing::load(&text).unwrap().rules)
    }

    fn told(names: &Names, now: Instant) -> Vec<String> {
        let mut told: Vec<String> = names.told(now).into_iter().map(|(name, _)| name.to_string()).collect();
        told.sort_unstable();
        told
    }

    #[test]
    fn a_name_keeps_its_number_over_reloads_and_for_a_while() {
        let names_of = Arc::new(Names::new(Arc::new(Cells::new())));
        let start = Instant::now();
        let hold = |rules: &str, now| RuleIds::of(&set(&names(rules)), names_of.clone(), now);
        let first = hold("a b", start);
        let [a, b] = [first.at(0), first.at(1)];
        assert_eq!(
            (first.named("a"), first.at(2), first.at(9), first.named("x")),
            (a, first.named("default"), first.at(2), RuleId::NONE)
        );
        let second = hold("b c", start);
        assert_eq!((second.at(0), second.named("default")), (b, first.at(2)));
        assert_ne!(second.at(1), a, "whoever still counts under `a` counts for nobody else");
        drop(first);
        assert_eq!(told(&names_of, start), ["", "(others)", "a", "b", "c", "default"], "a while longer");
        let later = Instant::now() + RETAINED + Duration::from_secs(1);
        let back = hold("a", start);
        assert_eq!(back.at(0), a, "back in time");
        drop(back);
        let later = later + Duration::from_secs(10);
        assert_eq!(told(&names_of, later), ["", "(others)", "b", "c", "default"]);
        let third = hold("d", later);
        assert_eq!(third.at(0), a, "a number is used again");
    }

    #[test]
    fn names_are_bounded_and_those_gone_make_room() {
        let names_of = Arc::new(Names::new(Arc::new(Cells::new())));
        let start = Instant::now();
        let many = |from: usize, to: usize| -> Vec<String> { (from..to).map(|number| format!("r{number}")).collect() };
        // Three are taken: none, others, and the default rule.
        let full = RuleIds::of(&set(&many(0, MAX_RULES - 3)), names_of.clone(), start);
        let more = RuleIds::of(&set(&names("more")), names_of.clone(), start);
        assert_eq!(more.at(0), RuleId::OTHERS);
        drop((full, more));
        let other = RuleIds::of(&set(&names("other")), names_of.clone(), start);
        assert_ne!(other.at(0), RuleId::OTHERS);
        assert!(told(&names_of, start).len() <= MAX_RULES);
    }
}
