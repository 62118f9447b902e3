//! A write is acknowledged when every member that may serve from its cache has applied it.

use std::time::Duration;

use vitrine_load_tests::stack::TestStack;
use vitrine_origin::feed::ack::{self, Acknowledgement};
use vitrine_shared::epoch::Epoch;

use crate::shop::{PATIENCE, Shop};

/// Long enough for everything but the report that the test holds back.
const SHORT: Duration = Duration::from_millis(400);

#[tokio::test]
async fn it_comes_after_the_last_member_has_reported_and_not_before() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.follows().await;
    assert!(shop.report("edge_1", shop.position().await).await.lease_ms.is_some());
    let receipt = shop.write("prod_1").await;
    let epoch = Epoch::new(1, 1);
    let early = ack::wait(&shop.state, &receipt, SHORT).await;
    assert_eq!(early, Acknowledgement::Pending { epoch: Some(epoch) });
    let (acknowledged, _) = tokio::join!(ack::wait(&shop.state, &receipt, PATIENCE), shop.report("edge_1", epoch));
    assert_eq!(acknowledged, Acknowledgement::Acked { epoch, members: 2 });
    shop.stop().await;
}

#[tokio::test]
async fn it_does_not_wait_for_members_that_left_or_whose_lease_ran_out() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.follows().await;
    let start = shop.position().await;
    shop.report("edge_left", start).await;
    shop.report("edge_gone", start).await;
    shop.leave("edge_left").await;
    let receipt = shop.write("prod_1").await;
    assert!(matches!(ack::wait(&shop.state, &receipt, SHORT).await, Acknowledgement::Pending { .. }));
    // Its own lease runs out, and the write is acknowledged without a word from it.
    let acknowledged = ack::wait(&shop.state, &receipt, PATIENCE).await;
    assert_eq!(acknowledged, Acknowledgement::Acked { epoch: Epoch::new(1, 1), members: 1 });
    assert_eq!(shop.report("edge_gone", start).await.lease_ms, None);
    shop.stop().await;
}

#[tokio::test]
async fn members_that_report_to_another_process_count() {
    let stack = TestStack::start().await.unwrap();
    let one = Shop::start(&stack).await;
    let other = Shop::start(&stack).await;
    one.follows().await;
    other.follows().await;
    other.report("edge_1", other.position().await).await;
    let receipt = one.write("prod_1").await;
    let epoch = Epoch::new(1, 1);
    let (acknowledged, _) = tokio::join!(ack::wait(&one.state, &receipt, PATIENCE), other.report("edge_1", epoch));
    assert_eq!(acknowledged, Acknowledgement::Acked { epoch, members: 3 });
    other.stop().await;
    one.stop().await;
}
