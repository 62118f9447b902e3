//! What is stored in memory: tables in which it is found, and one policy and one budget over all of them.

use std::sync::Arc;

use parking_lot::Mutex;

use super::budget::{Budget, Charge, Kind};
use super::derived::Derived;
use super::metrics::StoreMetrics;
use super::object::{Object, short};
use super::policy::{Policy, Queue, Resident, Residents, Ticket};
use super::table::{Entry, Part, Table};
use super::variants::Variants;
use crate::encoding::Form;
use crate::key::CacheKey;

/// The part of the budget that one entry may take, and that all running fills may take together: a half.
const SHARE: u64 = 2;
/// The part of the budget that the rest of the process is counted up to: the cache keeps the other half, whatever strangers hold.
const MOST_OF_PROCESS: u64 = 2;
/// Entries that make room before others who store get their turn.
const AT_ONCE: usize = 64;
/// Entries that are being sent, whose memory would not come free, and that are passed over in making room once.
const SPARED: usize = 32;

/// What a look under a primary key finds.
#[derive(Clone, Debug)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// An object that does not vary.
    Object(Object),
    /// Variants; the second look is made under the key that they lead to.
    Variants(Arc<Variants>),
}

/// What a look means for the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A request wants it: it is kept the longer.
    Use,
    /// Somebody looks on; nothing changes.
    Peek,
}

/// Takes objects that have to make room, with whether they were in the main queue: used again at some time, or there since before
/// anything had to make room. It is called while others wait for room: it must
/// not block, nor ask the store. Whoever keeps the object counts its bytes.
pub type OnEvict = Box<dyn Fn(&Object, bool) + Send + Sync>;

/// The memory store.
pub struct Store {
    objects: Table<Object>,
    derived: Table<Arc<Derived>>,
    variants: Table<Arc<Variants>>,
    /// The only lock that all who store share. Who looks does not take it.
    policy: Mutex<Counted>,
    budget: Arc<Budget>,
    most_variants: usize,
    metrics: StoreMetrics,
    on_evict: Option<OnEvict>,
}

/// The policy, and how many bytes of its own are counted.
#[derive(Debug, Default)]
struct Counted {
    policy: Policy,
    overhead: u64,
}

/// The entries of all tables, as the policy sees them.
struct Tables<'s>(&'s Store);

// === impl Store ===

impl Store {
    /// A store of at most `capacity` bytes, everything that it costs and running fills included, and of at most `most_variants`
    /// variants of one URL.
    pub fn new(capacity: u64, most_variants: usize, metrics: StoreMetrics) -> Self {
        Self {
            objects: Table::default(),
            derived: Table::default(),
            variants: Table::default(),
            policy: Mutex::default(),
            budget: Budget::new(capacity),
            most_variants,
            metrics,
            on_evict: None,
        }
    }

    /// Hands objects that have to make room to `on_evict`.
    #[must_use]
    pub fn handing_on(self, on_evict: OnEvict) -> Self {
        Self { on_evict: Some(on_evict), ..self }
    }

    /// Looks under a primary key, for a request.
    pub fn find(&self, key: &CacheKey) -> Found {
        self.look(key, Look::Use)
    }

    /// Looks under a primary key.
    pub fn look(&self, key: &CacheKey, look: Look) -> Found {
        self.find_by(key.hash(), key.as_bytes(), look)
    }

    /// As [`Store::look`], by the [hash](CacheKey::hash) and the [framed parts](CacheKey::as_bytes) of a key. Allocates nothing, and
    /// waits for nobody who looks too.
    pub fn find_by(&self, hash: u128, framed: &[u8], look: Look) -> Found {
        if let Some(object) = self.find_object(short(hash), framed, look) {
            return Found::Object(object);
        }
        let is = |variants: &Arc<Variants>| variants.key.as_bytes() == framed;
        let found = |variants: &Arc<Variants>| {
            note(variants, look);
            variants.clone()
        };
        self.variants.find(short(hash), is, found).map_or(Found::Nothing, Found::Variants)
    }

    /// Looks for an object, under a variant's key, for a request.
    pub fn object(&self, key: &CacheKey) -> Option<Object> {
        self.look_for_object(key, Look::Use)
    }

    /// Looks for an object, under a variant's key.
    pub fn look_for_object(&self, key: &CacheKey, look: Look) -> Option<Object> {
        self.find_object(short(key.hash()), key.as_bytes(), look)
    }

