//! Compression at the edge: one representation stored, the others made of it; who gets which, and when.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::io::{Read as _, Write as _};

use futures_util::future::join_all;
use reqwest::Method;
use reqwest::header::HeaderMap;
use support::{LIMIT, Proxy, Upstream, cache_all, response};
use vitrine_shared::feed::Mode;

const COMPRESSED: &str = "compression = { codings = [\"zstd\", \"br\", \"gzip\"], min = \"100B\" }";
const FRESH: &str = "Cache-Control: max-age=60\r\nContent-Type: text/html\r\nETag: \"a\"\r\n";

/// A response with its bytes as they came.
#[derive(Debug)]
struct Coded {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Coded {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn is_hit(&self) -> bool {
        self.header("cache-status").contains("vitrine; hit")
    }

    /// Its body by its Content-Encoding, by decoders that the proxy does not use.
    fn plain(&self) -> Vec<u8> {
        let mut plain = Vec::new();
        match self.header("content-encoding") {
            "" => plain.clone_from(&self.body),
            "gzip" => drop(flate2::read::MultiGzDecoder::new(&self.body[..]).read_to_end(&mut plain).unwrap()),
            "br" => drop(brotli::Decompressor::new(&self.body[..], 4096).read_to_end(&mut plain).unwrap()),
            "zstd" => plain = zstd::decode_all(&self.body[..]).unwrap(),
            other => panic!("{other}"),
        }
        plain
    }
}

async fn ask(request: reqwest::RequestBuilder) -> reqwest::Result<Coded> {
    let response = request.timeout(LIMIT).send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Coded { status, headers, body: response.bytes().await?.to_vec() })
}

async fn get(proxy: &Proxy, path: &str, accept: &str) -> Coded {
    ask(proxy.get(path).header("accept-encoding", accept)).await.unwrap()
}

fn page() -> Vec<u8> {
    b"<li>A product of which there are many</li>\n".repeat(200)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn ok(fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Lets the proxy store a response.
async fn stored(proxy: &Proxy, upstream: &mut Upstream, path: &str, response: &[u8]) -> (String, Coded) {
    let request = proxy.get(path).header("accept-encoding", "gzip");
    let getting = tokio::spawn(ask(request));
    let head = upstream.answer(response).await;
    let got = getting.await.unwrap().unwrap();
    proxy.settled().await;
    (head, got)
}

/// The value of a line of the metrics.
async fn metric(proxy: &Proxy, line: &str) -> u64 {
    let text = reqwest::get(format!("http://{}/metrics", proxy.ops)).await.unwrap().text().await.unwrap();
    let value = text.lines().find_map(|own| own.strip_prefix(line)?.trim().parse().ok());
    value.unwrap_or(0)
}

async fn made(proxy: &Proxy, coding: &str) -> u64 {
    metric(proxy, &format!("vitrine_derived_bodies_total{{coding=\"{coding}\",result=\"made\"}}")).await
}

#[tokio::test]
async fn one_stored_representation_serves_every_client() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all(COMPRESSED)).await;
    let coded = gzip(&page());
    let fields = format!("{FRESH}Content-Encoding: gzip\r\nVary: Accept-Encoding\r\nRepr-Digest: sha-256=:AA==:\r\n");
    let first = proxy.get("/p").header("accept-encoding", "br, zstd, gzip");
    let getting = tokio::spawn(ask(first));
    let head = upstream.answer(&ok(&fields, &coded)).await;
    assert!(head.to_ascii_lowercase().contains("\r\naccept-encoding: gzip\r\n"), "{head}");
    let first = getting.await.unwrap().unwrap();
    assert_eq!((first.header("content-encoding"), &first.body), ("gzip", &coded), "what arrives is not coded anew");
    proxy.settled().await;

    for (accept, coding, etag, digest) in [
        ("gzip", "gzip", "\"a\"", "sha-256=:AA==:"),
        ("gzip, deflate, br, zstd", "zstd", "W/\"a\"", ""),
        ("gzip, deflate, br", "br", "W/\"a\"", ""),
        ("br;q=0.5, gzip;q=0.9", "gzip", "\"a\"", "sha-256=:AA==:"),
        ("gzip;q=0", "", "W/\"a\"", ""),
        ("", "", "W/\"a\"", ""),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let request = proxy.request(method.clone(), "/p").header("accept-encoding", accept);
            let got = ask(request).await.unwrap();
            assert!(got.is_hit(), "{accept}: {got:?}");
            assert_eq!(got.header("content-encoding"), coding, "{method} {accept}");
            assert_eq!((got.header("etag"), got.header("repr-digest")), (etag, digest), "{method} {accept}");
            assert_eq!(
                got.headers.get_all("vary").iter().collect::<Vec<_>>(),
                ["Accept-Encoding"],
                "{method} {accept}"
            );
            if method == Method::GET {
                assert!(got.plain() == page(), "{accept}");
                let head = proxy.request(Method::HEAD, "/p").header("accept-encoding", accept);
                let head = ask(head).await.unwrap();
                assert_eq!(head.header("content-length"), got.body.len().to_string(), "HEAD as GET (RFC 9110 §9.3.2)");
            }
        }
    }
    let without = ask(proxy.get("/p")).await.unwrap();
    assert_eq!((without.header("content-encoding"), without.plain() == page()), ("", true));
    assert_eq!(upstream.asked(), 1, "Vary: Accept-Encoding does not split the cache");
    assert_eq!((made(&proxy, "br").await, made(&proxy, "zstd").await, made(&proxy, "identity").await), (1, 1, 1));
    assert_eq!(made(&proxy, "gzip").await, 0, "that one is stored");
}

