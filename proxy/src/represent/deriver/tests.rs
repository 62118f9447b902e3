//! What happens while there is no core to derive with, which no test over sockets can bring about.

use bytes::Bytes;
use futures_util::poll;
use http::{HeaderValue, header};
use prometheus::Registry;
use tokio::sync::OwnedSemaphorePermit;

use super::*;
use crate::encoding::Coding;
use crate::store::testing::store;

const MAX_OBJECT: u64 = 8 << 20;
const GZIP: Form = Form::Coded(Coding::Gzip);
const BR: Form = Form::Coded(Coding::Br);

fn deriver() -> Arc<Deriver> {
    Deriver::new(Arc::new(store(256 << 20)), RepresentMetrics::register(&Registry::new()).unwrap())
}

fn all_slots(deriver: &Deriver) -> OwnedSemaphorePermit {
    let free = u32::try_from(deriver.slots.available_permits()).unwrap();
    deriver.slots.clone().try_acquire_many_owned(free).unwrap()
}

/// A page in gzip.
fn body(plain: &[u8]) -> StoredBody {
    let limits = Limits { decoded: u64::MAX, result: u64::MAX };
    StoredBody::new(vec![recode(&[Bytes::copy_from_slice(plain)], Form::Identity, GZIP, limits).unwrap()])
}

fn negotiation(accept: &str) -> Negotiation {
    let mut request = HeaderMap::new();
    request.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(accept).unwrap());
    let mut response = HeaderMap::new();
    response.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    Negotiation::of_whole(&Compression::default(), Some(GZIP), &response, 1, || Accept::of(&request)).unwrap()
}

fn bytes(source: &Source<StoredBody>) -> Bytes {
    match source {
        Source::AsIs(body) => body.chunks()[0].clone(),
        Source::Unpacking(_) => panic!("its bytes are not at hand"),
    }
}

async fn until_made(deriver: &Deriver) {
    let all: Vec<Done> = deriver.under_way.lock().values().map(|under_way| under_way.done.clone()).collect();
    for mut done in all {
        done.wait_for(Option::is_some).await.unwrap();
    }
}

#[tokio::test]
async fn while_all_cores_are_busy_another_form_stands_in_and_the_chosen_is_made_behind() {
    let (deriver, body) = (deriver(), body(b"<p>hello</p>"));
    let busy = all_slots(&deriver);
    for _ in 0..2 {
        let (form, source) = deriver.in_form(&negotiation("br, gzip"), &body, MAX_OBJECT).await;
        assert_eq!((form, bytes(&source)), (GZIP, body.chunks()[0].clone()), "as it is stored");
        let (form, source) = deriver.in_form(&negotiation("br"), &body, MAX_OBJECT).await;
        assert!(form == Form::Identity && matches!(source, Source::Unpacking(_)), "who does not read that: plain");
    }
    assert_eq!(deriver.under_way.lock().len(), 1, "once for all");
    drop(busy);
    until_made(&deriver).await;
    let (form, source) = deriver.in_form(&negotiation("br, gzip"), &body, MAX_OBJECT).await;
    let limits = Limits { decoded: 100, result: 100 };
    assert_eq!(form, BR);
    assert_eq!(&recode(&[bytes(&source)], BR, Form::Identity, limits).unwrap()[..], b"<p>hello</p>");
}

#[tokio::test]
async fn who_accepts_nothing_else_waits() {
    let (deriver, body) = (deriver(), body(b"<p>hello</p>"));
    let busy = all_slots(&deriver);
    let negotiation = negotiation("br, identity;q=0");
    let mut waiting = Box::pin(deriver.in_form(&negotiation, &body, MAX_OBJECT));
    assert!(poll!(waiting.as_mut()).is_pending());
    // One that leaves ends nothing.
    let mut leaving = Box::pin(deriver.in_form(&negotiation, &body, MAX_OBJECT));
    assert!(poll!(leaving.as_mut()).is_pending());
    drop(leaving);
    drop(busy);
    assert_eq!(waiting.await.0, BR);
}

#[tokio::test]
async fn what_waits_is_bounded() {
    let deriver = deriver();
    let busy = all_slots(&deriver);
    // Bytes that gzip cannot shrink.
    let mut word: u64 = 1;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        word.to_be_bytes()[0]
    })
    .take(usize::try_from(WAITED).unwrap() + 1)
    .collect();
    deriver.in_form(&negotiation("br, gzip"), &body(&noise), MAX_OBJECT).await;
    assert!(deriver.under_way.lock().is_empty(), "large ones do not queue");
    for number in 0..=MOST_UNDER_WAY {
        deriver.in_form(&negotiation("br, gzip"), &body(&number.to_be_bytes()), MAX_OBJECT).await;
    }
    assert_eq!(deriver.under_way.lock().len(), MOST_UNDER_WAY);
    drop(busy);
    until_made(&deriver).await;
    let late = body(b"late");
    // The last of them may not have been taken out yet, but there is room.
    assert_eq!(deriver.in_form(&negotiation("br, identity;q=0"), &late, MAX_OBJECT).await.0, BR);
}
