//! The forms between which a response and a client have to agree.

use http::{HeaderMap, header};

use super::fields;
use crate::encoding::{Accept, Compression, Form, choose};

/// A response that is to be had in more than one form, a client's word on them, and the form that it gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Negotiation {
    accept: Accept,
    /// The form that is stored or arrives.
    pub(super) stored: Form,
    /// The form that the client gets.
    pub(super) chosen: Form,
}

impl Negotiation {
    /// Over a whole response, of which `length` bytes are stored in the form `stored`; `None` where it is to be had in that one form
    /// only.
    pub(super) fn of_whole(
        compression: &Compression,
        stored: Option<Form>,
        response: &HeaderMap,
        length: u64,
        accept: impl FnOnce() -> Accept,
    ) -> Option<Self> {
        // Nothing is no body of any coding, whatever the fields say.
        let stored = stored.filter(|_| length > 0)?;
        let offered = compression.offered(response, stored, length);
        let is_single = offered.iter().all(|coding| Form::Coded(*coding) == stored) && stored == Form::Identity;
        if is_single {
            return None;
        }
        let accept = accept();
        Some(Self { accept, stored, chosen: choose(&accept, stored, offered).unwrap_or(stored) })
    }

    /// Over a response that is arriving: as it comes, or decoded.
    ///
    /// Where it will be stored, and then be had in more forms, `None` means only that nothing is to be done to its content: see
    /// [`Negotiation::of_whole`] for its fields.
    pub(super) fn of_arriving(
        compression: &Compression,
        arriving: Option<Form>,
        response: &HeaderMap,
        length: Option<u64>,
        request: &HeaderMap,
    ) -> Option<Self> {
        // Without a length it is taken to be long enough.
        let whole =
            Self::of_whole(compression, arriving, response, length.unwrap_or(u64::MAX), || Accept::of(request))?;
        Some(Self { chosen: choose(&whole.accept, whole.stored, &[]).unwrap_or(whole.stored), ..whole })
    }

    /// What is sent while the chosen form is not to be had: the stored one or the plain one, as far as the client accepts them.
    pub(super) fn stand_in(&self) -> Option<Form> {
        [self.stored, Form::Identity].into_iter().find(|form| self.accept.weight(*form).is_some())
    }

    /// The fields of the response as they are in the form that is sent.
    pub(super) fn tell(&self, fields: &mut HeaderMap, sent: Form) {
        fields::add_vary(fields);
        if sent == self.stored {
            return;
        }
        fields::weaken(fields);
        fields::set_coding(fields, sent);
        fields.remove(header::CONTENT_LENGTH);
    }
}
