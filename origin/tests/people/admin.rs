//! The merchant's side: customers, groups and what they pay, API keys, users.

use serde_json::{Value, json};
use vitrine_shared::event::Event;

use crate::shop::{Answer, KEY, PASSWORD, Shop, read};

/// A merchant at work.
struct Merchant<'s> {
    shop: &'s Shop,
    token: String,
}

impl<'s> Merchant<'s> {
    async fn of(shop: &'s Shop) -> Self {
        Self { shop, token: shop.merchant().await }
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.shop.send(&self.token, method, &format!("/admin/{path}"), body).await
    }

    /// Posts what must be accepted.
    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.send("POST", path, Some(body)).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.send("GET", path, None).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id in {value}")).to_owned()
}

/// Names of the events so far, with what they purge.
async fn events(shop: &Shop) -> Vec<(String, usize)> {
    let rows: Vec<(Value, Vec<String>)> =
        sqlx::query_as("SELECT event, coalesce(tags, '{}') FROM outbox WHERE name NOT LIKE 'shop.%' ORDER BY id")
            .fetch_all(&shop.pool)
            .await
            .unwrap();
    let name = |event: Value| serde_json::from_value::<Event>(event).unwrap().name;
    rows.into_iter().map(|(event, tags)| (name(event), tags.len())).collect()
}

#[tokio::test]
async fn a_customer_is_made_changed_found_and_deleted() {
    let shop = Shop::start().await;
    let merchant = Merchant::of(&shop).await;
    let made = merchant.post("customers", json!({"email": "a@test.com", "metadata": {"a": 1}})).await;
    let customer = id(&made["customer"]);
    let user = id(&merchant.get("users/me").await["user"]);
    assert_eq!((&made["customer"]["created_by"], &made["customer"]["has_account"]), (&json!(user), &json!(false)));
    let again = merchant.send("POST", "customers", Some(json!({"email": "a@test.com"}))).await;
    assert_eq!(again.message(), "Customer with email: a@test.com, has_account: f, already exists.");
    let changed =
        merchant.post(&format!("customers/{customer}"), json!({"email": "b@test.com", "first_name": "B"})).await;
    assert_eq!(
        (&changed["customer"]["email"], &changed["customer"]["metadata"]),
        (&json!("b@test.com"), &json!({"a": 1}))
    );
    for (query, count) in [
        ("q=b@TEST", 1),
        ("email=a@test.com", 0),
        ("has_account=false&first_name[]=B", 1),
        ("has_account=true", 0),
        ("$or[0][email]=b@test.com&$or[1][email]=x", 1),
    ] {
        assert_eq!(merchant.get(&format!("customers?{query}")).await["count"], count, "{query}");
    }
    let address =
        merchant.post(&format!("customers/{customer}/addresses?fields=*addresses"), json!({"city": "X"})).await;
    let address = id(&address["customer"]["addresses"][0]);
    let path = format!("customers/{customer}/addresses/{address}");
    assert_eq!(merchant.get(&path).await["address"]["city"], "X");
    let deleted = merchant.send("DELETE", &path, None).await.body;
    assert_eq!(
        (&deleted["id"], &deleted["object"], &deleted["parent"]["id"]),
        (&json!(address), &json!("customer_address"), &json!(customer))
    );
    let deleted = merchant.send("DELETE", &format!("customers/{customer}"), None).await;
    assert_eq!(deleted.body, json!({"id": customer, "object": "customer", "deleted": true}));
    assert_eq!(merchant.send("GET", &format!("customers/{customer}"), None).await.status, 404);
    let missing = merchant.send("POST", &format!("customers/{customer}"), Some(json!({}))).await;
    assert_eq!(
        (missing.status, missing.message()),
        (404, format!("Customer with id \"{customer}\" not found").as_str())
    );
    // Whoever follows events hears of it, and nothing is purged.
    let told = ["customer.created", "customer.updated", "customer.deleted"].map(|name| (name.to_owned(), 0));
    assert_eq!(events(&shop).await, told);
}

