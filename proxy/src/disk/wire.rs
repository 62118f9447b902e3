//! Numbers and bytes as they stand in the files: little-endian, and the length before what it counts.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Writes them.
#[derive(Debug, Default)]
pub(super) struct Put(Vec<u8>);

/// Reads them back; `None` where the bytes end too early or say what cannot be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Take<'b>(&'b [u8]);

/// 64 bits that change with any of the bytes: XXH3, which is no signature. Whoever can write to the folder can forge it.
pub(super) fn checksum(seed: u64, bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, seed)
}

// === impl Put ===

impl Put {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn flag(&mut self, value: bool) {
        self.u8(value.into());
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// A number that may be absent.
    pub(super) fn optional(&mut self, value: Option<u64>) {
        self.flag(value.is_some());
        self.u64(value.unwrap_or(0));
    }

    /// How many follow. What is counted was held in memory, which four bytes hold; more would be cut off here and not be read back.
    pub(super) fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// As they are, without their length.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The checksum of all before it.
    pub(super) fn sum(&mut self, seed: u64) {
        self.u64(checksum(seed, &self.0));
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

// === impl Take ===

impl<'b> Take<'b> {
    pub(super) fn of(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// What stands before a checksum at the end, where that fits.
    pub(super) fn summed(bytes: &'b [u8], seed: u64) -> Option<Self> {
        let (content, sum) = bytes.split_last_chunk()?;
        (checksum(seed, content) == u64::from_le_bytes(*sum)).then_some(Self(content))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    #[allow(clippy::option_option)]
    pub(super) fn optional(&mut self) -> Option<Option<u64>> {
        let (is_there, value) = (self.flag()?, self.u64()?);
        Some(is_there.then_some(value))
    }

    /// How many follow, each of at least `least` bytes: more than could stand in the rest is refused before room is made for them.
    pub(super) fn count(&mut self, least: usize) -> Option<usize> {
        let count = usize::try_from(self.u32()?).ok()?;
        (count.checked_mul(least.max(1))? <= self.0.len()).then_some(count)
    }

    pub(super) fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = self.count(1)?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// Whatever `each` reads, as often as was counted.
    pub(super) fn list<T>(&mut self, least: usize, mut each: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.count(least)?;
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(each(self)?);
        }
        Some(list)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}