#[tokio::test]
async fn what_is_stored_plain_is_coded_once_for_all_who_come_at_once() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all(COMPRESSED)).await;
    let (_, first) = stored(&proxy, &mut upstream, "/p", &ok(FRESH, &page())).await;
    assert_eq!((first.header("content-encoding"), first.header("vary")), ("", "Accept-Encoding"), "{first:?}");
    let all = join_all((0..40).map(|_| get(&proxy, "/p", "gzip"))).await;
    for got in all {
        assert_eq!((got.header("content-encoding"), got.header("etag")), ("gzip", "W/\"a\""));
        assert!(got.plain() == page() && got.body.len() < page().len() / 4);
    }
    assert_eq!(made(&proxy, "gzip").await, 1);
    let length = metric(&proxy, "vitrine_derived_bytes_total{coding=\"gzip\",direction=\"in\"}").await;
    assert_eq!(length, page().len() as u64);
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn a_client_without_gzip_reads_along_while_gzip_arrives() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all(COMPRESSED)).await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"first ").unwrap();
    encoder.flush().unwrap();
    let begun = encoder.get_ref().len();
    encoder.write_all(&page()).unwrap();
    let coded = encoder.finish().unwrap();

    let plain = proxy.get("/p").header("accept-encoding", "identity").timeout(LIMIT);
    let getting = tokio::spawn(plain.send());
    let asked = upstream.next().await;
    let whole = ok(&format!("{FRESH}Content-Encoding: gzip\r\n"), &coded);
    let (before, after) = whole.split_at(whole.len() - coded.len() + begun);
    asked.send(before);
    let mut got = getting.await.unwrap().unwrap();
    assert_eq!(got.chunk().await.unwrap().unwrap(), "first ", "before the rest was sent");
    assert!(got.headers().get("content-encoding").is_none() && got.headers().get("content-length").is_none());
    // Who accepts gzip follows the same fill, as it comes.
    let other = tokio::spawn(ask(proxy.get("/p").header("accept-encoding", "gzip")));
    asked.send(after);
    drop(asked);
    let mut rest = Vec::new();
    while let Some(chunk) = got.chunk().await.unwrap() {
        rest.extend_from_slice(&chunk);
    }
    assert!(rest == page());
    assert!(other.await.unwrap().unwrap().body == coded);
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn content_that_is_not_of_its_coding_never_looks_complete() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all(COMPRESSED)).await;
    let coded = gzip(&page());
    let cut = &coded[..coded.len() - 4];
    let answer = ok(&format!("{FRESH}Content-Encoding: gzip\r\n"), cut);
    let getting = tokio::spawn(ask(proxy.get("/p")));
    upstream.answer(&answer).await;
    assert!(getting.await.unwrap().is_err(), "the response is cut off");
    proxy.settled().await;
    for accept in ["gzip", "br", ""] {
        let got = get(&proxy, "/p", accept).await;
        assert_eq!((got.header("content-encoding"), got.header("etag")), ("gzip", "\"a\""), "{accept}: as it came");
        assert_eq!(got.body, cut);
    }
    let corrupt = "vitrine_derived_bodies_total{coding=\"identity\",result=\"corrupt\"}";
    get(&proxy, "/p", "").await;
    assert_eq!(metric(&proxy, corrupt).await, 1, "what failed is not tried again");
}

