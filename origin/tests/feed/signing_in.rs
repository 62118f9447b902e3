//! Bearer tokens for merchants.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use vitrine_load_tests::stack::TestStack;
use vitrine_origin::config::Secret;
use vitrine_origin::seed::{self, Admin, FixedIds, SeedOptions};

use crate::shop::{Shop, database};

pub(crate) async fn shop_with_merchant(stack: &TestStack) -> Shop {
    let (config, pool) = database(stack).await;
    let options = SeedOptions {
        products: 1,
        media_base_url: "http://media".to_owned(),
        publishable_key: "pk_test".to_owned(),
        admin: Some(Admin { email: "admin@test.com".to_owned(), password: Secret::new("supersecret") }),
        created_at: seed::CREATED_AT,
    };
    seed::run(&pool, None, &FixedIds, &options).await.unwrap();
    Shop::with(config).await
}

pub(crate) async fn sign_in(shop: &Shop, body: &Value) -> Response {
    Client::new().post(format!("{}/auth/user/emailpass", shop.public)).json(body).send().await.unwrap()
}

#[tokio::test]
async fn the_right_password_gives_a_token_with_medusas_claims() {
    let stack = TestStack::start().await.unwrap();
    let shop = shop_with_merchant(&stack).await;
    let answer = sign_in(&shop, &json!({"email": "admin@test.com", "password": "supersecret"})).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let body: Value = answer.json().await.unwrap();
    let token = body["token"].as_str().unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "actor_id",
            "actor_type",
            "auth_identity_id",
            "auth_provider",
            "mfa_enabled",
            "mfa_challenge_completed_at",
            "app_metadata",
            "user_metadata",
            "iat",
            "exp"
        ]
    );
    assert_eq!(claims["actor_type"], "user");
    assert_eq!(claims["auth_provider"], "emailpass");
    assert_eq!(claims["app_metadata"]["user_id"], claims["actor_id"]);
    assert!(claims["actor_id"].as_str().unwrap().starts_with("user_"));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 86_400);
    shop.stop().await;
}

#[tokio::test]
async fn whoever_is_wrong_gets_the_same_answer() {
    let stack = TestStack::start().await.unwrap();
    let shop = shop_with_merchant(&stack).await;
    let expected = json!({"type": "unauthorized", "message": "Invalid email or password"});
    for (email, password) in [("admin@test.com", "nope"), ("nobody@test.com", "supersecret"), ("a\0@test.com", "nope")]
    {
        let answer = sign_in(&shop, &json!({"email": email, "password": password})).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(answer.json::<Value>().await.unwrap(), expected);
    }
    for body in [json!({}), json!({"email": "admin@test.com", "password": 7})] {
        assert_eq!(sign_in(&shop, &body).await.status(), StatusCode::UNAUTHORIZED, "{body}");
    }
    shop.stop().await;
}
