//! A stored body in another form.
//!
//! It is found by the number of the body that it was made of, and only after the object around that body was judged: so
//! freshness, tags and purges are the object's alone, a purge cannot miss it, and it outlives a 304, which keeps the body. What is
//! no longer asked for is evicted as all else.

use std::sync::Arc;

use super::body::StoredBody;
use super::budget::Kind;
use super::node::Node;
use super::size_class::rounded;
use super::table::Entry;
use crate::encoding::codec::CodecError;
use crate::encoding::{Coding, Form};

/// A body that was derived from a stored one, or why it cannot be.
#[derive(Debug)]
pub struct Derived {
    /// The number of the body that it was derived from.
    pub of: u64,
    /// The form that it is in.
    pub form: Form,
    /// The body. A failure is kept too: it would fail again.
    pub body: Result<StoredBody, CodecError>,
    node: Node,
}

// === impl Derived ===

impl Derived {
    /// Of a body with this number, in this form.
    pub fn new(of: u64, form: Form, body: Result<StoredBody, CodecError>) -> Self {
        Self { of, form, body, node: Node::default() }
    }

    /// By which it is found.
    pub(super) fn place(of: u64, form: Form) -> u32 {
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let form = match form {
            Form::Identity => 0,
            Form::Coded(Coding::Zstd) => 1,
            Form::Coded(Coding::Br) => 2,
            Form::Coded(Coding::Gzip) => 3,
        };
        // Numbers follow upon one another, and the high half of a product is spread well.
        ((of.wrapping_mul(4) + form + 1).wrapping_mul(SPREAD) >> 32) as u32
    }

    pub(super) fn is(&self, of: u64, form: Form) -> bool {
        self.of == of && self.form == form
    }
}

impl Entry for Arc<Derived> {
    const TABLE: u8 = 1;
    const KIND: Kind = Kind::Derived;

    fn short(&self) -> u32 {
        Derived::place(self.of, self.form)
    }

    fn node(&self) -> &Node {
        &self.node
    }

    fn weight(&self) -> u64 {
        let pieces = self.body.as_ref().ok().and_then(StoredBody::pieces);
        rounded(16 + size_of::<Derived>()) as u64 + pieces.map_or(0, |pieces| pieces.weight())
    }

    fn own(&self) -> u64 {
        let pieces = self.body.as_ref().ok().and_then(StoredBody::pieces);
        rounded(16 + size_of::<Derived>()) as u64 + pieces.map_or(0, |pieces| pieces.uncounted())
    }

    fn is_held(&self) -> bool {
        let pieces = self.body.as_ref().ok().and_then(StoredBody::pieces);
        pieces.is_some_and(|pieces| Arc::strong_count(pieces) > 1)
    }
}
