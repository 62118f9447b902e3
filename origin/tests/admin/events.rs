//! Which events each workflow leaves, and exactly which tags they purge.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::outbox::{self, Told};
use crate::shop::{CHANNEL, Shop, id};

/// Ids of a shop with one of each.
struct Known {
    product: String,
    variant: String,
    collection: String,
    category: String,
    tag: String,
    kind: String,
}

impl Known {
    async fn of(shop: &Shop) -> Self {
        let made = shop.product("Shirt", &["S"]).await;
        let this = Self {
            product: id(&made),
            variant: id(&made["variants"][0]),
            collection: id(&shop.post("/admin/collections", json!({"title": "Winter"})).await["collection"]),
            category: id(&shop.post("/admin/product-categories", json!({"name": "Men"})).await["product_category"]),
            tag: id(&shop.post("/admin/product-tags", json!({"value": "new"})).await["product_tag"]),
            kind: id(&shop.post("/admin/product-types", json!({"value": "Apparel"})).await["product_type"]),
        };
        let links = json!({
            "collection_id": this.collection, "type_id": this.kind, "tags": [{"id": this.tag}],
            "categories": [{"id": this.category}], "sales_channels": [{"id": CHANNEL}]
        });
        shop.post(&this.path(), links).await;
        this
    }

    fn path(&self) -> String {
        format!("/admin/products/{}", self.product)
    }

    /// Tags of whatever shows the product, or a list that it is in.
    fn places(&self) -> BTreeSet<String> {
        tags(&[
            &format!("product:{}", self.product),
            "product-handle:shirt",
            &format!("products:category:{}", self.category),
            "category-handle:men",
            &format!("products:collection:{}", self.collection),
            "collection-handle:winter",
            &format!("products:tag:{}", self.tag),
            &format!("products:type:{}", self.kind),
            &format!("products:channel:{CHANNEL}"),
            "products:any",
            "products",
        ])
    }

    /// The same for the variant's events.
    fn variant_places(&self) -> BTreeSet<String> {
        with(self.places(), &[&format!("variant:{}", self.variant)])
    }
}

fn tags(tags: &[&str]) -> BTreeSet<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

fn with(mut all: BTreeSet<String>, more: &[&str]) -> BTreeSet<String> {
    all.extend(tags(more));
    all
}

/// Does something, and compares what it told: each event's name and all of its tags.
async fn told(shop: &Shop, method: &str, path: &str, body: Value, expected: &[(&str, BTreeSet<String>)]) -> Value {
    let seen = outbox::last(&shop.pool).await;
    let (status, answer) = shop.send(method, path, Some(body)).await;
    assert_eq!(status, 200, "{method} {path}: {answer}");
    let found: Vec<Told> = outbox::after(&shop.pool, seen).await;
    let found: Vec<(&str, BTreeSet<String>)> =
        found.iter().map(|told| (told.event.name.as_str(), told.tags.clone())).collect();
    assert_eq!(found, expected, "{method} {path}");
    answer
}

#[tokio::test]
async fn products_and_variants_tell_all_the_places_where_they_are_shown() {
    let shop = Shop::empty().await;
    let known = Known::of(&shop).await;
    let (path, places) = (known.path(), known.places());
    told(&shop, "POST", &path, json!({"title": "T"}), &[("product.updated", places.clone())]).await;
    let renamed = with(places.clone(), &["product-handle:blouse"]);
    told(&shop, "POST", &path, json!({"handle": "blouse"}), &[("product.updated", renamed.clone())]).await;
    told(&shop, "POST", &path, json!({"handle": "shirt"}), &[("product.updated", renamed)]).await;
    // Having left all places, it still tells those that it left; and again when it is back.
    let out = json!({"collection_id": null, "type_id": null, "tags": [], "categories": [], "sales_channels": []});
    told(&shop, "POST", &path, out, &[("product.updated", places.clone())]).await;
    let here = format!("product:{}", known.product);
    let bare = tags(&[&here, "product-handle:shirt", "products:any", "products"]);
    told(&shop, "POST", &path, json!({"title": "U"}), &[("product.updated", bare)]).await;
    let back = json!({
        "collection_id": known.collection, "type_id": known.kind, "tags": [{"id": known.tag}],
        "categories": [{"id": known.category}], "sales_channels": [{"id": CHANNEL}]
    });
    told(&shop, "POST", &path, back, &[("product.updated", places.clone())]).await;

    let variant = format!("{path}/variants/{}", known.variant);
    let of_variant = [("product-variant.updated", known.variant_places())];
    told(&shop, "POST", &variant, json!({"prices": [{"currency_code": "eur", "amount": 3}]}), &of_variant).await;
    told(&shop, "POST", &variant, json!({"title": "Small"}), &of_variant).await;
    let both = [("product-variant.updated", known.variant_places()), ("product.updated", places.clone())];
    told(&shop, "POST", &path, json!({"variants": [{"id": known.variant}]}), &both).await;
    told(&shop, "DELETE", &variant, json!({}), &[("product-variant.deleted", known.variant_places())]).await;
    told(&shop, "DELETE", &variant, json!({}), &[]).await;
    told(&shop, "DELETE", &path, json!({}), &[("product.deleted", places)]).await;
    told(&shop, "DELETE", &path, json!({}), &[]).await;
}

