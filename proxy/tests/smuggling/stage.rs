//! An origin, the proxy before it, an attacker, and the victims who come after.

use crate::attacker::{Answer, Attacker};
use crate::case::{Case, Must, PATH, Wanted};
use crate::origin::{Kind, Origin, Seen};
use crate::support::{Proxy, cache_all};

/// What lies under `/p` is passed, all else is cached.
const PASS: &str = "[[rules]]\nname = \"pass\"\naction = \"pass\"\npaths = [\"/p/**\"]\n";

pub struct Stage {
    pub origin: Origin,
    pub proxy: Proxy,
}

/// Plays each case under both rules.
pub async fn play(kind: Kind, cases: &[Case]) {
    let mut failures = Vec::new();
    let mut stage = Stage::open(kind).await;
    for (number, case) in cases.iter().enumerate() {
        for rule in ['c', 'p'] {
            if let Err(failure) = stage.case(case, &format!("{rule}/{number:04}")).await {
                let sent = case.sent[..case.sent.len().min(300)].escape_ascii();
                failures.push(format!("  {} ({rule}): {failure}\n    {sent}", case.name));
                // Whatever is left over must not fail the next one too.
                stage = Stage::open(kind).await;
            }
        }
    }
    stage.ended().await;
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

impl Stage {
    pub async fn open(kind: Kind) -> Self {
        let origin = Origin::start(kind).await;
        let proxy = Proxy::listening(origin.addr(), "h2c = true", "", "", &format!("{PASS}{}", cache_all(""))).await;
        Self { origin, proxy }
    }

    /// What came late came after the last case.
    pub async fn ended(&self) {
        let late = self.origin.take().await;
        assert!(late.is_empty(), "{late:?}");
    }

    async fn case(&self, case: &Case, path: &str) -> Result<(), String> {
        let mut attacker = Attacker::connect(self.proxy.http).await;
        attacker.send(&at(&case.sent, path)).await;
        let (Must::Forward(wanted) | Must::Last(wanted) | Must::Refuse(wanted, _)) = &case.must;
        for wanted in wanted {
            let answer = attacker.answer(wanted.method == "HEAD").await?;
            own(&answer, wanted, path)?;
        }
        if let Must::Refuse(_, statuses) = &case.must {
            let answer = attacker.answer(false).await?;
            if !statuses.contains(&answer.status) {
                return Err(format!("the answer was {answer}"));
            }
        }
        let stays_open = matches!(case.must, Must::Forward(_));
        if !stays_open {
            attacker.closed().await?;
        }
        let expected: Vec<_> = wanted.iter().map(|wanted| wanted.seen(path)).collect();
        let seen = self.origin.take().await;
        if seen != expected {
            return Err(format!("the origin saw {seen:?}"));
        }
        self.victims(path).await?;
        if stays_open {
            let fence = Wanted { method: "GET", target: "/@@@@@@/fence", body: "" };
            attacker.send(&at(&fence.bytes("Connection: close\r\n"), path)).await;
            own(&attacker.answer(false).await?, &fence, path)?;
            attacker.closed().await?;
            let seen = self.origin.take().await;
            if seen != [fence.seen(path)] {
                return Err(format!("behind the attack the origin saw {seen:?}"));
            }
        }
        Ok(())
    }

    /// Others ask over connections of their own, and over those to the origin that the attack was on: for what is passed, for what
    /// is cached, and for what the attacker asked.
    pub async fn victims(&self, path: &str) -> Result<(), String> {
        let victims = [
            Wanted { method: "POST", target: "/p/victim/@@@@@@", body: "of the victim" },
            Wanted { method: "GET", target: "/p/victim/@@@@@@", body: "" },
            Wanted { method: "GET", target: "/c/victim/@@@@@@", body: "" },
            Wanted { method: "GET", target: "/@@@@@@", body: "" },
            Wanted { method: "GET", target: "/@@@@@@/next", body: "" },
        ];
        for victim in &victims {
            let mut client = Attacker::connect(self.proxy.http).await;
            client.send(&at(&victim.bytes("Connection: close\r\n"), path)).await;
            let to = format!("a victim, to {} {}", victim.method, victim.target);
            let answer = client.answer(false).await.map_err(|failure| format!("{to}: {failure}"))?;
            own(&answer, victim, path).map_err(|failure| format!("a victim: {failure}"))?;
            client.closed().await?;
        }
        let known: Vec<_> = victims.iter().map(|victim| victim.seen(path)).collect();
        let seen = self.origin.take().await;
        if seen.iter().any(|seen| !known.contains(seen)) {
            return Err(format!("besides victims the origin saw {seen:?}"));
        }
        Ok(())
    }
}

/// Whether the answer is the one to this request: origins answer with what they were asked.
fn own(answer: &Answer, wanted: &Wanted, path: &str) -> Result<(), String> {
    let expected = wanted.answer(path);
    if answer.status == 200 && (wanted.method == "HEAD" || answer.body == expected) {
        return Ok(());
    }
    Err(format!("to {expected:?} the answer was {answer}"))
}

/// The bytes with this path in them.
pub fn at(bytes: &[u8], path: &str) -> Vec<u8> {
    assert_eq!(path.len(), PATH.len());
    let mut bytes = bytes.to_vec();
    while let Some(at) = bytes.windows(PATH.len()).position(|window| window == PATH.as_bytes()) {
        bytes[at..at + PATH.len()].copy_from_slice(path.as_bytes());
    }
    bytes
}

// === impl Wanted ===

impl Wanted {
    /// The content of the answer to it.
    pub fn answer(&self, path: &str) -> String {
        format!("{} {}\n{}", self.method, self.target, self.body).replace(PATH, path)
    }

    pub fn seen(&self, path: &str) -> Seen {
        Seen::request(self.method, &self.target.replace(PATH, path), &self.body.replace(PATH, path))
    }

    /// As a well-behaved client sends it.
    fn bytes(&self, fields: &str) -> Vec<u8> {
        let Self { method, target, body } = self;
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        format!("{method} {target} HTTP/1.1\r\nHost: shop.example\r\n{fields}{length}\r\n{body}").into_bytes()
    }
}