#[tokio::test]
async fn a_purge_ends_what_was_derived() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all(COMPRESSED)).await;
    let fields = format!("{FRESH}Vitrine-Tags: product:1\r\n");
    stored(&proxy, &mut upstream, "/p", &ok(&fields, &page())).await;
    assert!(get(&proxy, "/p", "br").await.plain() == page());
    proxy.purge(Mode::Hard, &["product:1"]);
    let after = b"another page, ".repeat(100);
    stored(&proxy, &mut upstream, "/p", &ok(&fields, &after)).await;
    let got = get(&proxy, "/p", "br").await;
    assert!(got.is_hit() && got.header("content-encoding") == "br" && got.plain() == after, "{got:?}");
    assert_eq!((upstream.asked(), made(&proxy, "br").await), (2, 2));
}

#[tokio::test]
async fn a_304_keeps_what_was_derived_and_each_form_gets_its_own() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all(COMPRESSED)).await;
    let fields = format!("{FRESH}Vitrine-Tags: product:1\r\n");
    stored(&proxy, &mut upstream, "/p", &ok(&fields, &page())).await;
    get(&proxy, "/p", "br").await;

    // A client that has a form asks whether it is still good, whichever it has and whichever it would get.
    for (accept, etag) in [("br", "W/\"a\""), ("zstd", "W/\"a\""), ("", "\"a\"")] {
        for condition in ["\"a\"", "W/\"a\""] {
            let request = proxy.get("/p").header("accept-encoding", accept).header("if-none-match", condition);
            let got = ask(request).await.unwrap();
            assert_eq!((got.status, got.header("etag")), (304, etag), "RFC 9110 §13.1.2: {accept} {condition}");
            assert_eq!(got.header("vary"), "Accept-Encoding", "RFC 9110 §15.4.5");
            assert_eq!((got.header("content-encoding"), got.header("content-length")), ("", ""));
        }
    }
    assert_eq!(made(&proxy, "zstd").await, 0, "a 304 needs no body");

    proxy.purge(Mode::Hard, &["product:1"]);
    let getting = tokio::spawn(ask(proxy.get("/p").header("accept-encoding", "br")));
    let asked = upstream.next().await;
    assert_eq!(asked.header("if-none-match"), Some("\"a\""), "the upstream's own");
    asked.send(format!("HTTP/1.1 304 Not Modified\r\n{fields}\r\n").as_bytes());
    drop(asked);
    let got = getting.await.unwrap().unwrap();
    assert_eq!((got.status, got.header("content-encoding")), (200, "br"), "{got:?}");
    assert!(got.plain() == page());
    assert_eq!(made(&proxy, "br").await, 1, "the body is the same, and so is what was made of it");
}

#[tokio::test]
async fn what_may_not_be_transformed_or_does_not_shrink_goes_as_it_came() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all(COMPRESSED)).await;
    let (page, coded) = (page(), gzip(&page()));
    let fixed = "Cache-Control: max-age=60, no-transform\r\nContent-Type: text/html\r\nETag: \"a\"\r\n";
    let png = "Cache-Control: max-age=60\r\nContent-Type: image/png\r\nETag: \"a\"\r\n";
    for (path, fields, body, why) in [
        ("/fixed", fixed.to_owned(), &page[..], "RFC 9110 §7.7"),
        ("/fixed-gzip", format!("{fixed}Content-Encoding: gzip\r\n"), &coded, "RFC 9110 §7.7"),
        ("/deflate", format!("{FRESH}Content-Encoding: deflate\r\n"), &page, "a coding that is not known here"),
        ("/png", png.to_owned(), &page, "not of the types"),
        ("/small", FRESH.to_owned(), &page[..99], "below the least size"),
        ("/empty", format!("{FRESH}Content-Encoding: gzip\r\n"), &[], "nothing to decode"),
    ] {
        stored(&proxy, &mut upstream, path, &ok(&fields, body)).await;
        for accept in ["br, gzip", "identity"] {
            let got = get(&proxy, path, accept).await;
            assert!(got.is_hit() && got.body == body, "{path} {accept}: {why}");
            assert_eq!((got.header("etag"), got.header("vary")), ("\"a\"", ""), "{path} {accept}: {why}");
        }
    }
    // What the proxy itself asked for in gzip is decoded for who does not read it, whatever its type.
    stored(&proxy, &mut upstream, "/gzip.png", &ok(&format!("{png}Content-Encoding: gzip\r\n"), &coded)).await;
    assert_eq!(get(&proxy, "/gzip.png", "br, gzip").await.body, coded);
    let plain = get(&proxy, "/gzip.png", "br").await;
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "Accept-Encoding"));
    assert!(plain.body == page);
}

