//! The policy against what it promises.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// Entries by their hash, as a store has them.
#[derive(Debug, Default)]
struct Model {
    entries: HashMap<u32, Entry>,
    evicted: Vec<(u32, Queue)>,
    bytes: u64,
    looks: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    stay: u32,
    weight: u64,
    uses: u8,
    queue: Queue,
    is_held: bool,
}

struct Cache {
    policy: Policy,
    model: Model,
    capacity: u64,
}

impl Residents for Model {
    fn look(&mut self, ticket: Ticket) -> Option<Resident> {
        self.looks += 1;
        let entry = self.entries.get(&ticket.hash).filter(|entry| entry.stay == ticket.stay)?;
        Some(Resident { weight: entry.weight, uses: entry.uses, is_held: entry.is_held })
    }

    fn keep(&mut self, ticket: Ticket, uses: u8) {
        let entry = self.entries.get_mut(&ticket.hash).expect("it was looked at");
        (entry.uses, entry.queue) = (uses, Queue::Main);
    }

    fn evict(&mut self, ticket: Ticket, from: Queue) {
        let entry = self.entries.remove(&ticket.hash).expect("it was looked at");
        assert_eq!(entry.queue, from);
        self.bytes -= entry.weight;
        self.evicted.push((ticket.hash, from));
    }
}

impl Cache {
    fn new(capacity: u64) -> Self {
        Self { policy: Policy::default(), model: Model::default(), capacity }
    }

    /// Whether it is there; it is brought where it is not.
    fn request(&mut self, hash: u32, weight: u64) -> bool {
        if let Some(entry) = self.model.entries.get_mut(&hash) {
            entry.uses = (entry.uses + 1).min(MOST_USES);
            return true;
        }
        self.make_room(weight);
        let admitted = self.policy.admit(hash, 0, weight);
        let entry = Entry { stay: admitted.ticket.stay, weight, uses: 0, queue: admitted.queue, is_held: false };
        self.model.entries.insert(hash, entry);
        self.model.bytes += weight;
        false
    }

    fn make_room(&mut self, coming: u64) {
        let mut spared = 8;
        while self.model.bytes + coming > self.capacity && self.policy.evict(coming, &mut spared, &mut self.model) {}
    }

    fn remove(&mut self, hash: u32) {
        if let Some(entry) = self.model.entries.remove(&hash) {
            self.model.bytes -= entry.weight;
            self.policy.removed(entry.queue, entry.weight, &mut self.model);
        }
    }
}

#[test]
fn what_was_used_again_survives_a_scan() {
    let mut cache = Cache::new(100_000);
    for hash in 0..50 {
        cache.request(hash, 1_000);
    }
    for hash in 0..50 {
        assert!(cache.request(hash, 1_000));
    }
    for hash in 1_000..11_000 {
        cache.request(hash, 1_000);
    }
    assert!((0..50).all(|hash| cache.request(hash, 1_000)), "10,000 strangers went by");
}

#[test]
fn who_comes_back_soon_stays_and_a_stranger_does_not() {
    let mut cache = Cache::new(100_000);
    for hash in 0..200 {
        cache.request(hash, 1_000);
    }
    let (thrown_out, _) =
        *cache.model.evicted.iter().rev().find(|(_, from)| *from == Queue::Small).expect("it is full");
    cache.request(thrown_out, 1_000);
    assert_eq!(cache.model.entries[&thrown_out].queue, Queue::Main);
    for hash in 1_000..1_050 {
        cache.request(hash, 1_000);
    }
    assert!(cache.request(thrown_out, 1_000), "it came back, and is not thrown out by what is new");
    assert!(!cache.request(1_000, 1_000), "nobody asked for it again");
}

