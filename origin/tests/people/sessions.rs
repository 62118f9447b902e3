//! Sessions by cookie, in Redis and without.

use reqwest::Method;
use serde_json::json;
use vitrine_load_tests::stack::{Redis, Scratch};

use crate::shop::{Answer, PASSWORD, Shop, read};

async fn open(shop: &Shop, token: &str, cookie: Option<&str>) -> Answer {
    let mut request = shop.request("POST", "/auth/session").bearer_auth(token);
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    read(request.send().await.unwrap()).await
}

async fn with_cookie(shop: &Shop, method: Method, path: &str, cookie: &str) -> Answer {
    read(shop.request(method.as_str(), path).header("cookie", cookie).send().await.unwrap()).await
}

async fn me(shop: &Shop, cookie: &str) -> u16 {
    with_cookie(shop, Method::GET, "/store/customers/me", cookie).await.status
}

/// The whole life of sessions, the same wherever they are kept.
async fn live(shop: &Shop) {
    let (token, customer) = shop.customer("a@test.com").await;
    let opened = open(shop, &token, None).await;
    assert_eq!((opened.status, &opened.body["user"]["actor_id"]), (200, &customer["id"]));
    let set = opened.headers["set-cookie"].to_str().unwrap();
    assert!(
        set.starts_with("connect.sid=") && set.ends_with("; Path=/; Max-Age=36000; HttpOnly; SameSite=Lax; Secure")
    );
    let first = opened.cookie();
    assert_eq!(me(shop, &first).await, 200);

    // A new one is made each time, and the one that was brought ends, whoever's it was: none can be planted.
    let second = open(shop, &token, Some(&first)).await.cookie();
    assert_ne!(first, second);
    assert_eq!((me(shop, &first).await, me(shop, &second).await), (401, 200));

    // Signing out ends it for good, and takes a session: a token is none.
    let refused = shop.send(&token, "DELETE", "/auth/session", None).await;
    assert_eq!((refused.status, refused.message()), (401, "Unauthorized"));
    let closed = with_cookie(shop, Method::DELETE, "/auth/session", &second).await;
    assert_eq!((closed.status, &closed.body), (200, &json!({"success": true})));
    assert!(closed.headers["set-cookie"].to_str().unwrap().starts_with("connect.sid=; Path=/; Max-Age=0;"));
    assert_eq!(me(shop, &second).await, 401);

    // A customer's session is no merchant's.
    let third = open(shop, &token, None).await.cookie();
    assert_eq!(with_cookie(shop, Method::GET, "/admin/users/me", &third).await.status, 401);
    let merchants = open(shop, &shop.merchant().await, None).await.cookie();
    assert_eq!(with_cookie(shop, Method::GET, "/admin/users/me", &merchants).await.status, 200);
    assert_eq!(me(shop, &merchants).await, 401);

    // A session that somebody makes up is none.
    for made_up in ["connect.sid=", "connect.sid=abc", &format!("connect.sid={}", "A".repeat(43))] {
        assert_eq!(me(shop, made_up).await, 401, "{made_up}");
    }

    // Too many: the oldest ends.
    let mut cookies = vec![third];
    for _ in 0..shop.state.config.auth.max_sessions {
        cookies.push(open(shop, &token, None).await.cookie());
    }
    assert_eq!((me(shop, &cookies[0]).await, me(shop, cookies.last().unwrap()).await), (401, 200));
}

#[tokio::test]
async fn sessions_live_in_the_process_where_there_is_no_redis() {
    let shop = Shop::with(None, |config| config.auth.max_sessions = 3).await;
    live(&shop).await;
}

#[tokio::test]
async fn sessions_live_in_redis_and_may_be_lost_there() {
    let scratch = Scratch::new().unwrap();
    let mut redis = Redis::start(scratch.data()).await.unwrap();
    let shop = Shop::with(Some(&redis), |config| config.auth.max_sessions = 3).await;
    live(&shop).await;
    let (token, _) = shop.customer("b@test.com").await;
    let cookie = open(&shop, &token, None).await.cookie();
    assert_eq!(me(&shop, &cookie).await, 200);

    redis.stop_hard();
    // Nobody is told to be signed out while it cannot be looked up; who has no session is served, and signing in goes on.
    assert_eq!(me(&shop, &cookie).await, 503);
    assert_eq!(shop.send(&token, "GET", "/store/customers/me", None).await.status, 200);
    let body = json!({"email": "b@test.com", "password": PASSWORD});
    assert_eq!(shop.post("/auth/customer/emailpass", body).await.status, 200);
    assert_eq!(open(&shop, &token, None).await.status, 503);
}

#[tokio::test]
async fn attempts_are_counted_together_in_redis() {
    let scratch = Scratch::new().unwrap();
    let redis = Redis::start(scratch.data()).await.unwrap();
    let change = |config: &mut vitrine_origin::config::Config| {
        config.auth.attempts_per_identity = 3;
        config.auth.attempts_window_s = 3_600;
    };
    let shops = [Shop::with(Some(&redis), change).await, Shop::with(Some(&redis), change).await];
    let mut statuses = Vec::new();
    for n in 0..5 {
        let body = json!({"email": "a@test.com", "password": "guess"});
        statuses.push(shops[n % 2].post("/auth/customer/emailpass", body).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
}
