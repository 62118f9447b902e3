//! A stored body in another form.
//!
//! It is found by the number of the body that it was made of, and only after the object around that body was judged: so
//! freshness, tags and purges are the object's alone, a purge cannot miss it, and it outlives a 304, which keeps the body. What is
//! no longer asked for is evicted as all else.

use super::body::StoredBody;
use super::memory::ENTRY_OVERHEAD;
use crate::encoding::codec::CodecError;
use crate::encoding::{Coding, Form};

/// A body that was derived from a stored one, or why it cannot be.
#[derive(Clone, Debug)]
pub struct Derived {
    /// The number of the body that it was derived from.
    pub of: u64,
    /// The form that it is in.
    pub form: Form,
    /// The body. A failure is kept too: it would fail again.
    pub body: Result<StoredBody, CodecError>,
}

impl Derived {
    /// Where it stands among the entries, whose own keys are random: spread over all 128 bits.
    pub(super) fn place(of: u64, form: Form) -> u128 {
        const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
        let form = match form {
            Form::Identity => 0,
            Form::Coded(Coding::Zstd) => 1,
            Form::Coded(Coding::Br) => 2,
            Form::Coded(Coding::Gzip) => 3,
        };
        (u128::from(of) * 4 + form + 1).wrapping_mul(SPREAD)
    }

    pub(super) fn weight(&self) -> u64 {
        ENTRY_OVERHEAD + size_of::<Self>() as u64 + self.body.as_ref().map_or(0, StoredBody::weight)
    }
}