#[tokio::test]
async fn new_products_and_variants_purge_the_lists_that_they_join() {
    let shop = Shop::empty().await;
    let known = Known::of(&shop).await;
    let seen = outbox::last(&shop.pool).await;
    let body = json!({
        "title": "Hat", "options": [{"title": "Size", "values": ["S", "M"]}],
        "categories": [{"id": known.category}], "collection_id": known.collection,
        "variants": [{"title": "S", "options": {"Size": "S"}, "prices": []}]
    });
    let hat = shop.post("/admin/products", body).await["product"].take();
    let lists = [
        &format!("product:{}", id(&hat)),
        "product-handle:hat",
        &format!("products:category:{}", known.category),
        "category-handle:men",
        &format!("products:collection:{}", known.collection),
        "collection-handle:winter",
        "products:any",
        "products",
    ];
    let found = outbox::after(&shop.pool, seen).await;
    let names: Vec<&str> = found.iter().map(|told| told.event.name.as_str()).collect();
    assert_eq!(names, ["product-variant.created", "product.created"]);
    assert_eq!(found[0].tags, with(tags(&lists), &[&format!("variant:{}", id(&hat["variants"][0]))]));
    assert_eq!(found[1].tags, tags(&lists));

    let seen = outbox::last(&shop.pool).await;
    let path = format!("/admin/products/{}/variants", id(&hat));
    let hat = shop.post(&path, json!({"title": "M", "options": {"Size": "M"}, "prices": []})).await["product"].take();
    let variants = hat["variants"].as_array().unwrap();
    let medium = variants.iter().find(|variant| variant["title"] == "M").unwrap();
    let found = outbox::after(&shop.pool, seen).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].tags, with(tags(&lists), &[&format!("variant:{}", id(medium))]));
    assert_eq!(found[0].event.name, "product-variant.created");
}

#[tokio::test]
async fn products_that_are_put_elsewhere_tell_both_places() {
    let shop = Shop::empty().await;
    let known = Known::of(&shop).await;
    let other = id(&shop.post("/admin/collections", json!({"title": "Summer"})).await["collection"]);
    let path = format!("/admin/collections/{other}/products");
    let moved = with(known.places(), &[&format!("products:collection:{other}"), "collection-handle:summer"]);
    told(&shop, "POST", &path, json!({"add": [known.product]}), &[("product.updated", moved)]).await;
    // Nothing changes, nothing is told.
    told(&shop, "POST", &path, json!({"add": [known.product]}), &[]).await;
    told(&shop, "POST", &path, json!({"remove": ["prod_x"]}), &[]).await;

    let category = id(&shop.post("/admin/product-categories", json!({"name": "Women"})).await["product_category"]);
    let path = format!("/admin/product-categories/{category}/products");
    let mut places = known.places();
    places.remove(&format!("products:collection:{}", known.collection));
    places.remove("collection-handle:winter");
    let places = with(places, &[&format!("products:collection:{other}"), "collection-handle:summer"]);
    let both = with(places, &[&format!("products:category:{category}"), "category-handle:women"]);
    told(&shop, "POST", &path, json!({"add": [known.product]}), &[("product.updated", both.clone())]).await;
    told(&shop, "POST", &path, json!({"remove": [known.product]}), &[("product.updated", both)]).await;
}

