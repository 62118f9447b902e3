//! From an answer to what it shows, and whether it may.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::io::Read as _;
use std::sync::Arc;

use memchr::memmem;

use super::cast::{Plan, Shape, Target};
use super::history::{Begun, History, Wrong};
use super::marker::{number, scan};
use super::tally::{Aside, Kind, Tally};
use super::violations::{Violations, seconds};

/// Entity tags that are remembered of a target: more than its versions within any request's life.
const TAGS: usize = 256;
/// What a compressed body may grow to.
const LARGEST: u64 = 1 << 20;

/// What is shared by all who read.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) history: Arc<History>,
    pub(super) targets: Arc<[Target]>,
    pub(super) tally: Arc<Tally>,
    pub(super) violations: Arc<Violations>,
}

/// An answer, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) etag: Option<&'a [u8]>,
    pub(super) cache_status: &'a [u8],
    pub(super) gzip: bool,
    pub(super) body: &'a [u8],
    /// All of the head, for a report.
    pub(super) head: &'a [u8],
}

/// Who asked what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) target: usize,
    pub(super) edge: usize,
    pub(super) h2: bool,
    pub(super) begun: &'a Begun,
    /// The entity tag that was sent along.
    pub(super) condition: Option<&'a [u8]>,
}

/// Judges one reader's answers; keeps what it saw with which entity tag.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) shared: Shared,
    seen: Vec<Seen>,
    shown: Vec<Option<u64>>,
}

/// Entity tags of a target, with the versions that came with them first.
#[derive(Debug, Default, Clone)]
struct Seen {
    versions: HashMap<Vec<u8>, Vec<Option<u64>>>,
    order: VecDeque<Vec<u8>>,
}

impl Judge {
    pub(super) fn new(shared: Shared) -> Self {
        let seen = vec![Seen::default(); shared.targets.len()];
        Self { shared, seen, shown: Vec::new() }
    }

    /// The newest entity tag of a target.
    pub(super) fn newest_tag(&self, target: usize) -> Option<&[u8]> {
        self.seen[target].order.back().map(Vec::as_slice)
    }

    /// Judges an answer, and counts it.
    pub(super) fn judge(&mut self, asked: Asked<'_>, answer: Answer<'_>) {
        let shared = self.shared.clone();
        let target = &shared.targets[asked.target];
        if memmem::find(answer.cache_status, b"serve_for").is_some() {
            return shared.tally.aside(Aside::Outside);
        }
        let readable = match answer.status {
            200 => self.read_body(target, answer),
            404 => {
                self.shown.clear();
                self.shown.resize(target.members.len(), None);
                true
            }
            304 => self.read_tag(asked, answer),
            _ => return shared.tally.aside(Aside::Unavailable),
        };
        if !readable {
            return shared.tally.aside(Aside::Odd);
        }
        if let (200, Plan::Conditional, Some(tag)) = (answer.status, target.plan, answer.etag) {
            self.seen[asked.target].note(tag, &self.shown);
        }
        let hit = is_hit(answer.cache_status);
        let there = self.shown.iter().any(Option::is_some);
        let returned = asked.begun.returned && there;
        shared.tally.read(kind(target.plan, asked.h2, answer.status, hit, returned), asked.begun.counts, hit);
        if let Err(wrong) = shared.history.judge(&target.members, asked.begun, &self.shown) {
            shared.violations.found(shared.history.now(), &tell(&shared, asked, answer, &wrong));
        }
    }

    fn read_body(&mut self, target: &Target, answer: Answer<'_>) -> bool {
        self.shown.clear();
        self.shown.resize(target.members.len(), None);
        let mut plain = Vec::new();
        let body = if answer.gzip {
            if flate2::read::GzDecoder::new(answer.body).take(LARGEST).read_to_end(&mut plain).is_err() {
                return false;
            }
            plain.as_slice()
        } else {
            answer.body
        };
        match target.shape {
            Shape::Marks => scan(body, |mark| {
                if let Some(place) = target.members.iter().position(|member| *member == mark.entity) {
                    self.shown[place] = Some(mark.version);
                }
            }),
            Shape::Amount => self.shown[0] = amount(body),
        }
        true
    }

    fn read_tag(&mut self, asked: Asked<'_>, answer: Answer<'_>) -> bool {
        let tag = answer.etag.or(asked.condition);
        let versions = tag.and_then(|tag| self.seen[asked.target].versions.get(tag));
        let Some(versions) = versions else { return false };
        self.shown.clone_from(versions);
        true
    }
}

impl Seen {
    fn note(&mut self, tag: &[u8], shown: &[Option<u64>]) {
        if self.versions.contains_key(tag) {
            // The newest is asked with.
            if self.order.back().is_none_or(|newest| newest != tag) {
                self.order.retain(|known| known != tag);
                self.order.push_back(tag.to_owned());
            }
            return;
        }
        if self.order.len() == TAGS
            && let Some(oldest) = self.order.pop_front()
        {
            self.versions.remove(&oldest);
        }
        self.versions.insert(tag.to_owned(), shown.to_vec());
        self.order.push_back(tag.to_owned());
    }
}

/// Served from the cache (RFC 9211).
pub(super) fn is_hit(cache_status: &[u8]) -> bool {
    memmem::find(cache_status, b"; hit").is_some()
}

fn kind(plan: Plan, h2: bool, status: u16, hit: bool, returned: bool) -> Kind {
    match plan {
        _ if h2 => Kind::H2,
        Plan::Plain if hit => Kind::Fast,
        Plan::Vary => Kind::Vary,
        Plan::List => Kind::List,
        Plan::Coming if returned => Kind::Returned,
        Plan::Media => Kind::Media,
        Plan::Conditional if status == 304 => Kind::NotModified,
        Plan::Plain | Plan::Coming | Plan::Conditional => Kind::Other,
    }
}

