//! Reads that span modules: a selection of fields over the entity graph becomes one statement that returns JSON documents.
//!
//! `graph` is the static description of entities, `fields` Medusa's grammar of the `fields` parameter, `selection` the tree
//! that it chooses, `filter` what narrows a list; `compile` turns them into SQL and `run` asks Postgres once.

pub mod cart;
pub mod compile;
mod facts;
pub mod fields;
pub mod filter;
pub mod graph;
pub mod hole;
pub mod key;
pub mod market;
pub mod mention;
mod place;
pub mod project;
pub mod rendered;
pub mod run;
pub mod selection;

pub use compile::{Ask, Order, Paging, Prices, Sight, Statement};
pub use filter::{Filter, Test, Value};
pub use graph::{Column, Entity, Kind, Relation};
pub use rendered::{Rendered, RenderedPage, RenderedRow};
pub use run::{Page, Row, fetch};
pub use selection::Selection;