#[tokio::test]
async fn what_products_show_tells_its_own_tag_and_its_set() {
    let shop = Shop::empty().await;
    let known = Known::of(&shop).await;
    let collection = &known.collection;
    let own = [
        "all:collections",
        &format!("collection:{collection}"),
        &format!("products:collection:{collection}"),
        "collection-handle:winter",
    ];
    let path = format!("/admin/collections/{collection}");
    told(&shop, "POST", &path, json!({"title": "Cold"}), &[("product-collection.updated", tags(&own))]).await;
    let renamed = with(tags(&own), &["collection-handle:cold"]);
    told(&shop, "POST", &path, json!({"handle": "cold"}), &[("product-collection.updated", renamed)]).await;
    let mut last = tags(&own);
    last.remove("collection-handle:winter");
    let last = with(last, &["collection-handle:cold"]);
    told(&shop, "DELETE", &path, json!({}), &[("product-collection.deleted", last)]).await;
    told(&shop, "DELETE", &path, json!({}), &[]).await;

    for (kind, entity, one) in [("tag", "tag", &known.tag), ("type", "type", &known.kind)] {
        let own = tags(&[
            &format!("all:product-{kind}s"),
            &format!("product-{entity}:{one}"),
            &format!("products:{entity}:{one}"),
        ]);
        let path = format!("/admin/product-{kind}s/{one}");
        let names = [format!("product-{kind}.updated"), format!("product-{kind}.deleted")];
        told(&shop, "POST", &path, json!({"value": "other"}), &[(&names[0], own.clone())]).await;
        told(&shop, "DELETE", &path, json!({}), &[(&names[1], own)]).await;
        told(&shop, "DELETE", &path, json!({}), &[]).await;
    }
}

#[tokio::test]
async fn new_collections_tags_and_types_purge_their_sets_and_absences() {
    let shop = Shop::empty().await;
    for (path, body, name, one, expected) in [
        (
            "/admin/collections",
            json!({"title": "Winter"}),
            "product-collection.created",
            "collection",
            &["all:collections", "collection:ID", "products:collection:ID", "collection-handle:winter"][..],
        ),
        (
            "/admin/product-categories",
            json!({"name": "Men"}),
            "product-category.created",
            "product_category",
            &["all:categories", "category:ID", "products:category:ID", "category-handle:men"],
        ),
        (
            "/admin/product-tags",
            json!({"value": "new"}),
            "product-tag.created",
            "product_tag",
            &["all:product-tags", "product-tag:ID", "products:tag:ID"],
        ),
        (
            "/admin/product-types",
            json!({"value": "Hat"}),
            "product-type.created",
            "product_type",
            &["all:product-types", "product-type:ID", "products:type:ID"],
        ),
    ] {
        let seen = outbox::last(&shop.pool).await;
        let made = id(&shop.post(path, body).await[one]);
        let found = outbox::after(&shop.pool, seen).await;
        assert_eq!(found.len(), 1, "{path}");
        assert_eq!(found[0].event.name, name);
        let expected: BTreeSet<String> = expected.iter().map(|tag| tag.replace("ID", &made)).collect();
        assert_eq!(found[0].tags, expected, "{path}");
    }
}

