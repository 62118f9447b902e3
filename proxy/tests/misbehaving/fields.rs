//! Fields of a cached response that cannot be read, that contradict one another, or that claim too much (RFC 9111; RFC 9110).

use crate::stage::{Kept, Stage, Told, case, get, read, request};
use crate::support::response;

/// A date that has not come.
const FUTURE: &str = "Fri, 01 Jan 2100 00:00:00 GMT";
/// One that is long gone.
const PAST: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

impl Stage {
    /// Whether a response with these fields answers the next request too. Both times the client gets it whole.
    async fn is_reused(&mut self, path: &str, fields: &str) -> bool {
        let answer = response("200 OK", fields, "hello");
        let got = self.answered(path, &answer).await;
        assert_eq!((got.status, got.text(), got.whole), (200, "hello", true), "{fields}: {got:?}");
        let mut reading = std::pin::pin!(read(self.send(&get(path)).await));
        let upstream = &mut self.upstream;
        let (got, is_reused) = tokio::select! {
            got = &mut reading => (got, true),
            request = upstream.next() => {
                request.send(&answer);
                drop(request);
                (reading.await, false)
            }
        };
        assert_eq!((got.status, got.text(), got.whole), (200, "hello", true), "{fields}: {got:?}");
        self.idle().await;
        is_reused
    }

    async fn reuses(&mut self, cases: &[(&str, bool)]) {
        for (index, (fields, expected)) in cases.iter().enumerate() {
            let fields = if fields.is_empty() { String::new() } else { format!("{fields}\r\n") };
            assert_eq!(self.is_reused(&format!("/{index}"), &fields).await, *expected, "{fields}");
        }
    }
}

/// RFC 9111 §5.2, §4.2.1: directives that cannot be read say nothing, those that forbid count wherever they stand, and a lifetime
/// that cannot be read is none.
#[tokio::test]
async fn cache_control_rfc9111_5_2() {
    let mut stage = Stage::open().await;
    let long = format!("Cache-Control: {}max-age=60", "junk=\"x, y\", ".repeat(5_000));
    stage
        .reuses(&[
            ("", false),
            ("Cache-Control: ,,,\r\nCache-Control: max-age=60\r\nCache-Control: ;=;\"", true),
            ("Cache-Control: max-age=60\r\nCache-Control: x=\"no-store, private\"", true),
            ("Cache-Control: max-age=60\r\nCache-Control: foo, no-store", false),
            ("Cache-Control: max-age=60\r\nCache-Control: PRIVATE", false),
            // What never ends may be a directive as well: to the safe side.
            ("Cache-Control: max-age=60\r\nCache-Control: x=\"unended, no-store", false),
            ("cAcHe-CoNtRoL: MAX-age=60", true),
            ("Cache-Control: max-age=\"60\"", true),
            ("Cache-Control: max-age=060", true),
            ("Cache-Control: max-age=99999999999999999999999", true),
            ("Cache-Control: max-age", false),
            ("Cache-Control: max-age=", false),
            ("Cache-Control: max-age=abc", false),
            ("Cache-Control: max-age=-1", false),
            ("Cache-Control: max-age=60s", false),
            ("Cache-Control: max-age=0x3c", false),
            ("Cache-Control: max-age=\u{665}", false),
            ("Cache-Control: max-age=0, s-maxage=60", true),
            ("Cache-Control: max-age=60, s-maxage=junk", false),
            (&long, true),
        ])
        .await;
}

/// RFC 9111 §5.3: a date that is none, or that stands twice, is in the past; max-age counts for more.
#[tokio::test]
async fn expires_rfc9111_5_3() {
    let mut stage = Stage::open().await;
    stage
        .reuses(&[
            (&format!("Expires: {FUTURE}"), true),
            (&format!("Expires: {PAST}"), false),
            ("Expires: 0", false),
            ("Expires: -1", false),
            ("Expires: tomorrow", false),
            ("Expires:", false),
            ("Expires: Fri, 31 Feb 2100 00:00:00 GMT", false),
            ("Expires: Fri, 01 Jan 99999 00:00:00 GMT", false),
            (&format!("Expires: {FUTURE}\r\nExpires: {PAST}"), false),
            (&format!("Expires: {FUTURE}, {FUTURE}"), false),
            ("Expires: junk\r\nCache-Control: max-age=60", true),
            (&format!("Expires: {FUTURE}\r\nCache-Control: max-age=junk"), false),
        ])
        .await;
}

/// RFC 9111 §4.2.3, §5.1; RFC 9110 §6.6.1: what cannot be read of Age and Date is passed over; what makes the response old counts.
#[tokio::test]
async fn age_and_date_rfc9111_4_2_3() {
    let mut stage = Stage::open().await;
    let fresh = |fields: &str| format!("Cache-Control: max-age=60\r\n{fields}");
    stage
        .reuses(&[
            (&fresh("Age: 10"), true),
            (&fresh("Age: 60"), false),
            (&fresh("Age: 10, 100"), true),
            (&fresh("Age: 99999999999999999999"), false),
            (&fresh("Age: 2147483648"), false),
            (&fresh("Age: -1"), true),
            (&fresh("Age: junk"), true),
            (&fresh("Age: 7.5"), true),
            (&fresh("Age:"), true),
            (&fresh("Date: junk"), true),
            (&fresh("Date:"), true),
            (&fresh(&format!("Date: {FUTURE}")), true),
            (&fresh(&format!("Date: {PAST}")), false),
            (&fresh("Date: Thu, 01 Jan 1970 00:00:00 GMT"), false),
            (&fresh("Date: Sun, 06 Nov 0000 08:49:37 GMT"), true),
            // The lifetime runs from Date to Expires, both of the upstream's clock.
            (&format!("Date: {FUTURE}\r\nExpires: {FUTURE}"), false),
        ])
        .await;
}

