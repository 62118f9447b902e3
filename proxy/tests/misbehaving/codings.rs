//! Content that is not in the coding that its fields name (RFC 9110 §8.4), where this edge compresses and unpacks.

use std::io::{Read as _, Write as _};

use crate::stage::{FRESH, Stage, read, request};
use crate::support::strict::Strict;

const COMPRESSED: &str = "compression = { codings = [\"gzip\"], min = \"100B\" }";

fn page() -> Vec<u8> {
    b"<li>A product of which there are many</li>\n".repeat(200)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(coded: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(coded).read_to_end(&mut plain).unwrap();
    plain
}

fn answer(coding: &str, content: &[u8]) -> Vec<u8> {
    let fields = format!("{FRESH}Content-Type: text/html\r\n{coding}Content-Length: {}\r\n", content.len());
    [format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes(), content].concat()
}

impl Stage {
    /// Clients that wait together, one that takes gzip and one that does not, and then one of each that comes later.
    async fn both(&mut self, path: &str, answer: &[u8]) -> [Strict; 4] {
        let unpacked = request("GET", path, "Accept-Encoding: identity\r\n");
        let packed = request("GET", path, "Accept-Encoding: gzip\r\n");
        let clients = [self.send(&packed).await, self.send(&unpacked).await];
        self.proxy.engine.until_waiting(2).await;
        self.next().await.send(answer);
        let [one, two] = clients;
        let (one, two) = tokio::join!(read(one), read(two));
        self.idle().await;
        let later = [self.ask(&packed).await, self.ask(&unpacked).await];
        self.idle().await;
        let [three, four] = later;
        [one, two, three, four]
    }
}

/// What is called plain is compressed like any content: unpacked once, it is what came.
#[tokio::test]
async fn gzip_that_is_called_plain_rfc9110_8_4() {
    let mut stage = Stage::with("", COMPRESSED).await;
    let content = gzip(&page());
    for got in stage.both("/a", &answer("", &content)).await {
        assert!(got.status == 200 && got.whole, "{}", got.head);
        let is_coded = got.header("content-encoding") == "gzip";
        assert_eq!(if is_coded { gunzip(&got.body) } else { got.body }, content);
    }
    assert_eq!(stage.upstream.asked(), 1);
}

/// What is called gzip and is none, or not all of it, goes as it is to who takes gzip; who does not gets what can be unpacked and a
/// cut, or the upstream's own bytes under its own name for them: never a part that looks whole.
#[tokio::test]
async fn gzip_that_is_none_rfc9110_8_4() {
    let coded = gzip(&page());
    let cut = &coded[..coded.len() / 2];
    let without_sum = &coded[..coded.len() - 8];
    let mut wrong_sum = coded.clone();
    let at = wrong_sum.len() - 8;
    wrong_sum[at] ^= 1;
    let mut stage = Stage::with("", COMPRESSED).await;
    for (path, content) in [
        ("/plain", page().as_slice()),
        ("/cut", cut),
        ("/no-sum", without_sum),
        ("/wrong-sum", &wrong_sum),
        ("/none", b""),
    ] {
        let asked = stage.upstream.asked();
        let [packed, unpacked, packed_later, unpacked_later] =
            stage.both(path, &answer("Content-Encoding: gzip\r\n", content)).await;
        for got in [packed, packed_later] {
            assert_eq!((got.status, got.header("content-encoding"), got.whole), (200, "gzip", true), "{path}");
            assert_eq!(got.body, content, "{path}");
        }
        // Waiting, its head went out before the end of the content was known.
        assert!(!unpacked.whole || content.is_empty(), "{path}: {}", unpacked.head);
        assert!(page().starts_with(&unpacked.body), "{path}: nothing but what was packed");
        // Later, the upstream's word is all that there is: RFC 9110 §12.5.3 lets it be sent.
        assert_eq!((unpacked_later.header("content-encoding"), unpacked_later.whole), ("gzip", true), "{path}");
        assert_eq!(unpacked_later.body, content, "{path}");
        assert_eq!(stage.upstream.asked(), asked + 1, "{path}");
    }
    // The edge goes on as before.
    let [packed, unpacked, ..] = stage.both("/right", &answer("Content-Encoding: gzip\r\n", &coded)).await;
    assert_eq!((gunzip(&packed.body), unpacked.body), (page(), page()));
}

/// A coding that this edge does not know is the client's and the upstream's matter.
#[tokio::test]
async fn codings_that_nobody_knows_rfc9110_8_4_1() {
    let mut stage = Stage::with("", COMPRESSED).await;
    for (path, coding) in [("/what", "x-what"), ("/twice", "gzip, gzip"), ("/junk", ",;,"), ("/identity", "identity")] {
        for got in stage.both(path, &answer(&format!("Content-Encoding: {coding}\r\n"), &page())).await {
            assert_eq!((got.status, got.whole), (200, true), "{path}: {}", got.head);
            let is_coded_here = got.header("content-encoding") == "gzip";
            assert_eq!(if is_coded_here { gunzip(&got.body) } else { got.body }, page(), "{path}: {}", got.head);
        }
    }
}
