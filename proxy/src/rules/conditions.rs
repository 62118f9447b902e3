//! Conditions on named values: query parameters, header fields, cookies.

use http::HeaderName;

use super::facts::RequestFacts;
use crate::fields::FieldLines;
use crate::glob::Glob;
use crate::key::{cookies, decode};

/// What must hold of the values under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is one.
    Present,
    /// There is none.
    Absent,
    /// One of them matches this text, in which `*` stands for anything.
    Like(Glob),
}

/// The conditions of a rule; all must hold. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// On query parameters, by name in normal form; values are compared percent-decoded.
    pub query: Vec<(Box<str>, Condition)>,
    /// On header fields; each line is a value.
    pub headers: Vec<(HeaderName, Condition)>,
    /// On cookies, by exact name.
    pub cookies: Vec<(Box<str>, Condition)>,
}

/// A condition that does not hold.
#[derive(Clone, Copy, Debug)]
pub struct Unmet<'c> {
    /// What it is on: `header`, `query parameter` or `cookie`.
    pub kind: &'static str,
    /// The name.
    pub name: &'c str,
    /// The condition.
    pub condition: &'c Condition,
}

// === impl Condition ===

impl Condition {
    /// Whether it holds of these values.
    pub fn holds<V: AsRef<[u8]>>(&self, mut values: impl Iterator<Item = V>) -> bool {
        match self {
            Self::Present => values.next().is_some(),
            Self::Absent => values.next().is_none(),
            Self::Like(glob) => values.any(|value| glob.matches(value.as_ref())),
        }
    }

    /// Whether it holds of a field of a message.
    pub fn holds_of_field<'f>(&self, fields: impl Into<FieldLines<'f>>, name: &HeaderName) -> bool {
        self.holds(fields.into().get_all(name).map(<[u8]>::trim_ascii))
    }

    /// Whether it surely holds wherever `other` does. Never wrongly true.
    fn follows_from(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Present, Self::Present | Self::Like(_)) | (Self::Absent, Self::Absent) => true,
            (Self::Like(wide), Self::Like(narrow)) => wide.covers(narrow),
            _ => false,
        }
    }
}

// === impl Conditions ===

impl Conditions {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.query.is_empty() && self.headers.is_empty() && self.cookies.is_empty()
    }

    /// Whether all hold of a request.
    pub fn hold(&self, request: &RequestFacts<'_>) -> bool {
        self.unmet(request).is_none()
    }

    /// The first that does not hold.
    pub fn unmet(&self, request: &RequestFacts<'_>) -> Option<Unmet<'_>> {
        let headers = request.headers;
        let header = self.headers.iter().find(|(name, condition)| !condition.holds_of_field(headers, name));
        if let Some((name, condition)) = header {
            return Some(Unmet { kind: "header", name: name.as_str(), condition });
        }
        let query = self.query.iter().find(|(name, condition)| {
            let pairs = request.target.query().pairs().filter(|pair| *pair.name == **name);
            !condition.holds(pairs.map(|pair| decode(pair.value.unwrap_or_default()).into_owned()))
        });
        if let Some((name, condition)) = query {
            return Some(Unmet { kind: "query parameter", name, condition });
        }
        let cookie = self.cookies.iter().find(|(name, condition)| {
            let values = cookies(headers).filter(|cookie| cookie.name == name.as_bytes());
            !condition.holds(values.map(|cookie| cookie.value))
        });
        cookie.map(|(name, condition)| Unmet { kind: "cookie", name, condition })
    }

    /// Whether they surely hold wherever `other` do. Never wrongly true.
    pub fn follow_from(&self, other: &Self) -> bool {
        follow(&self.query, &other.query)
            && follow(&self.headers, &other.headers)
            && follow(&self.cookies, &other.cookies)
    }
}

/// Whether conditions on named values surely hold wherever these others do. Never wrongly true.
pub(super) fn follow<N: PartialEq>(these: &[(N, Condition)], others: &[(N, Condition)]) -> bool {
    these.iter().all(|(name, condition)| {
        others.iter().any(|(others_name, other)| others_name == name && condition.follows_from(other))
    })
}
