//! Request smuggling: bytes of which two parsers could make different requests, sent to the proxy in front of origins with parsers
//! of their own. Whatever is sent:
//!
//! - an origin sees the requests that the proxy itself decided on, one for each answer, with the content that the proxy took for
//!   theirs, and never a byte that could be read otherwise;
//! - no byte of a content becomes a request, and other clients, over the same connections to the origin, get their own answers;
//! - what is ambiguous is refused, and the connection closed.
//!
//! The tables of cases say for each what must happen. The origins are a recorder that takes every byte at its word
//! ([`recorder`]), and Node.js, with its parser as it is and with its lenient one ([`node`]).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

mod attacker;
mod case;
mod chunks;
mod codings;
mod hops;
mod lengths;
mod lines;
mod node;
mod origin;
mod recorder;
mod stage;
#[path = "../support/mod.rs"]
mod support;
mod targets;

use case::Case;
use origin::Kind;
use stage::play;

/// Each table, before each origin.
macro_rules! tables {
    ($($table:ident)*) => {$(
        mod $table {
            use super::*;

            #[tokio::test]
            async fn before_a_recorder() {
                play(Kind::Recorder, &crate::$table::cases()).await;
            }

            #[tokio::test]
            async fn before_node() {
                play(Kind::Node, &crate::$table::cases()).await;
            }

            #[tokio::test]
            async fn before_a_lenient_node() {
                play(Kind::LenientNode, &crate::$table::cases()).await;
            }
        }
    )*};
}

mod tables {
    use super::*;

    tables!(lengths codings chunks lines targets hops);

    /// A name is a case's own, so that a failure points at one line.
    #[test]
    fn names_are_unique() {
        let tables = [
            crate::lengths::cases(),
            crate::codings::cases(),
            crate::chunks::cases(),
            crate::lines::cases(),
            crate::targets::cases(),
            crate::hops::cases(),
        ];
        let mut names: Vec<_> = tables.iter().flatten().map(|case: &Case| case.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
