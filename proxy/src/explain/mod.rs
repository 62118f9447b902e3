//! Why a request is answered as it is: rule, key, object, and what is in the way of a hit, for operators.
//!
//! [`explain`] looks at one moment and changes nothing: no refresh begins, nothing is counted, and no object is kept the longer for
//! being looked at. What would be done is decided by the functions that requests go through ([`Engine::outlook`], the rules, the
//! keys). With a draft configuration the same request is explained under both ([`Compared`]). [`Listing`] finds stored objects by
//! tag, prefix, host or URL.
//!
//! No cookie's value is told, nor a header's whose name sounds like a secret: a short [digest](words::masked) stands for it.
//!
//! [`Engine::outlook`]: crate::engine::Engine::outlook

mod client;
mod draft;
mod listing;
mod look;
mod object;
mod question;
mod report;
mod rule;
mod text;
mod words;

pub use draft::{Compared, Difference};
pub use listing::{BadSelector, Listing, Page, Seen, Selector};
pub use look::{Edge, explain};
pub use question::{BadQuestion, Question};
pub use report::Explanation;