#[tokio::test]
async fn who_is_deleted_cannot_sign_in_and_the_address_is_free() {
    let shop = Shop::start().await;
    let merchant = Merchant::of(&shop).await;
    let (token, customer) = shop.customer("a@test.com").await;
    let opened = read(shop.request("POST", "/auth/session").bearer_auth(&token).send().await.unwrap()).await;
    let path = format!("customers/{}", id(&customer));
    assert_eq!(merchant.send("DELETE", &path, None).await.status, 200);
    assert_eq!(merchant.send("DELETE", &path, None).await.status, 200);
    let me = shop.send(&token, "GET", "/store/customers/me", None).await;
    assert_eq!((me.status, me.body["type"].as_str()), (404, Some("not_found")));
    let me = shop.request("GET", "/store/customers/me").header("cookie", opened.cookie());
    assert_eq!(read(me.send().await.unwrap()).await.status, 401);
    let body = json!({"email": "a@test.com", "password": PASSWORD});
    assert_eq!(shop.post("/auth/customer/emailpass", body).await.status, 401);
    shop.customer("a@test.com").await;
}

#[tokio::test]
async fn a_change_of_groups_shows_in_the_next_price() {
    let shop = Shop::start().await;
    let merchant = Merchant::of(&shop).await;
    let (token, customer) = shop.customer("a@test.com").await;
    let customer = id(&customer);
    let group = id(&merchant.post("customer-groups", json!({"name": "VIP"})).await["customer_group"]);
    let statements = [
        "INSERT INTO price_list (id, title, status, rules_count) VALUES ('plist_vip', 'VIP', 'active', 1)".to_owned(),
        format!(
            "INSERT INTO price_list_rule (id, price_list_id, attribute, value)
             VALUES ('prule_vip', 'plist_vip', 'customer.groups.id', '[\"{group}\"]')"
        ),
        "INSERT INTO price (id, price_set_id, currency_code, amount, price_list_id)
         SELECT 'price_' || id, id, 'eur', 1.5, 'plist_vip' FROM price_set"
            .to_owned(),
    ];
    for statement in &statements {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone())).execute(&shop.pool).await.unwrap();
    }
    let regions = shop.send(&token, "GET", "/store/regions?currency_code=eur", None).await.body;
    let region = id(&regions["regions"][0]);
    let path = format!("/store/products?region_id={region}&fields=*variants.calculated_price");
    let price = async |token: Option<&str>| {
        let request = shop.request("GET", &path);
        let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
        let answer = read(request.send().await.unwrap()).await;
        let is_private = answer.headers.get("cache-control").is_some_and(|it| it == "private, no-store");
        assert_eq!(is_private, token.is_some());
        answer.body["products"][0]["variants"][0]["calculated_price"]["calculated_amount"].clone()
    };
    let usual = price(None).await;
    assert_ne!(usual, json!(1.5));
    assert_eq!(price(Some(&token)).await, usual);
    merchant.post(&format!("customers/{customer}/customer-groups"), json!({"add": [group]})).await;
    assert_eq!((price(Some(&token)).await, price(None).await), (json!(1.5), usual.clone()));
    let found = merchant.get(&format!("customers?groups[]={group}&fields=*groups")).await;
    assert_eq!((&found["count"], &found["customers"][0]["groups"][0]["name"]), (&json!(1), &json!("VIP")));
    assert_eq!(merchant.get("customers?groups[name]=VIP").await["count"], 1);
    assert_eq!(merchant.get(&format!("customer-groups?customers={customer}")).await["count"], 1);
    // Twice is once, out is out, and a group that goes takes its prices along.
    merchant.post(&format!("customer-groups/{group}/customers"), json!({"add": [customer], "remove": []})).await;
    merchant.post(&format!("customer-groups/{group}/customers"), json!({"remove": [customer]})).await;
    assert_eq!(price(Some(&token)).await, usual);
    merchant.post(&format!("customer-groups/{group}/customers"), json!({"add": [customer]})).await;
    assert_eq!(price(Some(&token)).await, json!(1.5));
    assert_eq!(merchant.send("DELETE", &format!("customer-groups/{group}"), None).await.status, 200);
    assert_eq!(price(Some(&token)).await, usual);
}