#[tokio::test]
async fn ranges_are_of_the_form_that_is_sent() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all(COMPRESSED)).await;
    let modified = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    let fields = format!("{FRESH}{modified}Content-Encoding: gzip\r\n");
    stored(&proxy, &mut upstream, "/p", &ok(&fields, &gzip(&page()))).await;
    for accept in ["", "br", "gzip"] {
        let whole = get(&proxy, "/p", accept).await;
        let part = |condition: Option<&str>| {
            let request = proxy.get("/p").header("accept-encoding", accept).header("range", "bytes=5-24");
            ask(match condition {
                Some(condition) => request.header("if-range", condition),
                None => request,
            })
        };
        let got = part(None).await.unwrap();
        assert_eq!((got.status, &got.body[..]), (206, &whole.body[5..25]), "RFC 9110 §14.2: {accept}");
        assert_eq!(got.header("content-range"), format!("bytes 5-24/{}", whole.body.len()), "{accept}");
        assert_eq!(got.header("content-encoding"), whole.header("content-encoding"));
        for (condition, expected, why) in [
            (whole.header("etag"), if accept == "gzip" { 206 } else { 200 }, "only a strong tag tells forms apart"),
            ("W/\"a\"", 200, "RFC 9110 §13.1.5: strong comparison"),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 200, "a date does not tell forms apart"),
        ] {
            let got = part(Some(condition)).await.unwrap();
            assert_eq!(got.status, expected, "{accept} {condition}: {why}");
        }
    }
}

#[tokio::test]
async fn what_inflates_beyond_the_limits_is_never_held() {
    let mut upstream = Upstream::start().await;
    let rules = cache_all(&format!("max_object = \"64KiB\"\n{COMPRESSED}"));
    let proxy = Proxy::start(upstream.addr(), &rules).await;
    let fields = format!("{FRESH}Content-Encoding: gzip\r\n");
    let (large, bomb) = (vec![b' '; 1 << 20], vec![b' '; (1 << 20) + 1]);
    stored(&proxy, &mut upstream, "/large", &ok(&fields, &gzip(&large))).await;
    stored(&proxy, &mut upstream, "/bomb", &ok(&fields, &gzip(&bomb))).await;

    let got = get(&proxy, "/large", "br").await;
    assert!(got.header("content-encoding") == "br" && got.plain() == large, "its coded form is small");
    let got = get(&proxy, "/bomb", "br, gzip;q=0.5").await;
    assert!(got.header("content-encoding") == "gzip" && got.plain() == bomb, "as it is stored");
    for (path, plain) in [("/large", &large), ("/bomb", &bomb)] {
        let got = get(&proxy, path, "").await;
        assert_eq!((got.header("content-encoding"), got.header("content-length")), ("", ""), "decoded as it is sent");
        assert!(got.body == *plain);
    }
    let too_large = "vitrine_derived_bodies_total{coding=\"identity\",result=\"too_large\"}";
    assert_eq!(metric(&proxy, too_large).await, 2);
}

#[tokio::test]
async fn a_rule_without_compression_leaves_it_to_the_upstream() {
    let mut upstream = Upstream::start().await;
    let with = cache_all(&format!("{COMPRESSED}\nhosts = [\"with.example\"]")).replace("\"all\"", "\"with\"");
    let proxy = Proxy::start(upstream.addr(), &format!("{with}{}", cache_all(""))).await;
    let page = "<li>product</li>".repeat(100);
    let (head, _) = stored(&proxy, &mut upstream, "/p", &response("200 OK", FRESH, &page)).await;
    assert!(!head.to_ascii_lowercase().contains("accept-encoding"), "{head}");
    let got = get(&proxy, "/p", "br").await;
    assert!(got.is_hit() && got.body == page.as_bytes());
    assert_eq!((got.header("vary"), got.header("etag")), ("", "\"a\""));
}