#[tokio::test]
async fn a_category_tells_all_whose_pages_show_it() {
    let shop = Shop::empty().await;
    let make = async |name: &str, parent: Option<&String>| {
        let body = json!({"name": name, "parent_category_id": parent});
        id(&shop.post("/admin/product-categories", body).await["product_category"])
    };
    let root = make("Root", None).await;
    let one = make("One", Some(&root)).await;
    let two = make("Two", Some(&root)).await;
    let deep = make("Deep", Some(&one)).await;
    let deepest = make("Deepest", Some(&deep)).await;
    let path = |id: &str| format!("/admin/product-categories/{id}");
    let told_by = |id: &str, handles: &[&str], relatives: &[&String]| {
        let mut all = tags(&["all:categories", &format!("category:{id}"), &format!("products:category:{id}")]);
        all.extend(handles.iter().map(|handle| format!("category-handle:{handle}")));
        all.extend(relatives.iter().map(|id| format!("category:{id}")));
        all
    };
    // Those above and below it show it.
    let tree = told_by(&one, &["one", "eins"], &[&root, &deep, &deepest]);
    told(&shop, "POST", &path(&one), json!({"handle": "eins"}), &[("product-category.updated", tree)]).await;
    // So do siblings whose rank moves, and what shows them.
    let moved = told_by(&two, &["two"], &[&root, &one, &deep, &deepest]);
    told(&shop, "POST", &path(&two), json!({"rank": 0}), &[("product-category.updated", moved)]).await;
    // A new parent: the family of before and after.
    let adopted = told_by(&deep, &["deep"], &[&root, &one, &two, &deepest]);
    told(&shop, "POST", &path(&deep), json!({"parent_category_id": two}), &[("product-category.updated", adopted)])
        .await;
    let gone = told_by(&deepest, &["deepest"], &[&root, &two, &deep]);
    told(&shop, "DELETE", &path(&deepest), json!({}), &[("product-category.deleted", gone)]).await;
    // A sibling moves up when one goes.
    told(
        &shop,
        "DELETE",
        &path(&deep),
        json!({}),
        &[("product-category.deleted", told_by(&deep, &["deep"], &[&root, &two]))],
    )
    .await;
    let last = told_by(&two, &["two"], &[&root, &one]);
    told(&shop, "DELETE", &path(&two), json!({}), &[("product-category.deleted", last)]).await;
}

#[tokio::test]
async fn every_write_leaves_a_receipt_to_wait_for() {
    let shop = Shop::empty().await;
    let known = Known::of(&shop).await;
    let product = known.path();
    let writes = [
        (
            "POST",
            "/admin/products".to_owned(),
            json!({"title": "Hat", "options": [{"title": "Size", "values": ["S"]}]}),
        ),
        ("POST", product.clone(), json!({"title": "T"})),
        ("POST", format!("{product}/variants"), json!({"title": "X", "prices": []})),
        ("POST", format!("{product}/variants/{}", known.variant), json!({"title": "Y"})),
        ("DELETE", format!("{product}/variants/{}", known.variant), json!({})),
        ("POST", "/admin/collections".to_owned(), json!({"title": "C"})),
        ("POST", format!("/admin/collections/{}", known.collection), json!({"title": "D"})),
        ("POST", format!("/admin/collections/{}/products", known.collection), json!({"remove": [known.product]})),
        ("POST", "/admin/product-categories".to_owned(), json!({"name": "C"})),
        ("POST", format!("/admin/product-categories/{}", known.category), json!({"name": "D"})),
        ("POST", format!("/admin/product-categories/{}/products", known.category), json!({"remove": [known.product]})),
        ("POST", "/admin/product-tags".to_owned(), json!({"value": "C"})),
        ("POST", format!("/admin/product-tags/{}", known.tag), json!({"value": "D"})),
        ("POST", "/admin/product-types".to_owned(), json!({"value": "C"})),
        ("POST", format!("/admin/product-types/{}", known.kind), json!({"value": "D"})),
        ("DELETE", product.clone(), json!({})),
        ("DELETE", format!("/admin/collections/{}", known.collection), json!({})),
        ("DELETE", format!("/admin/product-categories/{}", known.category), json!({})),
        ("DELETE", format!("/admin/product-tags/{}", known.tag), json!({})),
        ("DELETE", format!("/admin/product-types/{}", known.kind), json!({})),
        ("DELETE", "/admin/uploads/a.txt".to_owned(), json!({})),
    ];
    for (method, path, body) in writes {
        // Nobody numbers the outbox here, so a wait of no time ends as pending.
        let response = shop.request(method, &path).header("prefer", "wait=0").json(&body).send().await.unwrap();
        assert_eq!(response.status(), 202, "{method} {path}");
        let ack = response.headers()["vitrine-ack"].to_str().unwrap();
        assert!(ack.starts_with("pending"), "{method} {path}: {ack}");
    }
}