    /// The object that stands under the key of this one.
    pub fn same(&self, object: &Object) -> Option<Object> {
        self.find_object(object.short(), object.framed_key(), Look::Peek)
    }

    fn find_object(&self, short: u32, framed: &[u8], look: Look) -> Option<Object> {
        let found = |object: &Object| {
            note(object, look);
            object.clone()
        };
        self.objects.find(short, |object| object.framed_key() == framed, found)
    }

    /// All objects, in no order that means anything; what comes or goes meanwhile may be among them or not.
    pub fn objects(&self) -> impl Iterator<Item = Object> {
        self.objects.iter()
    }

    /// The next objects of a walk, from at most so many places; `None` at its end. Who stores waits for it, so ask for few.
    pub fn next(&self, walk: &mut Part, places: usize) -> Option<Vec<Object>> {
        self.objects.next(walk, places)
    }

    /// Stores an object under its own key.
    pub fn insert(&self, object: Object) {
        let (key, short) = (object.clone(), object.short());
        self.put(&self.objects, object, |stored| stored.framed_key() == key.framed_key());
        // What stands under this key does not vary any more.
        let is = |variants: &Arc<Variants>| variants.key.as_bytes() == key.framed_key();
        if self.variants.find(short, is, |_| ()).is_some() {
            self.take(&self.variants, short, is);
        }
    }

    /// Stores one of the variants below a primary key, and drops another where there are too many of them.
    pub fn insert_variant(&self, object: Object, primary: &CacheKey) {
        let variant = object.key().hash();
        self.insert(object);
        let is = |variants: &Arc<Variants>| variants.key == *primary;
        let Some(variants) = self.variants.find(short(primary.hash()), is, Arc::clone) else {
            return;
        };
        variants.node().note_use();
        // Of two with the same short hash one may be taken for the other; the worst is that another one goes.
        let in_use = |other: u128| {
            self.objects.find(short(other), |_| true, |object| object.node().was_found()).unwrap_or(false)
        };
        if let Some(goes) = variants.keep(variant, self.most_variants, in_use)
            && self.take(&self.objects, short(goes), |_| true)
        {
            self.metrics.evicted_variants.inc();
        }
    }

    /// Stores what the objects below a primary key depend on, unless that is known.
    pub fn insert_variants(&self, variants: Arc<Variants>) {
        let key = variants.key.clone();
        let is = |stored: &Arc<Variants>| stored.key == key;
        let is_known = self.variants.find(short(key.hash()), is, |stored| stored.spec == variants.spec);
        if is_known != Some(true) {
            variants.reserve(self.most_variants);
            self.put(&self.variants, variants, is);
        }
        // What does not vary may have stood in its place.
        let is = |object: &Object| object.framed_key() == key.as_bytes();
        if self.objects.find(short(key.hash()), is, |_| ()).is_some() {
            self.take(&self.objects, short(key.hash()), is);
        }
    }

    /// Removes an object, unless another has taken its place.
    pub fn withdraw(&self, object: &Object) {
        if !self.take(&self.objects, object.short(), |stored| stored.is(object)) {
            // It may be on its way to the disk.
            let _changes = self.policy.lock();
            object.node().supersede();
        }
    }

    /// A body in another form, where that was derived.
    pub fn derived(&self, body: u64, form: Form) -> Option<Arc<Derived>> {
        let found = |derived: &Arc<Derived>| {
            note(derived, Look::Use);
            derived.clone()
        };
        self.derived.find(Derived::place(body, form), |derived| derived.is(body, form), found)
    }

    /// Stores a derived body.
    pub fn insert_derived(&self, derived: Arc<Derived>) {
        let (of, form) = (derived.of, derived.form);
        self.put(&self.derived, derived, |stored| stored.is(of, form));
    }

