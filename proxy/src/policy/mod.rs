//! What a shared cache may do, as pure functions over fields and time (RFC 9111; RFC 5861; RFC 9110 §13).
//!
//! A fill goes: [`fill_fields`] and [`add_validators`] make the request; [`assess`] judges the response, [`stored_fields`] is what
//! is kept. After a 304: [`selects`], [`freshen`], then as before. A hit goes: [`Lifetime::freshness`], [`is_not_modified`],
//! [`fixed_fields`] and [`varying_fields`].
//!
//! What may be served of what is stored is narrowed by [`RequestControl::allows`]; [`select`] finds the bytes that a Range asks for.

mod cache_control;
mod client;
mod conditional;
mod control;
mod directives;
mod fields;
mod freshness;
mod multipart;
mod range;
mod request;
mod storing;
mod tags;
mod targeted;

pub use cache_control::CacheControl;
pub use client::{ControlOverTime, OVERRIDING_MAX_AGE, Varying, fixed_fields, overriding_max_age, varying_fields};
pub use conditional::{add_validators, is_not_modified, is_not_modified_of, to_not_modified};
pub use control::{Allowed, RequestControl};
pub use directives::{MAX_DELTA_SECONDS, delta_seconds};
pub use fields::{HOP_BY_HOP, freshen, passed_fields, selects, stored_fields};
pub use freshness::{Freshness, FreshnessBasis, FreshnessSource, Lifetime};
pub use multipart::{Multipart, Part};
pub use range::{ByteRange, Selected, select, unsatisfied_range};
pub use request::fill_fields;
pub use storing::{Exchange, assess};
pub use tags::{invalidated_groups, lacks_tag_fields, remove_tag_fields, tags_of};
pub use targeted::Governing;
