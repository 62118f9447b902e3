//! One case: what an attacker sends, and what must come of it.

/// Stands in paths; the stage puts as many bytes in its place, others for each case that it plays.
pub const PATH: &str = "@@@@@@";
/// A request that must not come out of another's content. Where it stands behind a whole request it is one of its own.
pub const NEXT: &str = "GET /@@@@@@/next HTTP/1.1\r\nHost: shop.example\r\n\r\n";
/// What the proxy says of what is no HTTP, or could be read in two ways.
const BAD: &[u16] = &[400];

/// A row of a table.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: &'static str,
    pub sent: Vec<u8>,
    pub must: Must,
}

/// What must happen.
#[derive(Clone, Debug)]
pub enum Must {
    /// The origin sees these, each is answered, and the connection serves the next request.
    Forward(Vec<Wanted>),
    /// The origin sees these, and each is answered. What follows is refused with one of the statuses, and the connection closed.
    Refuse(Vec<Wanted>, &'static [u16]),
    /// The origin sees these, each is answered, and the connection closed; what follows is not looked at.
    Last(Vec<Wanted>),
}

/// A request as the origin must see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub method: &'static str,
    /// With [`PATH`] in it.
    pub target: &'static str,
    pub body: &'static str,
}

/// `POST /@@@@@@`.
pub fn post(body: &'static str) -> Wanted {
    Wanted { method: "POST", target: "/@@@@@@", body }
}

/// `GET /@@@@@@`.
pub fn get() -> Wanted {
    Wanted { method: "GET", target: "/@@@@@@", body: "" }
}

/// [`NEXT`].
pub fn next() -> Wanted {
    Wanted { method: "GET", target: "/@@@@@@/next", body: "" }
}

/// Bytes as they are.
pub fn raw(name: &'static str, sent: impl AsRef<[u8]>, must: Must) -> Case {
    Case { name, sent: sent.as_ref().to_vec(), must }
}

/// A POST with a Host, these field lines (each with its end), and what follows the head, before [`NEXT`].
pub fn posted(name: &'static str, fields: impl AsRef<[u8]>, rest: impl AsRef<[u8]>, must: Must) -> Case {
    framed(name, "POST", fields.as_ref(), rest.as_ref(), must)
}

/// A GET likewise.
pub fn got(name: &'static str, fields: impl AsRef<[u8]>, rest: impl AsRef<[u8]>, must: Must) -> Case {
    framed(name, "GET", fields.as_ref(), rest.as_ref(), must)
}

fn framed(name: &'static str, method: &str, fields: &[u8], rest: &[u8], must: Must) -> Case {
    let start = format!("{method} /{PATH} HTTP/1.1\r\nHost: shop.example\r\n");
    Case { name, sent: [start.as_bytes(), fields, b"\r\n", rest, NEXT.as_bytes()].concat(), must }
}

/// 400 for all of it.
pub fn refused() -> Must {
    Must::Refuse(Vec::new(), BAD)
}

/// One of these statuses for all of it.
pub fn refused_with(statuses: &'static [u16]) -> Must {
    Must::Refuse(Vec::new(), statuses)
}

/// This one, and [`NEXT`] behind it.
pub fn two(first: Wanted) -> Must {
    Must::Forward(vec![first, next()])
}

/// This one alone.
pub fn one(first: Wanted) -> Must {
    Must::Forward(vec![first])
}

/// This one, and 400 for what follows.
pub fn one_then_refused(first: Wanted) -> Must {
    Must::Refuse(vec![first], BAD)
}