    /// The heaviest entry that finds room.
    pub fn largest(&self) -> u64 {
        self.budget.capacity() / SHARE
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.objects.len() + self.derived.len() + self.variants.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many objects there are.
    pub fn objects_len(&self) -> usize {
        self.objects.len()
    }

    /// Bytes in use.
    pub fn bytes(&self) -> u64 {
        self.budget.total()
    }

    /// Bytes in use by one kind of what there is.
    pub fn bytes_of(&self, kind: Kind) -> u64 {
        self.budget.of(kind)
    }

    /// Most bytes that may be used.
    pub fn capacity(&self) -> u64 {
        self.budget.capacity()
    }

    /// A charge of nothing yet, for a fill.
    pub(crate) fn charge_fill(&self) -> Charge {
        self.budget.charge(Kind::Fills)
    }

    /// Counts more bytes of a fill, and makes room for them; `false`, and nothing counted, where there is none.
    pub(crate) fn grow_fill(&self, charge: &Charge, bytes: u64) -> bool {
        if self.budget.of(Kind::Fills).saturating_add(bytes) <= self.largest() {
            loop {
                if charge.try_add(bytes) {
                    return true;
                }
                if !self.make_room(&mut self.policy.lock(), bytes, bytes) {
                    break;
                }
            }
        }
        self.metrics.refused_fills.inc();
        false
    }

    /// Counts more bytes of a fill that must be held, room or not, and makes room for them where there is some to be made.
    pub(crate) fn force_fill(&self, charge: &Charge, bytes: u64) {
        if !self.budget.has_room(bytes) {
            self.make_room(&mut self.policy.lock(), bytes, bytes);
        }
        charge.add(bytes);
    }

    /// Counts what else the process has in use, where all that it has is `in_use` bytes, and makes room for it. One caller at a time.
    pub fn count_process(&self, in_use: u64) {
        let before = self.budget.of(Kind::Process);
        let counted = self.budget.total().saturating_sub(before);
        let rest = in_use.saturating_sub(counted).min(self.capacity() / MOST_OF_PROCESS);
        self.budget.change(Kind::Process, before, rest);
        while self.is_over() && self.make_some_room() {}
    }

    /// Whether more is counted than there may be.
    pub(crate) fn is_over(&self) -> bool {
        !self.budget.has_room(0)
    }

    fn put<E: Entry>(&self, table: &Table<E>, entry: E, is: impl Fn(&E) -> bool) {
        let (weight, own) = (entry.weight(), entry.own());
        if weight > self.largest() {
            self.metrics.refused.inc();
            // Nor does what it was to take the place of stay.
            self.take(table, entry.short(), is);
            return;
        }
        let mut counted = self.policy.lock();
        let taken = table.find(entry.short(), &is, E::own).unwrap_or(0);
        self.make_room(&mut counted, own.saturating_sub(taken), weight);
        let stored = table.find(entry.short(), &is, E::clone);
        if let Some(stored) = &stored {
            stored.node().supersede();
            // Where it is the same, that is undone.
            entry.node().succeed(stored.node());
            counted.policy.replaced(stored.node().queue(), stored.weight(), weight);
            self.budget.change(E::KIND, stored.own(), own);
        } else {
            let admitted = counted.policy.admit(entry.short(), E::TABLE, weight);
            entry.node().begin(admitted.ticket.stay, admitted.queue);
            self.budget.add(E::KIND, own);
            if admitted.is_back {
                self.metrics.ghost_hits.inc();
            }
        }
        table.put(entry, is, &self.budget);
        self.count(&mut counted);
        self.make_room(&mut counted, 0, 0);
    }

    fn take<E: Entry>(&self, table: &Table<E>, short: u32, is: impl Fn(&E) -> bool) -> bool {
        let mut counted = self.policy.lock();
        let Some(entry) = table.take(short, is, &self.budget) else {
            return false;
        };
        entry.node().supersede();
        self.budget.sub(E::KIND, entry.own());
        counted.policy.removed(entry.node().queue(), entry.weight(), &mut Tables(self));
        self.count(&mut counted);
        true
    }

    /// Evicts until so many more bytes fit in; whether they do. `coming` are those of them that the policy does not know of yet.
    fn make_room(&self, counted: &mut Counted, bytes: u64, coming: u64) -> bool {
        let mut spared = SPARED;
        while !self.budget.has_room(bytes) {
            let coming = coming + self.budget.of(Kind::Fills);
            if !counted.policy.evict(coming, &mut spared, &mut Tables(self)) {
                return false;
            }
            self.count(counted);
        }
        true
    }

    /// Evicts some of what is too much; whether that could be done.
    fn make_some_room(&self) -> bool {
        let mut counted = self.policy.lock();
        let mut spared = SPARED;
        let coming = self.budget.of(Kind::Fills);
        (0..AT_ONCE).all(|_| {
            let is_done = !self.is_over() || counted.policy.evict(coming, &mut spared, &mut Tables(self));
            self.count(&mut counted);
            is_done
        })
    }

    /// Counts what the policy itself takes.
    fn count(&self, counted: &mut Counted) {
        let overhead = counted.policy.overhead() as u64;
        self.budget.change(Kind::Index, counted.overhead, overhead);
        counted.overhead = overhead;
    }

    fn evicted<E: Entry>(&self, table: &Table<E>, ticket: Ticket, from: Queue) -> Option<E> {
        let entry = table.take(ticket.hash, |entry| entry.node().stay() == ticket.stay, &self.budget)?;
        self.budget.sub(E::KIND, entry.own());
        let counter = if from == Queue::Main { &self.metrics.evicted_aged } else { &self.metrics.evicted_unused };
        counter.inc();
        Some(entry)
    }
}

fn note(entry: &impl Entry, look: Look) {
    if look == Look::Use {
        entry.node().note_use();
    }
}

/// What is counted and what is there, for tests: bytes of objects, of other bodies, of what is derived, and what the queues weigh.
#[cfg(test)]
pub(super) struct Books {
    pub(super) counted: [u64; 4],
    pub(super) there: [u64; 4],
}

#[cfg(test)]
impl Store {
    pub(super) fn books(&self) -> Books {
        let weighed = self.policy.lock().policy.weighs();
        let [objects, bodies, derived] = [Kind::Objects, Kind::Bodies, Kind::Derived].map(|kind| self.bytes_of(kind));
        let (derived_there, variants_there) = (self.derived.iter(), self.variants.iter());
        let beside = [
            derived_there.map(|one| (one.own(), one.weight())).collect::<Vec<_>>(),
            variants_there.map(|one| (one.own(), one.weight())).collect(),
        ]
        .concat();
        let sum = |numbers: Vec<u64>| numbers.iter().sum::<u64>();
        let own = sum(self.objects.iter().map(|one| one.own()).collect());
        let weight = sum(self.objects.iter().map(|one| one.weight()).collect());
        let charged = sum(self.objects.iter().map(|one| one.weight() - one.own()).collect());
        Books {
            counted: [objects, bodies, derived, weighed],
            there: [
                own,
                charged,
                sum(beside.iter().map(|one| one.0).collect()),
                weight + sum(beside.iter().map(|one| one.1).collect()),
            ],
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("len", &self.len()).field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

// === impl Residents ===

impl Residents for Tables<'_> {
    fn look(&mut self, ticket: Ticket) -> Option<Resident> {
        match ticket.table() {
            Object::TABLE => look(&self.0.objects, ticket),
            <Arc<Derived>>::TABLE => look(&self.0.derived, ticket),
            _ => look(&self.0.variants, ticket),
        }
    }

    fn keep(&mut self, ticket: Ticket, uses: u8) {
        match ticket.table() {
            Object::TABLE => keep(&self.0.objects, ticket, uses),
            <Arc<Derived>>::TABLE => keep(&self.0.derived, ticket, uses),
            _ => keep(&self.0.variants, ticket, uses),
        }
    }

    fn evict(&mut self, ticket: Ticket, from: Queue) {
        match ticket.table() {
            Object::TABLE => {
                let object = self.0.evicted(&self.0.objects, ticket, from);
                if let (Some(object), Some(on_evict)) = (object, &self.0.on_evict) {
                    on_evict(&object, from == Queue::Main);
                }
            }
            <Arc<Derived>>::TABLE => drop(self.0.evicted(&self.0.derived, ticket, from)),
            _ => drop(self.0.evicted(&self.0.variants, ticket, from)),
        }
    }
}

fn look<E: Entry>(table: &Table<E>, ticket: Ticket) -> Option<Resident> {
    let resident = |entry: &E| Resident { weight: entry.weight(), uses: entry.node().uses(), is_held: entry.is_held() };
    table.find(ticket.hash, |entry| entry.node().stay() == ticket.stay, resident)
}

fn keep<E: Entry>(table: &Table<E>, ticket: Ticket, uses: u8) {
    table.find(ticket.hash, |entry| entry.node().stay() == ticket.stay, |entry| entry.node().set(Queue::Main, uses));
}