#[test]
fn one_large_body_takes_the_room_of_what_is_new_first() {
    let mut cache = Cache::new(1_000_000);
    for hash in 0..960 {
        cache.request(hash, 1_000);
        cache.request(hash, 1_000);
    }
    for hash in 1_000..1_100 {
        cache.request(hash, 1_000);
    }
    let used_again = |cache: &Cache| (0..960).filter(|hash| cache.model.entries.contains_key(hash)).count();
    let before = used_again(&cache);
    cache.request(5_000, 300_000);
    assert!(used_again(&cache) >= before - 270, "{before} {}", used_again(&cache));
    let between = used_again(&cache);
    cache.request(5_001, 300_000);
    assert!(used_again(&cache) >= between - 10, "the second takes the first one's room");
}

#[test]
fn what_is_held_is_passed_over_a_few_times() {
    let mut cache = Cache::new(10_000);
    for hash in 0..10 {
        cache.request(hash, 1_000);
        cache.model.entries.get_mut(&hash).unwrap().is_held = hash < 5;
    }
    cache.request(10, 5_000);
    assert!((0..5).all(|hash| cache.model.entries.contains_key(&hash)), "to evict them would free nothing");
    for hash in 0..11 {
        if let Some(entry) = cache.model.entries.get_mut(&hash) {
            entry.is_held = true;
        }
    }
    cache.make_room(10_000);
    assert_eq!(cache.model.bytes, 0, "it ends though all are held");
}

#[test]
fn tickets_of_what_was_taken_out_do_not_pile_up() {
    let mut cache = Cache::new(u64::MAX);
    for round in 0..100_000 {
        cache.request(round % 100, 10);
        cache.remove(round % 100);
    }
    assert!(cache.policy.overhead() < 100_000, "{}", cache.policy.overhead());
    assert_eq!((cache.policy.small_bytes, cache.policy.main_bytes, cache.policy.residents), (0, 0, 0));
}

/// Others wait for whoever makes room, so it must not go through a million entries that are all in use.
#[test]
fn one_eviction_goes_through_so_many_entries_and_no_more() {
    let mut cache = Cache::new(20_000_000);
    for _ in 0..4 {
        for hash in 0..20_000 {
            cache.request(hash, 1_000);
        }
    }
    for hash in 20_000..20_010 {
        cache.model.looks = 0;
        cache.request(hash, 1_000);
        assert!(cache.model.looks <= MOST_PASSED + 1, "{}", cache.model.looks);
    }
    let there = (0..20_000).filter(|hash| cache.model.entries.contains_key(hash)).count();
    assert!(there >= 19_990, "{there}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// Whatever happens: no more bytes than there is room for, and the queues' own books agree with the entries.
    #[test]
    fn the_books_agree(
        capacity in 1_000_u64..20_000,
        steps in proptest::collection::vec((0_u32..60, 1_u64..900, 0_u8..10), 1..400),
    ) {
        let mut cache = Cache::new(capacity);
        for (hash, weight, what) in steps {
            match what {
                0 => cache.remove(hash),
                1 => {
                    if let Some(entry) = cache.model.entries.get_mut(&hash) {
                        cache.policy.replaced(entry.queue, entry.weight, weight);
                        cache.model.bytes = cache.model.bytes - entry.weight + weight;
                        entry.weight = weight;
                        cache.make_room(0);
                    }
                }
                2 => {
                    if let Some(entry) = cache.model.entries.get_mut(&hash) {
                        entry.is_held = !entry.is_held;
                    }
                }
                _ => {
                    cache.request(hash, weight);
                    prop_assert!(cache.model.entries.contains_key(&hash), "what fits is let in");
                }
            }
            let of = |queue| cache.model.entries.values().filter(|e| e.queue == queue).map(|e| e.weight).sum::<u64>();
            prop_assert!(cache.model.bytes <= capacity);
            prop_assert_eq!(cache.policy.small_bytes, of(Queue::Small));
            prop_assert_eq!(cache.policy.main_bytes, of(Queue::Main));
            prop_assert_eq!(cache.policy.residents, cache.model.entries.len());
            prop_assert!(cache.policy.small.len() + cache.policy.main.len() >= cache.model.entries.len());
        }
    }
}