/// RFC 9111 §4.1: by what a response varies must be known, or it answers one request alone.
#[tokio::test]
async fn vary_rfc9111_4_1() {
    let mut stage = Stage::with("", "vary = { accept-language = \"exact\" }").await;
    let fresh = |vary: &str| format!("Cache-Control: max-age=60\r\nVary: {vary}");
    let many = (0..1_000).map(|n| format!("x-{n}")).collect::<Vec<_>>().join(", ");
    stage
        .reuses(&[
            (&fresh(""), true),
            (&fresh(",, ,"), true),
            (&fresh("Accept-Language,,"), true),
            (&fresh("*"), false),
            (&fresh("Accept-Language, *"), false),
            (&fresh("Accept-Language\r\nVary: *"), false),
            (&fresh("Accept Language"), false),
            (&fresh("\"Accept\""), false),
            (&fresh("Accept\u{e9}"), false),
            (&fresh(&many), false),
        ])
        .await;
}

/// RFC 9110 §8.8.3: an entity tag without quotes is none, but nothing is lost if it is kept and sent back as it came.
#[tokio::test]
async fn entity_tags_rfc9110_8_8_3() {
    let mut stage = Stage::open().await;
    for (index, etag) in
        ["abc", "\"abc", "W/abc", "w/\"abc\"", "\"a b\"", "*", "\"a\", \"b\"", "\u{e9}"].iter().enumerate()
    {
        let path = format!("/{index}");
        let stored = response("200 OK", &format!("Cache-Control: max-age=0\r\nETag: {etag}\r\n"), "old");
        let got = stage.answered(&path, &stored).await;
        assert_eq!((got.text(), got.header("etag")), ("old", *etag));
        // Whatever it asks with, the answer is used.
        let client = stage.send(&get(&path)).await;
        let asked = stage.next().await;
        assert_ne!(asked.header("if-none-match"), Some("*"), "that would be true of every response");
        asked.send(&response("200 OK", "Cache-Control: max-age=60\r\nETag: \"new\"\r\n", "new"));
        drop(asked);
        assert_eq!(read(client).await.text(), "new", "{etag}");
        stage.idle().await;
        assert_eq!(stage.ask(&get(&path)).await.text(), "new", "{etag}");
    }
}

/// A cookie is its client's own, whatever else the response claims (the project's rule; RFC 9111 §7.3).
#[tokio::test]
async fn set_cookie_beside_public_rfc9111_7_3() {
    let mut stage = Stage::open().await;
    stage
        .reuses(&[
            ("Cache-Control: public, max-age=60, s-maxage=60\r\nSet-Cookie: session=1", false),
            (&format!("Expires: {FUTURE}\r\nCache-Control: public\r\nset-cookie:"), false),
        ])
        .await;
}

/// Tags without measure: what could not be purged is not kept, and nobody waits for it in vain.
#[tokio::test]
async fn tags_without_measure() {
    let mut stage = Stage::with("tag_headers = [\"Surrogate-Key\", \"Cache-Groups\"]", "").await;
    let tags = |count: usize| {
        let tags = (0..count).map(|n| format!("t{n}")).collect::<Vec<_>>().join(" ");
        format!("Cache-Control: max-age=60\r\nSurrogate-Key: {tags}")
    };
    stage
        .reuses(&[
            (&tags(1_000), true),
            (&tags(1_001), false),
            (&tags(100_000), false),
            (&format!("Cache-Control: max-age=60\r\nSurrogate-Key: {}", " ".repeat(100_000)), true),
            ("Cache-Control: max-age=60\r\nCache-Groups: not a list", false),
            ("Cache-Control: max-age=60\r\nVitrine-Tags: \u{e9}", false),
            ("Cache-Control: max-age=60\r\nCache-Epoch: junk", false),
            ("Cache-Control: max-age=60\r\nVitrine-Valid-Until: junk", false),
        ])
        .await;
    let answer = response("200 OK", &format!("{}\r\n", tags(300_000)), "hello");
    stage.play(&[case("too-long", &String::from_utf8(answer).unwrap(), Told::BadGateway).kept(Kept::Shared)]).await;
}

/// RFC 9111 §4.4: an answer to an unsafe request invalidates addresses of its own origin alone, whatever it names.
#[tokio::test]
async fn locations_of_others_rfc9111_4_4() {
    let mut stage = Stage::open().await;
    stage.answered("/kept", &response("200 OK", "Cache-Control: max-age=600\r\n", "kept")).await;
    for name in ["Location", "Content-Location"] {
        for target in [
            "http://other.example/kept",
            "//other.example/kept",
            "https://shop.example/kept",
            "http://shop.example:81/kept",
            "http://shop.example.evil/kept",
            "http://shop.example@evil.example/kept",
            "http://[::1/kept",
            "http:///kept",
            "\u{e9}",
            "javascript:/kept",
            "",
        ] {
            let client = stage.send(&request("POST", "/pass/order", "Content-Length: 0\r\n")).await;
            stage.next().await.send(&response("201 Created", &format!("{name}: {target}\r\n"), "done"));
            let got = read(client).await;
            assert_eq!((got.status, got.text()), (201, "done"));
            let kept = stage.ask(&get("/kept")).await;
            assert!(kept.header("cache-status").contains("; hit"), "{name}: {target}: {kept:?}");
        }
    }
    let client = stage.send(&request("POST", "/pass/order", "Content-Length: 0\r\n")).await;
    stage.next().await.send(&response("201 Created", "Location: http://shop.example/kept\r\n", "done"));
    read(client).await;
    assert_eq!(stage.answered("/kept", &response("200 OK", "", "anew")).await.text(), "anew");
}