#[tokio::test]
async fn groups_are_refused_in_medusas_words() {
    let shop = Shop::start().await;
    let merchant = Merchant::of(&shop).await;
    let group =
        id(&merchant.post("customer-groups", json!({"name": "VIP", "metadata": {"a": 1}})).await["customer_group"]);
    merchant.post(&format!("customer-groups/{group}"), json!({"name": "Vips"})).await;
    let table = [
        ("customer-groups", json!({}), 400, "Invalid request: Field 'name' is required"),
        ("customer-groups", json!({"name": "Vips"}), 400, "Customer group with name: Vips, already exists."),
        ("customer-groups/x", json!({"name": "y"}), 404, "Customer group with id \"x\" not found"),
        (
            &format!("customer-groups/{group}/customers"),
            json!({"add": ["cus_x"]}),
            404,
            "You tried to set relationship customer_id: cus_x, but such entity does not exist",
        ),
        (
            "customers/cus_x/customer-groups",
            json!({"add": [group.clone()]}),
            404,
            "You tried to set relationship customer_id: cus_x, but such entity does not exist",
        ),
    ];
    for (path, body, status, message) in table {
        let answer = merchant.send("POST", path, Some(body)).await;
        assert_eq!((answer.status, answer.message()), (status, message), "{path}");
    }
}

#[tokio::test]
async fn a_secret_key_opens_the_admin_api_until_it_is_revoked() {
    let shop = Shop::start().await;
    let merchant = Merchant::of(&shop).await;
    let made = merchant.post("api-keys", json!({"title": "sync", "type": "secret"})).await["api_key"].clone();
    let (key, token) = (id(&made), made["token"].as_str().unwrap().to_owned());
    assert!(token.starts_with("sk_") && token.len() == 67);
    let with = async |scheme: &str| {
        let request = shop.request("GET", "/admin/customers").header("authorization", scheme);
        read(request.send().await.unwrap()).await
    };
    let basic = format!("Basic {token}");
    assert_eq!(with(&basic).await.status, 200);
    let encoded = shop.request("GET", "/admin/customers").basic_auth(&token, Some(""));
    assert_eq!(encoded.send().await.unwrap().status(), 200);
    let hint = with(&format!("Bearer {token}")).await;
    assert!(hint.status == 401 && hint.message().starts_with("A secret API key was passed as a Bearer token."));
    for wrong in [format!("Basic {token}0"), format!("Basic {KEY}"), "Basic sk_".to_owned()] {
        assert_eq!(with(&wrong).await.status, 401, "{wrong}");
    }
    // What it makes is its own, and it is no user.
    let request = shop.request("POST", "/admin/customers").header("authorization", &basic).json(&json!({}));
    assert_eq!(read(request.send().await.unwrap()).await.body["customer"]["created_by"], json!(key));
    let me = shop.request("GET", "/admin/users/me").header("authorization", &basic);
    assert_eq!(me.send().await.unwrap().status(), 404);
    // The token is told once, and kept nowhere.
    let listed = merchant.send("GET", "api-keys?type=secret", None).await;
    assert_eq!((&listed.body["api_keys"][0]["token"], listed.body["count"].as_i64()), (&json!(""), Some(1)));
    let kept: String =
        sqlx::query_scalar("SELECT string_agg(k::text, '') FROM api_key k").fetch_one(&shop.pool).await.unwrap();
    assert!(!listed.text.contains(&token) && !kept.contains(&token));

    let refused = merchant.send("DELETE", &format!("api-keys/{key}"), None).await;
    assert_eq!(refused.message(), format!("Cannot delete api keys that are not revoked - {key}"));
    merchant.post(&format!("api-keys/{key}/revoke"), json!({"revoke_in": 3_600})).await;
    assert_eq!(with(&basic).await.status, 200);
    let revoked = merchant.post(&format!("api-keys/{key}/revoke"), json!({})).await;
    assert!(revoked["api_key"]["revoked_by"].as_str().unwrap().starts_with("user_"));
    assert_eq!(with(&basic).await.status, 401);
    let again = merchant.send("POST", &format!("api-keys/{key}/revoke"), Some(json!({}))).await;
    assert_eq!(again.message(), "There are 1 secret keys that are already revoked.");
    assert_eq!(merchant.send("DELETE", &format!("api-keys/{key}"), None).await.body["object"], "api_key");
    assert_eq!(merchant.send("GET", &format!("api-keys/{key}"), None).await.status, 404);
}

