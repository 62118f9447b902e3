//! Accept-Encoding with its weights (RFC 9110 §12.5.3).

use http::header;

use super::{Coding, Form};
use crate::fields::FieldLines;
use crate::weighted::{Member, members};

/// What a client accepts, in thousandths; 0 refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Accept {
    codings: [Option<u16>; Coding::ALL.len()],
    identity: Option<u16>,
    any: Option<u16>,
}

/// How much a client wants a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    thousandths: u16,
    /// Whether it says so of this form, and not of all others by `*`.
    pub(super) is_named: bool,
}

// === impl Accept ===

impl Accept {
    /// All that it says in 55 bits, to be compared and hashed at once.
    pub fn packed(&self) -> u64 {
        const NOTHING: u64 = 0x7ff;
        let all = self.codings.iter().chain([&self.identity, &self.any]);
        all.fold(0, |packed, weight| (packed << 11) | weight.map_or(NOTHING, u64::from))
    }

    /// Of a request. A client without the field would have to take any coding by RFC 9110 §12.5.3; here it gets none, since a
    /// client that asks for none can most likely not read one.
    pub fn of<'r>(request: impl Into<FieldLines<'r>>) -> Self {
        let mut accept = Self { codings: [None; 3], identity: None, any: None };
        for Member { name: token, weight } in members(request, &header::ACCEPT_ENCODING) {
            // Nothing but a weight may stand there; what is no weight refuses.
            let weight = weight.unwrap_or(0);
            let place = match Coding::of_token(token) {
                Some(coding) => &mut accept.codings[coding as usize],
                None if token.eq_ignore_ascii_case(b"identity") => &mut accept.identity,
                None if token == b"*" => &mut accept.any,
                None => continue,
            };
            // Of a coding that is named twice the lesser word counts: it is the one that is surely meant.
            *place = Some(place.map_or(weight, |before| before.min(weight)));
        }
        accept
    }

    /// How much a form is wanted; `None` where it is refused.
    pub fn weight(&self, form: Form) -> Option<Weight> {
        let own = match form {
            Form::Identity => self.identity,
            Form::Coded(coding) => self.codings[coding as usize],
        };
        let (thousandths, is_named) = match (own, self.any, form) {
            (Some(own), _, _) => (own, true),
            (None, Some(any), _) => (any, false),
            // Acceptable though nothing speaks of it, and the last choice then.
            (None, None, Form::Identity) => return Some(Weight { thousandths: 0, is_named: false }),
            (None, None, Form::Coded(_)) => return None,
        };
        (thousandths > 0).then_some(Weight { thousandths, is_named })
    }
}
