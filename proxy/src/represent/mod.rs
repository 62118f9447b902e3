//! Which representation of a stored or arriving response a client gets, and its making.
//!
//! A rule with compression stores one representation. At a hit the form is chosen from what the client accepts; a form other than
//! the stored one is looked up beside it, or [derived](Deriver) from it. What is still arriving is at most decoded as it comes: an
//! object is coded once, when it is whole.

mod deriver;
mod fields;
pub mod metrics;
mod negotiation;
mod unpacking;

use http::HeaderMap;

pub use deriver::{AtOnce, Deriver};
use negotiation::Negotiation;
pub use unpacking::Unpacking;

use crate::encoding::{Compression, Form, form_of};
use crate::fill::Reply;
use crate::fill::body::Reader;

/// A representation of a response.
#[derive(Debug)]
pub struct Represented<B> {
    /// Its content.
    pub source: Source<B>,
    /// Whether a range of it may be sent for an If-Range that holds a date: Last-Modified is the same for all forms of a response, so
    /// by it parts of two of them would be put together (RFC 9110 §8.8.2.2, §13.1.5).
    pub has_ranges_by_date: bool,
}

/// Where the content of a representation comes from.
#[derive(Debug)]
pub enum Source<B> {
    /// It is at hand, or comes as it is.
    AsIs(B),
    /// It is decoded as it is sent; its length is not known.
    Unpacking(Box<Unpacking>),
}

/// A response that is arriving as a client gets it: as it comes, or decoded. `fields`, which are those of the response, become the
/// representation's own, but for Content-Length.
pub fn represent_arriving(
    compression: Option<&Compression>,
    reply: &Reply,
    reader: Reader,
    request: &HeaderMap,
    fields: &mut HeaderMap,
) -> Represented<Reader> {
    let form = form_of(reply.status, &reply.fields);
    let negotiation = compression
        .and_then(|compression| Negotiation::of_arriving(compression, form, &reply.fields, reply.length, request));
    let Some(negotiation) = negotiation else {
        return Represented { source: Source::AsIs(reader), has_ranges_by_date: true };
    };
    let source = match (negotiation.stored, negotiation.chosen) {
        (Form::Coded(coding), Form::Identity) => Source::Unpacking(Box::new(Unpacking::arriving(reader, coding))),
        _ => Source::AsIs(reader),
    };
    negotiation.tell(fields, negotiation.chosen);
    Represented { source, has_ranges_by_date: false }
}