/// The only calculated amount of a body.
fn amount(body: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"calculated_amount\":";
    let from = memmem::find(body, NAME)? + NAME.len();
    let rest = &body[from..];
    let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    number(&rest[..end])
}

/// The report of a violation.
fn tell(shared: &Shared, asked: Asked<'_>, answer: Answer<'_>, wrong: &Wrong) -> String {
    let target = &shared.targets[asked.target];
    let shown = wrong.shown.map_or("nothing".to_owned(), |version| format!("version {version}"));
    let mut text = format!(
        "edge-{} {}: {} shows {shown}; acknowledged when it began: {}, newest sent: {}\n    {} {} headers {:?}\n    \
         began {:.6}, ended {:.6}\n",
        asked.edge,
        wrong.what,
        shared.history.name(wrong.entity),
        wrong.bound,
        wrong.sent,
        if asked.h2 { "HTTP/2" } else { "HTTP/1.1" },
        target.path,
        target.headers,
        seconds(asked.begun.at),
        seconds(shared.history.now()),
    );
    if let Some(condition) = asked.condition {
        let _ = writeln!(text, "    asked with If-None-Match: {}", String::from_utf8_lossy(condition));
    }
    for write in shared.history.recent(wrong.entity).iter().rev().take(6).rev() {
        let came = write.came.map_or("no reply yet".to_owned(), |(reply, at)| format!("{reply:?} {:.6}", seconds(at)));
        let _ = writeln!(text, "    version {} sent {:.6}, {came}", write.version, seconds(write.sent_at));
    }
    for line in String::from_utf8_lossy(answer.head).lines().filter(|line| !line.trim().is_empty()) {
        let _ = writeln!(text, "    < {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::history::Reply;

    fn judge(plan: Plan, shape: Shape) -> (Judge, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let target = Target { shape, ..Target::new(plan, "/x".to_owned(), vec![0]) };
        let shared = Shared {
            history: Arc::new(History::new([("x".to_owned(), plan == Plan::Coming)])),
            targets: Arc::from(vec![target]),
            tally: Arc::default(),
            violations: Arc::new(Violations::new(&folder.path().join("violations.log")).unwrap()),
        };
        (Judge::new(shared), folder)
    }

    fn ask(judge: &mut Judge, status: u16, etag: Option<&[u8]>, body: &[u8]) {
        let mut begun = Begun::default();
        judge.shared.history.begin(&[0], &mut begun);
        let answer = Answer { status, etag, cache_status: b"vitrine; hit", gzip: false, body, head: b"HTTP/1.1 200" };
        judge.judge(Asked { target: 0, edge: 0, h2: false, begun: &begun, condition: etag }, answer);
    }

    fn write(judge: &Judge) -> u64 {
        let version = judge.shared.history.send(0);
        judge.shared.history.replied(0, version, Reply::Acked);
        version
    }

    #[test]
    fn a_forged_stale_read_is_found() {
        let (mut judge, _folder) = judge(Plan::Plain, Shape::Marks);
        write(&judge);
        ask(&mut judge, 200, None, b"{\"title\":\"~e000v00000002~\"}");
        assert_eq!((judge.shared.violations.count(), judge.shared.tally.counts().counted), (0, 1));
        ask(&mut judge, 200, None, b"{\"title\":\"~e000v00000001~\"}");
        assert_eq!(judge.shared.violations.count(), 1);
    }

    #[test]
    fn a_304_stands_for_what_came_with_its_entity_tag() {
        let (mut judge, _folder) = judge(Plan::Conditional, Shape::Marks);
        ask(&mut judge, 200, Some(b"\"a\""), b"~e000v00000001~");
        ask(&mut judge, 304, Some(b"\"a\""), b"");
        ask(&mut judge, 304, Some(b"\"never seen\""), b"");
        assert_eq!((judge.shared.violations.count(), judge.shared.tally.counts().odd), (0, 1));
        write(&judge);
        ask(&mut judge, 304, Some(b"\"a\""), b"");
        assert_eq!(judge.shared.violations.count(), 1);
    }

    #[test]
    fn a_resurrected_404_is_found() {
        let (mut judge, _folder) = judge(Plan::Coming, Shape::Marks);
        write(&judge);
        ask(&mut judge, 404, None, b"");
        write(&judge);
        assert_eq!(judge.shared.violations.count(), 0);
        ask(&mut judge, 404, None, b"");
        assert_eq!(judge.shared.violations.count(), 1);
    }

    #[test]
    fn amounts_are_versions_and_what_is_labelled_is_not_judged() {
        let (mut judge, _folder) = judge(Plan::Plain, Shape::Amount);
        write(&judge);
        ask(&mut judge, 200, None, b"{\"calculated_amount\":2,\"x\":1}");
        assert_eq!(judge.shared.violations.count(), 0);
        ask(&mut judge, 200, None, b"{\"calculated_amount\":1.99,\"x\":1}");
        assert_eq!(judge.shared.violations.count(), 1);
        let begun = Begun::default();
        let cache_status = b"vitrine; fwd=stale; detail=\"serve_for\"";
        let answer = Answer { status: 200, etag: None, cache_status, gzip: false, body: b"", head: b"" };
        judge.judge(Asked { target: 0, edge: 0, h2: false, begun: &begun, condition: None }, answer);
        assert_eq!((judge.shared.violations.count(), judge.shared.tally.counts().outside), (1, 1));
    }
}
