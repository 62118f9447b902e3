//! Registering and signing in: what is refused, what is told of whom, and how often it may be tried.

use serde_json::json;

use crate::shop::{PASSWORD, Shop, read};

#[tokio::test]
async fn whoever_is_wrong_gets_the_same_answer() {
    let shop = Shop::start().await;
    shop.customer("a@test.com").await;
    let expected = json!({"type": "unauthorized", "message": "Invalid email or password"});
    let long = "x".repeat(2_000);
    for (email, password) in
        [("a@test.com", "nope"), ("b@test.com", PASSWORD), ("a\0@test.com", "x"), ("a@test.com", &long)]
    {
        for actor in ["customer", "user"] {
            let body = json!({"email": email, "password": password});
            let answer = shop.post(&format!("/auth/{actor}/emailpass"), body).await;
            assert_eq!((answer.status, answer.body), (401, expected.clone()), "{email}");
        }
    }
}

#[tokio::test]
async fn bad_requests_are_refused_in_medusas_words() {
    let shop = Shop::start().await;
    let table = [
        ("/auth/customer/emailpass", json!({}), 401, "Password should be a string"),
        ("/auth/customer/emailpass", json!({"password": "x", "email": 7}), 401, "Email should be a string"),
        ("/auth/customer/emailpass/register", json!({"email": "a@b.co"}), 401, "Password should be a string"),
        (
            "/auth/vendor/emailpass",
            json!({"email": "a@b.co", "password": "x"}),
            400,
            "The actor type vendor is not allowed to use the auth provider emailpass",
        ),
        (
            "/auth/customer/emailpass/callback",
            json!({}),
            401,
            "Callback authentication not implemented for provider emailpass",
        ),
        (
            "/auth/customer/emailpass/reset-password",
            json!({"email": "a@b.co"}),
            400,
            "Invalid request: Field 'identifier' is required; Unrecognized fields: 'email'",
        ),
        ("/auth/customer/emailpass/update", json!({"password": "x"}), 401, "Invalid token"),
        ("/auth/token/refresh", json!({}), 401, "Unauthorized"),
        ("/auth/session", json!({}), 401, "Unauthorized"),
        ("/auth/verification/request", json!({"entity_id": "a", "entity_type": "email"}), 401, "Unauthorized"),
        (
            "/auth/verification/confirm",
            json!({"code": ""}),
            400,
            "Invalid request: Value for field 'code' too small, expected at least: '1'",
        ),
        ("/auth/verification/confirm", json!({"code": "x"}), 400, "Verification code is invalid or already used"),
        ("/store/customers", json!({"email": "a@b.co"}), 401, "Unauthorized"),
    ];
    for (path, body, status, message) in table {
        let answer = shop.post(path, body).await;
        assert_eq!((answer.status, answer.message()), (status, message), "{path}");
    }
    let google = shop.post("/auth/customer/google", json!({"email": "a@b.co", "password": "x"})).await;
    assert_eq!(google.status, 401);
    assert!(google.message().starts_with("\nUnable to retrieve the auth provider with id: google\n"));
}

#[tokio::test]
async fn an_account_is_opened_once_and_its_address_is_one_accounts() {
    let shop = Shop::start().await;
    let credentials = json!({"email": "a@test.com", "password": PASSWORD});
    let first = shop.post("/auth/customer/emailpass/register", credentials.clone()).await;
    let token = first.token();
    let create = async |token: &str, body| shop.send(token, "POST", "/store/customers", Some(body)).await;
    let refused = create(token, json!({"first_name": "A"})).await;
    assert_eq!((refused.status, refused.message()), (400, "Email is required to create a customer"));
    let refused = create(token, json!({"email": "no address"})).await;
    assert_eq!(refused.message(), "Invalid request: Invalid email address");
    let refused = create(token, json!({"email": "a@test.com", "has_account": true})).await;
    assert_eq!(refused.message(), "Invalid request: Unrecognized fields: 'has_account'");
    assert_eq!(create(token, json!({"email": "a@test.com"})).await.status, 200);
    // The token that is nobody's cannot open another.
    let refused = create(token, json!({"email": "other@test.com"})).await;
    assert_eq!((refused.status, refused.message()), (400, "Key customer_id already exists in app metadata"));
    let refused = create(token, json!({"email": "a@test.com"})).await;
    assert_eq!((refused.status, refused.body["type"].as_str()), (422, Some("duplicate_error")));
    // Refreshed, it is the customer's.
    let refreshed = shop.send(token, "POST", "/auth/token/refresh", None).await;
    let refused = create(refreshed.token(), json!({"email": "other@test.com"})).await;
    assert_eq!(refused.message(), "Request already authenticated as a customer.");
    assert_eq!(shop.send(refreshed.token(), "GET", "/store/customers/me", None).await.status, 200);
    // Registering again is refused, and with it every guess at the password.
    let again = shop.post("/auth/customer/emailpass/register", credentials).await;
    assert_eq!((again.status, again.message()), (401, "Identity with email already exists"));
}

