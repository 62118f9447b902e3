//! The origins, as the stage sees them.

use std::net::SocketAddr;

use crate::node::Node;
use crate::recorder::Recorder;

/// Which origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Recorder,
    Node,
    LenientNode,
}

/// What an origin was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A whole request.
    Request { line: String, body: String },
    /// Bytes that it could not take for a request, or could take for another one.
    Fault(String),
}

#[allow(clippy::large_enum_variant, reason = "there is one of it")]
pub enum Origin {
    Recorder(Recorder),
    Node(Node),
}

// === impl Seen ===

impl Seen {
    pub fn request(method: &str, target: &str, body: &str) -> Self {
        Self::Request { line: format!("{method} {target}"), body: body.to_owned() }
    }
}

// === impl Origin ===

impl Origin {
    pub async fn start(kind: Kind) -> Self {
        match kind {
            Kind::Recorder => Self::Recorder(Recorder::start().await),
            Kind::Node => Self::Node(Node::start(false).await),
            Kind::LenientNode => Self::Node(Node::start(true).await),
        }
    }

    pub fn addr(&self) -> SocketAddr {
        match self {
            Self::Recorder(recorder) => recorder.addr,
            Self::Node(node) => node.addr,
        }
    }

    /// All that it was given since this was asked last, in order.
    pub async fn take(&self) -> Vec<Seen> {
        match self {
            Self::Recorder(recorder) => recorder.take(),
            Self::Node(node) => node.take().await,
        }
    }
}
