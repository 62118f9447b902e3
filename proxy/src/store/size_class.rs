//! What an allocation really takes: allocators round sizes up to classes.

/// The classes of jemalloc and mimalloc: multiples of 16 bytes up to 128, then four to each doubling.
const FINE: usize = 16;
const COARSE_FROM: usize = 128;

/// The bytes that an allocation of `size` takes.
pub(super) const fn rounded(size: usize) -> usize {
    let step = step(size);
    size.div_ceil(step) * step
}

/// The largest class that is no larger than `size`; zero where there is none.
pub(super) const fn class_within(size: usize) -> usize {
    let step = step(size + 1);
    size / step * step
}

/// How far apart the classes are about `size`.
const fn step(size: usize) -> usize {
    if size <= COARSE_FROM { FINE } else { 1 << ((size - 1).ilog2() - 2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_are_those_of_the_allocators() {
        for (size, taken) in [
            (0, 0),
            (1, 16),
            (16, 16),
            (128, 128),
            (129, 160),
            (160, 160),
            (161, 192),
            (256, 256),
            (257, 320),
            (1024, 1024),
            (1025, 1280),
            (1281, 1536),
            (65_536, 65_536),
            (65_537, 81_920),
        ] {
            assert_eq!(rounded(size), taken, "{size}");
        }
        for size in 0..20_000 {
            let within = class_within(size);
            assert!(rounded(within) == within && within <= size, "{size} {within}");
            assert!((within + 1..=size).all(|larger| rounded(larger) > size), "{size} {within}");
        }
    }
}
