//! What the origin of the soak has: objects whose size, bytes and fields follow from their number, so that whoever gets one can tell
//! whether it is right.

/// The bytes of all objects are those of one table, from different places on, again and again. A prime, so that no two places of a
/// body that a cache might take for each other hold the same.
const TABLE: usize = 1_048_573;
/// Sizes in bytes, and of how many in a thousand: each class is spread evenly over its orders of magnitude.
const CLASSES: [(u64, u64, u64); 3] = [(100, 100_000, 900), (100_000, 5_000_000, 90), (5_000_000, 50_000_000, 10)];
const SMALLEST: u64 = CLASSES[0].0;

/// The table.
pub(super) struct Catalog {
    table: Vec<u8>,
}

/// One of the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Object {
    number: u32,
}

// === impl Catalog ===

impl Catalog {
    pub(super) fn new() -> Self {
        let words = (0..TABLE.div_ceil(8)).flat_map(|word| mixed(word as u64).to_le_bytes());
        Self { table: words.take(TABLE).collect() }
    }

    /// Bytes of an object from `offset` on: as many as lie together, at least one within the object.
    pub(super) fn from(&self, object: Object, offset: u64) -> &[u8] {
        let at = usize::try_from((object.start() + offset) % TABLE as u64).unwrap_or_default();
        let left = usize::try_from(object.size() - offset).unwrap_or(usize::MAX);
        let piece = &self.table[at..];
        &piece[..piece.len().min(left)]
    }

    /// Whether these are the bytes of an object from `offset` on.
    pub(super) fn holds(&self, object: Object, mut offset: u64, mut bytes: &[u8]) -> bool {
        if bytes.len() as u64 > object.size().saturating_sub(offset) {
            return false;
        }
        while !bytes.is_empty() {
            let piece = self.from(object, offset);
            let (now, rest) = bytes.split_at(piece.len().min(bytes.len()));
            if now != &piece[..now.len()] {
                return false;
            }
            offset += now.len() as u64;
            bytes = rest;
        }
        true
    }
}

// === impl Object ===

impl Object {
    pub(super) fn new(number: u32) -> Self {
        Self { number }
    }

    /// `/o/7` is number 7.
    pub(super) fn of_target(target: &str) -> Option<Self> {
        target.strip_prefix("/o/")?.parse().ok().map(Self::new)
    }

    pub(super) fn target(self) -> String {
        format!("/o/{}", self.number)
    }

    /// Length of its body in bytes.
    pub(super) fn size(self) -> u64 {
        let mut part = self.draw(1) % 1_000;
        for (least, most, share) in CLASSES {
            if part < share {
                #[expect(clippy::cast_precision_loss, reason = "any number of the class will do")]
                let (least, most, at) = (least as f64, most as f64, (self.draw(2) % 100_000) as f64 / 100_000.0);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two sizes")]
                return (least * (most / least).powf(at)) as u64;
            }
            part -= share;
        }
        SMALLEST
    }

    /// Whether its length is told before it, and not by chunks.
    pub(super) fn has_length(self) -> bool {
        !self.draw(3).is_multiple_of(4)
    }

    /// What it may be validated by.
    pub(super) fn etag(self) -> Option<String> {
        (self.draw(4) % 10 < 6).then(|| format!("\"{}\"", self.number))
    }

    /// Its Cache-Control.
    pub(super) fn control(self) -> String {
        let seconds = 5 + self.draw(5) % 115;
        match self.draw(6) % 10 {
            0 => "no-store".to_owned(),
            1 => "no-cache".to_owned(),
            2 | 3 => format!("max-age={}, stale-while-revalidate=60", seconds % 10),
            _ => format!("max-age={seconds}"),
        }
    }

    fn start(self) -> u64 {
        self.draw(7) % TABLE as u64
    }

    /// A number that is this object's own, for one purpose.
    fn draw(self, purpose: u64) -> u64 {
        mixed(u64::from(self.number) << 8 | purpose)
    }
}

/// `SplitMix64`.
fn mixed(seed: u64) -> u64 {
    let mut word = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: u64 = CLASSES[CLASSES.len() - 1].1;

    #[test]
    fn sizes_reach_from_100_bytes_to_50_megabytes() {
        let sizes: Vec<_> = (0..20_000).map(|number| Object::new(number).size()).collect();
        assert!(sizes.iter().all(|size| (SMALLEST..=LARGEST).contains(size)));
        assert!(sizes.iter().any(|size| *size < 150) && sizes.iter().any(|size| *size > 40_000_000));
    }

    #[test]
    fn an_object_is_told_from_another_and_from_itself_at_another_place() {
        let catalog = Catalog::new();
        let of = |large: bool| (0..1_000).map(Object::new).find(|object| (object.size() > 3_000_000) == large).unwrap();
        let (large, small) = (of(true), of(false));
        let mut body = Vec::new();
        while (body.len() as u64) < large.size() {
            body.extend_from_slice(catalog.from(large, body.len() as u64));
        }
        assert_eq!(body.len() as u64, large.size());
        assert!(catalog.holds(large, 0, &body) && catalog.holds(large, 65_536, &body[65_536..200_000]));
        assert!(!catalog.holds(large, 0, &body[65_536..]) && !catalog.holds(large, 1, &body));
        assert!(!catalog.holds(small, 0, &body[..100]));
        body[1_500_000] ^= 1;
        assert!(!catalog.holds(large, 0, &body));
    }
}