#[tokio::test]
async fn a_publishable_key_sells_where_it_is_told_and_each_change_purges() {
    let shop = Shop::start().await;
    let merchant = Merchant::of(&shop).await;
    let made = merchant.post("api-keys", json!({"title": "web", "type": "publishable"})).await["api_key"].clone();
    let (key, token) = (id(&made), made["token"].as_str().unwrap().to_owned());
    let channel = id(&merchant.get("sales-channels").await["sales_channels"][0]);
    let path = format!("api-keys/{key}/sales-channels");
    let refused = merchant.send("POST", &path, Some(json!({"add": [channel, "sc_x"]}))).await;
    assert_eq!((refused.status, refused.message()), (400, "Sales channels with IDs sc_x do not exist"));
    let products = async || {
        let mut headers = http::HeaderMap::new();
        headers.insert("x-publishable-api-key", token.parse().unwrap());
        read(shop.request("GET", "/store/products").headers(headers).send().await.unwrap()).await
    };
    assert_eq!(products().await.status, 400);
    merchant.post(&path, json!({"add": [channel.clone()]})).await;
    assert_eq!(products().await.body["count"], 1);
    merchant.post(&path, json!({"remove": [channel]})).await;
    merchant.post(&format!("api-keys/{key}"), json!({"title": "app"})).await;
    merchant.post(&format!("api-keys/{key}/revoke"), json!({})).await;
    assert_eq!(products().await.message(), "A valid publishable key is required to proceed with the request");
    let names: Vec<String> = events(&shop).await.into_iter().map(|(name, tags)| format!("{name}:{tags}")).collect();
    assert_eq!(names, ["api_key.created:1", "api_key.updated:1", "api_key.updated:1", "api_key.updated:1"]);
    for (body, message) in [
        (json!({"title": "x"}), "Invalid request: Field 'type' is required"),
        (
            json!({"title": "x", "type": "y"}),
            "Invalid request: Expected: 'publishable, secret' for field 'type', but got: 'y'",
        ),
    ] {
        assert_eq!(merchant.send("POST", "api-keys", Some(body)).await.message(), message);
    }
    let refused = merchant.send("GET", "api-keys?type=x", None).await;
    assert_eq!(refused.message(), "Invalid request: Expected: 'publishable, secret' for field 'type', but got: 'x'");
}

#[tokio::test]
async fn users_are_changed_and_cannot_delete_themselves() {
    let shop = Shop::start().await;
    let merchant = Merchant::of(&shop).await;
    let user = id(&merchant.get("users/me").await["user"]);
    let changed = merchant.post(&format!("users/{user}"), json!({"first_name": "Ann", "metadata": {"a": 1}})).await;
    assert_eq!((&changed["user"]["first_name"], &changed["user"]["email"]), (&json!("Ann"), &json!("admin@test.com")));
    assert_eq!(merchant.get("users?q=admin&email=admin@test.com").await["count"], 1);
    assert_eq!(merchant.get(&format!("users/{user}/auth-providers")).await, json!({"providers": ["emailpass"]}));
    let refused = merchant.send("DELETE", &format!("users/{user}"), None).await;
    assert_eq!((refused.status, refused.message()), (400, "A user cannot delete itself"));
    let token = merchant.send("POST", &format!("users/{user}/reset-password"), None).await;
    let update =
        shop.send(token.token(), "POST", "/auth/user/emailpass/update", Some(json!({"password": "other"}))).await;
    assert_eq!(update.body, json!({"success": true}));
    let body = json!({"email": "admin@test.com", "password": "other"});
    assert_eq!(shop.post("/auth/user/emailpass", body).await.status, 200);

    sqlx::query("INSERT INTO \"user\" (id, email) VALUES ('user_b', 'b@test.com')").execute(&shop.pool).await.unwrap();
    assert_eq!(merchant.send("POST", "users/user_b/reset-password", None).await.status, 400);
    assert_eq!(merchant.send("DELETE", "users/user_b", None).await.body["deleted"], true);
    assert_eq!(merchant.send("GET", "users/user_b", None).await.status, 404);
}
