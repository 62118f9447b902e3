//! A small rasteriser: smooth-edged outlines on a canvas of tones. Whole numbers only, so every machine draws the same.

/// Width and height of a picture in pixels.
pub(super) const SIZE: usize = 600;
/// Parts of a pixel in which outlines are kept.
const PARTS: i32 = 16;
const STEP: usize = 16;
/// Lines that are looked at within a row of pixels.
const LINES: i32 = 4;
/// What a pixel that is covered whole counts.
const FULL: i32 = PARTS * LINES;
/// Straight pieces that a curve is made of.
const PIECES: i32 = 16;

/// Tones from 0, the darkest ink, to 255, the paper, row by row.
pub(super) struct Canvas {
    tones: Vec<u8>,
}

/// A closed outline.
#[derive(Clone)]
pub(super) struct Outline {
    points: Vec<(i32, i32)>,
}

// === impl Outline ===

impl Outline {
    /// An outline that begins at a point, in pixels.
    pub(super) fn from(x: i32, y: i32) -> Self {
        Self { points: vec![(x * PARTS, y * PARTS)] }
    }

    /// A straight line on to a point.
    pub(super) fn line(mut self, x: i32, y: i32) -> Self {
        self.points.push((x * PARTS, y * PARTS));
        self
    }

    /// A curve on to `(x, y)`, drawn towards `(towards_x, towards_y)` on its way.
    pub(super) fn curve(mut self, towards_x: i32, towards_y: i32, x: i32, y: i32) -> Self {
        let (from_x, from_y) = self.points.last().copied().unwrap_or_default();
        let at = |from: i32, towards: i32, to: i32, piece: i32| {
            let rest = PIECES - piece;
            (from * rest * rest + towards * PARTS * 2 * rest * piece + to * PARTS * piece * piece) / (PIECES * PIECES)
        };
        let pieces = 1..=PIECES;
        self.points.extend(pieces.map(|piece| (at(from_x, towards_x, x, piece), at(from_y, towards_y, y, piece))));
        self
    }

    /// The outline and its mirror image on the other side of the canvas's middle, as one. It must begin and end there.
    pub(super) fn mirrored(mut self) -> Self {
        let middle = i32::try_from(SIZE).unwrap_or(0) * PARTS;
        let other: Vec<_> = self.points.iter().rev().map(|&(x, y)| (middle - x, y)).collect();
        self.points.extend(other);
        self
    }

    /// An oval about a point.
    pub(super) fn oval(x: i32, y: i32, width: i32, height: i32) -> Self {
        let (half_width, half_height) = (width / 2, height / 2);
        let (left, right, top, bottom) = (x - half_width, x + half_width, y - half_height, y + half_height);
        Self::from(left, y)
            .curve(left, top, x, top)
            .curve(right, top, right, y)
            .curve(right, bottom, x, bottom)
            .curve(left, bottom, left, y)
    }

    /// Where the horizontal line at `y` enters and leaves it, from the left.
    fn crossings(&self, y: i32, into: &mut Vec<i32>) {
        into.clear();
        let next = self.points.iter().cycle().skip(1);
        for (&(x1, y1), &(x2, y2)) in self.points.iter().zip(next) {
            if (y1 > y) != (y2 > y) {
                into.push(x1 + (x2 - x1) * (y - y1) / (y2 - y1));
            }
        }
        into.sort_unstable();
    }
}

// === impl Canvas ===

impl Canvas {
    /// A canvas whose tone at a row is what `tone` says.
    pub(super) fn new(tone: impl Fn(i32) -> i32) -> Self {
        let rows = (0..).take(SIZE).flat_map(|y| std::iter::repeat_n(clamp(tone(y)), SIZE));
        Self { tones: rows.collect() }
    }

    /// The tones.
    pub(super) fn tones(&self) -> &[u8] {
        &self.tones
    }

    /// Fills an outline; `ink` gives the tone at a pixel.
    pub(super) fn fill(&mut self, outline: &Outline, ink: impl Fn(i32, i32) -> i32) {
        let mut cover = [0_i32; SIZE];
        let mut crossings = Vec::new();
        for (y, row) in (0_i32..).zip(self.tones.chunks_exact_mut(SIZE)) {
            cover.fill(0);
            for line in 0..LINES {
                outline.crossings(y * PARTS + line * (PARTS / LINES) + PARTS / LINES / 2, &mut crossings);
                for pair in crossings.chunks_exact(2) {
                    cover_span(&mut cover, pair[0], pair[1]);
                }
            }
            for ((x, tone), &share) in (0_i32..).zip(row).zip(&cover) {
                if share > 0 {
                    *tone = clamp((i32::from(*tone) * (FULL - share) + ink(x, y) * share) / FULL);
                }
            }
        }
    }
}

/// Adds what a line from `left` to `right` covers of each pixel.
fn cover_span(cover: &mut [i32; SIZE], left: i32, right: i32) {
    let first = usize::try_from(left / PARTS).unwrap_or(0).min(SIZE);
    let last = usize::try_from(right / PARTS + 1).unwrap_or(0).min(SIZE);
    if first >= last {
        return;
    }
    let edge = left.max(0) / PARTS * PARTS;
    for (from, share) in (edge..).step_by(STEP).zip(&mut cover[first..last]) {
        *share += (right.min(from + PARTS) - left.max(from)).max(0);
    }
}

fn clamp(tone: i32) -> u8 {
    u8::try_from(tone.clamp(0, 255)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_smooth_and_the_inside_is_whole() {
        let mut canvas = Canvas::new(|_| 200);
        // A triangle whose right edge runs aslant.
        canvas.fill(&Outline::from(10, 10).line(20, 10).line(10, 20), |_, _| 0);
        let at = |x: usize, y: usize| canvas.tones()[y * SIZE + x];
        assert_eq!((at(9, 12), at(10, 12), at(12, 12)), (200, 0, 0));
        assert!((1..200).contains(&at(17, 12)), "{}", at(17, 12));
        assert_eq!(at(19, 12), 200);
    }

    #[test]
    fn what_hangs_over_the_edge_is_cut() {
        let mut canvas = Canvas::new(|y| y);
        canvas.fill(&Outline::oval(0, 0, 100, 100), |_, _| 9);
        canvas.fill(&Outline::oval(600, 600, 100, 100), |_, _| 9);
        assert_eq!(canvas.tones()[0], 9);
        assert_eq!(canvas.tones()[SIZE * SIZE - 1], 9);
    }
}
