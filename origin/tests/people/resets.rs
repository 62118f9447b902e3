//! Password resets and verifications.

use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{PASSWORD, Shop, read};

async fn sign_in(shop: &Shop, password: &str) -> u16 {
    shop.post("/auth/customer/emailpass", json!({"email": "a@test.com", "password": password})).await.status
}

async fn update(shop: &Shop, token: &str, body: Value) -> u16 {
    shop.send(token, "POST", "/auth/customer/emailpass/update", Some(body)).await.status
}

#[tokio::test]
async fn a_password_is_reset_once_by_who_gets_the_message() {
    let shop = Shop::start().await;
    let (token, _) = shop.customer("a@test.com").await;
    let opened = read(shop.request("POST", "/auth/session").bearer_auth(&token).send().await.unwrap()).await;
    let cookie = opened.cookie();
    let reset = async |email: &str| {
        let body = json!({"identifier": email, "metadata": {"from": "test"}});
        let answer = shop.post("/auth/customer/emailpass/reset-password", body).await;
        assert_eq!((answer.status, answer.text.as_str()), (201, "Created"), "{email}");
    };
    // Nobody learns who has an account.
    reset("nobody@test.com").await;
    reset("a@test.com").await;
    let message = shop.notification(1).await;
    assert_eq!(message["name"], "auth.password_reset");
    assert_eq!(message["data"]["entity_id"], "a@test.com");
    assert_eq!(message["data"]["metadata"], json!({"from": "test"}));
    let first = message["data"]["token"].as_str().unwrap().to_owned();
    reset("a@test.com").await;
    let second = shop.notification(2).await["data"]["token"].as_str().unwrap().to_owned();

    // The later one counts; it signs nobody in, is of one kind of actor, and is good once.
    assert_eq!(update(&shop, &first, json!({"password": "other"})).await, 401);
    assert_eq!(shop.send(&second, "GET", "/store/customers/me", None).await.status, 401);
    assert_eq!(
        shop.send(&second, "POST", "/auth/user/emailpass/update", Some(json!({"password": "x"}))).await.status,
        401
    );
    assert_eq!(update(&shop, &token, json!({"password": "x"})).await, 401, "a token of a customer is none for a reset");
    assert_eq!(update(&shop, &second, json!({"password": "x".repeat(2_000)})).await, 400);
    assert_eq!(update(&shop, &second, json!({})).await, 200);
    let both = tokio::join!(
        update(&shop, &second, json!({"password": "another one"})),
        update(&shop, &second, json!({"password": "another one"}))
    );
    assert!(both == (200, 401) || both == (401, 200), "{both:?}");
    assert_eq!((sign_in(&shop, PASSWORD).await, sign_in(&shop, "another one").await), (401, 200));

    // Whoever had a session has none any more.
    let me = shop.request(Method::GET.as_str(), "/store/customers/me").header("cookie", cookie);
    assert_eq!(read(me.send().await.unwrap()).await.status, 401);
    assert_eq!(shop.notifications().len(), 2);

    // No token stands in the database, but for hashes.
    let dumped: String = sqlx::query_scalar(
        "SELECT (SELECT coalesce(string_agg(o::text, ''), '') FROM outbox o)
             || (SELECT coalesce(string_agg(t::text, ''), '') FROM auth_password_reset_token t)",
    )
    .fetch_one(&shop.pool)
    .await
    .unwrap();
    assert!(dumped.contains("auth.password_reset") && !dumped.contains(&first) && !dumped.contains(&second));
}

#[tokio::test]
async fn a_reset_that_is_too_late_changes_nothing() {
    let shop = Shop::start().await;
    shop.customer("a@test.com").await;
    shop.post("/auth/customer/emailpass/reset-password", json!({"identifier": "a@test.com"})).await;
    let token = shop.notification(1).await["data"]["token"].as_str().unwrap().to_owned();
    sqlx::query("UPDATE auth_password_reset_token SET expires_at = now()").execute(&shop.pool).await.unwrap();
    assert_eq!(update(&shop, &token, json!({"password": "another one"})).await, 401);
    assert_eq!(sign_in(&shop, PASSWORD).await, 200);
}

#[tokio::test]
async fn an_address_is_verified_by_the_code_that_was_sent_there() {
    let shop = Shop::with(None, |config| config.auth.verify_customers = true).await;
    let credentials = json!({"email": "a@test.com", "password": PASSWORD});
    let registered = shop.post("/auth/customer/emailpass/register", credentials.clone()).await;
    let email = json!({"email": "a@test.com"});
    assert_eq!(shop.send(registered.token(), "POST", "/store/customers", Some(email)).await.status, 200);
    // Until then signing in gives a token that is good for the verification alone.
    let waiting = shop.post("/auth/customer/emailpass", credentials.clone()).await;
    assert_eq!(waiting.body["verification_required"], true);
    assert_eq!(waiting.body.get("verification"), None);
    assert_eq!(shop.send(waiting.token(), "GET", "/store/customers/me", None).await.status, 401);
    let ask = json!({"entity_id": "a@test.com", "entity_type": "email"});
    let asked = shop.send(waiting.token(), "POST", "/auth/verification/request", Some(ask.clone())).await;
    assert_eq!((asked.status, &asked.body["verification"]["entity_id"]), (201, &json!("a@test.com")));
    assert_eq!(asked.body["verification"]["verified_at"], Value::Null);
    let first = shop.notification(1).await["data"]["code"].as_str().unwrap().to_owned();
    assert!(!asked.text.contains(&first) && !asked.text.contains("hash"));
    shop.send(waiting.token(), "POST", "/auth/verification/request", Some(ask.clone())).await;
    let code = shop.notification(2).await["data"]["code"].as_str().unwrap().to_owned();

    let confirm = async |code: &str| shop.post("/auth/verification/confirm", json!({"code": code})).await;
    assert_eq!(confirm(&first).await.message(), "Verification code is invalid or already used");
    sqlx::query("UPDATE auth_verification SET requested_at = requested_at - interval '16 minutes'")
        .execute(&shop.pool)
        .await
        .unwrap();
    assert_eq!(confirm(&code).await.message(), "Verification code has expired");
    shop.send(waiting.token(), "POST", "/auth/verification/request", Some(ask.clone())).await;
    let code = shop.notification(3).await["data"]["code"].as_str().unwrap().to_owned();
    let confirmed = confirm(&code).await;
    assert_eq!((confirmed.status, &confirmed.body["entity_type"]), (200, &json!("email")));
    assert!(confirmed.body["verified_at"].is_string());
    assert_eq!(confirm(&code).await.status, 400);

    // By now there is a good token, for a refresh and for signing in; and no more codes.
    let refreshed = shop.send(waiting.token(), "POST", "/auth/token/refresh", None).await;
    assert_eq!(shop.send(refreshed.token(), "GET", "/store/customers/me", None).await.status, 200);
    let signed_in = shop.post("/auth/customer/emailpass", credentials).await;
    assert_eq!(shop.send(signed_in.token(), "GET", "/store/customers/me", None).await.status, 200);
    let again = shop.send(signed_in.token(), "POST", "/auth/verification/request", Some(ask)).await;
    assert!(again.status == 201 && again.body["verification"]["verified_at"].is_string());
    assert_eq!(shop.notifications().len(), 3);
}
