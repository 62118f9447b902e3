//! A queue that grows and shrinks by blocks: it never holds twice what is in it, as one that doubles does.

use std::collections::VecDeque;

/// Elements of a block.
const BLOCK: usize = 512;

/// A queue: in at the back, out at the front.
#[derive(Debug)]
pub(super) struct Fifo<T> {
    blocks: VecDeque<Vec<T>>,
    /// How many of the first block are out already.
    out: usize,
    len: usize,
}

// === impl Fifo ===

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        Self { blocks: VecDeque::new(), out: 0, len: 0 }
    }
}

impl<T: Copy> Fifo<T> {
    pub(super) fn push(&mut self, element: T) {
        match self.blocks.back_mut() {
            Some(last) if last.len() < BLOCK => last.push(element),
            _ => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(element);
                self.blocks.push_back(block);
            }
        }
        self.len += 1;
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let first = self.blocks.front()?;
        let element = *first.get(self.out)?;
        self.out += 1;
        self.len -= 1;
        if self.out == first.len() {
            self.blocks.pop_front();
            self.out = 0;
        }
        Some(element)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of memory that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.blocks.len() * BLOCK * size_of::<T>() + self.blocks.capacity() * size_of::<Vec<T>>()
    }

    /// Keeps those of which `keep` says so, in their order.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(T) -> bool) {
        for _ in 0..self.len {
            if let Some(element) = self.pop()
                && keep(element)
            {
                self.push(element);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_in_is_first_out_over_many_blocks() {
        let mut queue = Fifo::default();
        for round in 0..3_u32 {
            for element in 0..2_000_u32 {
                queue.push(round * 2_000 + element);
            }
            for element in 0..1_000_u32 {
                assert_eq!(queue.pop(), Some(round * 1_000 + element));
            }
        }
        assert_eq!(queue.len(), 3_000);
        queue.retain(|element| element % 2 == 0);
        assert_eq!((queue.len(), queue.pop(), queue.pop()), (1_500, Some(3_000), Some(3_002)));
        while queue.pop().is_some() {}
        assert_eq!((queue.len(), queue.pop()), (0, None));
        assert!(queue.bytes() < 1_000, "what is out is given back");
    }
}