#[tokio::test]
async fn two_who_register_at_once_are_one_identity() {
    let shop = Shop::start().await;
    let body = json!({"email": "race@test.com", "password": PASSWORD});
    let register = || shop.post("/auth/customer/emailpass/register", body.clone());
    let answers: [_; 4] = tokio::join!(register(), register(), register(), register()).into();
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.status == 401), "{answers:?}");
    let identities: i64 =
        sqlx::query_scalar("SELECT count(*) FROM provider_identity WHERE entity_id = 'race@test.com'")
            .fetch_one(&shop.pool)
            .await
            .unwrap();
    let orphans: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM auth_identity a WHERE NOT EXISTS (SELECT FROM provider_identity p WHERE p.auth_identity_id = a.id)",
    )
    .fetch_one(&shop.pool)
    .await
    .unwrap();
    assert_eq!((identities, orphans), (1, 0));
}

#[tokio::test]
async fn guesses_are_counted_and_the_owner_is_not_kept_out() {
    let shop = Shop::with(None, |config| {
        config.auth.attempts_per_identity = 3;
        config.auth.attempts_window_s = 3_600;
    })
    .await;
    shop.customer("a@test.com").await;
    let sign_in = async |email: &str, password: &str| {
        shop.post("/auth/customer/emailpass", json!({"email": email, "password": password})).await
    };
    for _ in 0..5 {
        assert_eq!(sign_in("a@test.com", PASSWORD).await.status, 200);
    }
    for _ in 0..3 {
        assert_eq!(sign_in("a@test.com", "guess").await.status, 401);
    }
    let refused = sign_in("a@test.com", PASSWORD).await;
    assert_eq!((refused.status, refused.body["type"].as_str()), (429, Some("too_many_requests")));
    let after: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=3_600).contains(&after), "{after}");
    assert_eq!(sign_in("b@test.com", "guess").await.status, 401, "another is not concerned");
}

#[tokio::test]
async fn one_client_cannot_try_all_addresses() {
    let shop = Shop::with(None, |config| {
        config.auth.attempts_per_client = 2;
        config.auth.attempts_window_s = 3_600;
    })
    .await;
    let register = async |client: &str, n: u32| {
        let body = json!({"email": format!("{n}@test.com"), "password": PASSWORD});
        let request = shop.request("POST", "/auth/customer/emailpass/register").json(&body);
        read(request.header("x-forwarded-for", client).send().await.unwrap()).await.status
    };
    let statuses =
        [register("10.0.0.1", 1).await, register("10.0.0.1, 10.9.9.9", 2).await, register("10.0.0.1", 3).await];
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(register("10.0.0.2", 4).await, 200);
}

#[tokio::test]
async fn who_says_nothing_of_themselves_is_told_so_for_all() {
    let shop = Shop::start().await;
    let me = async |name: &str, value: &str| {
        let request = shop.request("GET", "/store/customers/me?fields=%2Aorders").header(name, value);
        read(request.send().await.unwrap()).await
    };
    let anonymous = me("cookie", "theme=dark").await;
    assert_eq!((anonymous.status, anonymous.text.as_str()), (401, r#"{"message":"Unauthorized"}"#));
    assert!(anonymous.headers.contains_key("cache-epoch"));
    assert!(anonymous.headers["vitrine-tags"].to_str().unwrap().starts_with("api_key:apk_"), "{anonymous:?}");
    for (name, value) in [("authorization", "Bearer x"), ("authorization", ""), ("cookie", "connect.sid=x")] {
        let answer = me(name, value).await;
        assert_eq!((answer.status, answer.text.as_str()), (401, r#"{"message":"Unauthorized"}"#));
        assert!(!answer.headers.contains_key("cache-epoch"), "{name}: {value}");
        assert_eq!(answer.headers["cache-control"], "private, no-store");
    }
    let (token, _) = shop.customer("a@test.com").await;
    let own = me("authorization", &format!("Bearer {token}")).await;
    assert_eq!((own.status, &own.headers["cache-control"]), (200, &"private, no-store".parse().unwrap()));
    assert!(!own.headers.contains_key("cache-epoch"));
}

#[tokio::test]
async fn there_are_no_locales_and_edges_may_know() {
    let shop = Shop::start().await;
    let answer = read(shop.request("GET", "/store/locales").send().await.unwrap()).await;
    assert_eq!((answer.status, &answer.headers["content-type"]), (404, &"text/html; charset=utf-8".parse().unwrap()));
    assert!(answer.text.contains("<pre>Cannot GET /store/locales</pre>"));
    assert!(answer.headers["vitrine-tags"].to_str().unwrap().contains("all:locales"));
}
