//! The objects of the rows with hits, and those of the other rows.

use super::catalog::Object;

/// The sizes of hits, in bytes.
pub(super) const SIZES: [usize; 3] = [1 << 10, 10 << 10, 100 << 10];
/// Hot objects of each size.
const HOT: u32 = 1_000;
/// Where the numbers of other rows begin, so that no row meets the objects of another.
pub(super) const MISSES_FROM: u32 = 10_000_000;
pub(super) const POPULAR_FROM: u32 = 5_000_000;
pub(super) const SMALL_FROM: u32 = 2_000_000;

/// All hot objects of one size.
pub(super) fn hot(bytes: usize) -> impl Iterator<Item = Object> {
    (0..HOT).map(move |id| Object { id, bytes })
}

/// Those of every size.
pub(super) fn all_hot() -> impl Iterator<Item = Object> {
    SIZES.into_iter().flat_map(hot)
}

/// A mix of sizes: of 100 hot objects 70 have 1 KB, 25 have 10 KB and 5 have 100 KB.
pub(super) fn mixed(id: u32, number: u32) -> Object {
    let bytes = match (number.wrapping_mul(0x9E37_79B9) >> 8) % 100 {
        0..70 => SIZES[0],
        70..95 => SIZES[1],
        _ => SIZES[2],
    };
    Object { id, bytes }
}

/// The hot objects of the mix.
pub(super) fn hot_mix() -> impl Iterator<Item = Object> {
    (0..HOT).map(|id| mixed(id, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_has_its_shares() {
        let count = |bytes| (0..10_000).filter(|number| mixed(0, *number).bytes == bytes).count();
        assert!((6_800..7_200).contains(&count(SIZES[0])), "{}", count(SIZES[0]));
        assert!((400..600).contains(&count(SIZES[2])), "{}", count(SIZES[2]));
    }
}
