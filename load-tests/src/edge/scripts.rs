//! What the rows ask for.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::browser::Browsers;
use super::catalog::Object;
use super::load::{Expected, Script};
use crate::zipf::Zipf;

/// One answer of so many is compared byte by byte.
const SAMPLE: u64 = 128;

/// Objects of a fixed set, by chance, again and again.
pub(super) struct Hot {
    objects: Vec<(Object, String, String)>,
    not_modified: bool,
    browsers: Browsers,
    random: StdRng,
    asked: u64,
}

impl Hot {
    /// With 200s.
    pub(super) fn new(objects: impl IntoIterator<Item = Object>, seed: u64) -> Self {
        let objects = objects.into_iter().map(|object| (object, object.target(), String::new())).collect();
        Self { objects, not_modified: false, browsers: Browsers::new(), random: StdRng::seed_from_u64(seed), asked: 0 }
    }

    /// Asked with their entity tag, so with 304s.
    pub(super) fn not_modified(objects: impl IntoIterator<Item = Object>, seed: u64) -> Self {
        let mut script = Self::new(objects, seed);
        script.not_modified = true;
        for (object, _, precondition) in &mut script.objects {
            *precondition = format!("If-None-Match: {}\r\n", object.etag());
        }
        script
    }
}

impl Script for Hot {
    fn next(&mut self, request: &mut Vec<u8>) -> Option<Expected> {
        self.asked += 1;
        let index = self.random.random_range(0..self.objects.len());
        let (object, target, precondition) = &self.objects[index];
        self.browsers.get(target, precondition, request);
        let status = if self.not_modified { 304 } else { 200 };
        Some(Expected { object: *object, status, sampled: self.asked.is_multiple_of(SAMPLE) })
    }
}

/// Each of these objects once.
pub(super) struct Once<I> {
    objects: I,
    browsers: Browsers,
    asked: u64,
}

impl<I: Iterator<Item = Object>> Once<I> {
    pub(super) fn new(objects: impl IntoIterator<IntoIter = I>) -> Self {
        Self { objects: objects.into_iter(), browsers: Browsers::new(), asked: 0 }
    }
}

impl<I: Iterator<Item = Object>> Script for Once<I> {
    fn next(&mut self, request: &mut Vec<u8>) -> Option<Expected> {
        self.asked += 1;
        let object = self.objects.next()?;
        self.browsers.get(&object.target(), "", request);
        Some(Expected { object, status: 200, sampled: self.asked.is_multiple_of(SAMPLE) })
    }
}

/// Many objects of mixed sizes, few of them often.
pub(super) struct Popular {
    zipf: Zipf,
    object: fn(u32) -> Object,
    browsers: Browsers,
    random: StdRng,
    asked: u64,
    left: usize,
}

impl Popular {
    /// `object` says what stands at a rank.
    pub(super) fn new(count: u32, exponent: f64, object: fn(u32) -> Object, seed: u64) -> Self {
        let zipf = Zipf::new(count, exponent);
        Self {
            zipf,
            object,
            browsers: Browsers::new(),
            random: StdRng::seed_from_u64(seed),
            asked: 0,
            left: usize::MAX,
        }
    }

    /// No more than so many requests.
    pub(super) fn limited(mut self, most: usize) -> Self {
        self.left = most;
        self
    }
}

impl Script for Popular {
    fn next(&mut self, request: &mut Vec<u8>) -> Option<Expected> {
        self.left = self.left.checked_sub(1)?;
        self.asked += 1;
        let object = (self.object)(self.zipf.pick(&mut self.random));
        self.browsers.get(&object.target(), "", request);
        Some(Expected { object, status: 200, sampled: self.asked.is_multiple_of(SAMPLE) })
    }
}
