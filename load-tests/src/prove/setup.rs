//! Makes what is written and read, through the Admin API.

use reqwest::Client;
use serde_json::{Value, json};

use super::cast::{Cast, How, Place, Plan, Probe, Shape, Target, mark};
use super::error::ProveError;
use super::shop::{SITES, Shop};
use crate::stack::{S3Bucket, connect};

/// Long enough that a description is compressed.
const FILLER: usize = 1_400;
const TITLES: usize = 8;
const SQLS: usize = 2;
const VARIANTS: usize = 3;
const PRICES: usize = 3;
const STATUSES: usize = 3;
const HANDLES: usize = 2;
const FILES: usize = 3;
const COMING_FILES: usize = 2;
pub(super) const PUBLISHED: &str = "published";

/// Asks the Admin API while the shop is prepared.
struct Setup<'a> {
    shop: &'a Shop,
    bucket: Option<&'a S3Bucket>,
    client: Client,
    base: String,
    token: String,
    place: Place,
    entities: Vec<How>,
    targets: Vec<Target>,
}

/// A product as it was made.
struct Made {
    id: String,
    variant: String,
    handle: String,
}

/// Logs in; the token is good at every origin.
pub(super) async fn login(shop: &Shop, client: &Client) -> Result<String, ProveError> {
    let base = format!("http://{}", shop.origins[0].listen);
    let body = json!({ "email": shop.secrets.admin_email, "password": shop.secrets.admin_password });
    let answer = client.post(format!("{base}/auth/user/emailpass")).json(&body).send().await?;
    text(&answer.error_for_status()?.json().await?, "/token")
}

/// Makes the cast.
pub(super) async fn prepare(shop: &Shop, bucket: &S3Bucket) -> Result<Cast, ProveError> {
    let mut setup = Setup::new(shop, Some(bucket)).await?;
    let still = setup.look_around().await?;
    setup.groups().await?;
    setup.products().await?;
    setup.files().await?;
    setup.lists();
    let probe = setup.product("prove-probe", "probe").await?.id;
    let path = format!("/store/products/{probe}?fields=id,title");
    let Setup { entities, targets, place, .. } = setup;
    Ok(Cast { entities, targets, probe: Probe { product: probe, path }, still, place })
}

/// Products that are only written.
pub(super) async fn products_to_write(shop: &Shop, count: u32) -> Result<Vec<String>, ProveError> {
    let mut setup = Setup::new(shop, None).await?;
    setup.look_around().await?;
    let category = setup.get("/admin/product-categories?limit=1&fields=id").await?;
    setup.place.category = text(&category, "/product_categories/0/id")?;
    let collection = setup.get("/admin/collections?limit=1&fields=id").await?;
    setup.place.collection = text(&collection, "/collections/0/id")?;
    let mut products = Vec::new();
    for index in 0..count {
        products.push(setup.product(&format!("prove-rate-{index}"), "rate").await?.id);
    }
    Ok(products)
}

/// Whether what is typed into the database purges too.
pub(super) async fn has_triggers(url: &str) -> Result<bool, ProveError> {
    let statement = "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'product'::regclass AND NOT tgisinternal)";
    let mut connection = connect(url).await?;
    Ok(sqlx::query_scalar(statement).fetch_one(&mut connection).await?)
}

impl<'a> Setup<'a> {
    async fn new(shop: &'a Shop, bucket: Option<&'a S3Bucket>) -> Result<Self, ProveError> {
        let client = Client::new();
        Ok(Self {
            shop,
            bucket,
            token: login(shop, &client).await?,
            client,
            base: format!("http://{}", shop.origins[0].listen),
            place: Place { channel: String::new(), category: String::new(), collection: String::new() },
            entities: Vec::new(),
            targets: Vec::new(),
        })
    }

    /// Finds the channel that the storefront's key sells; tells a product that stays as it is.
    async fn look_around(&mut self) -> Result<String, ProveError> {
        let seeded = self.get("/admin/products?q=Product&limit=1&fields=id,*sales_channels").await?;
        self.place.channel = text(&seeded, "/products/0/sales_channels/0/id")?;
        text(&seeded, "/products/0/id")
    }

    async fn get(&self, path: &str) -> Result<Value, ProveError> {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.token);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, ProveError> {
        let request = self.client.post(format!("{}{path}", self.base)).bearer_auth(&self.token).json(body);
        let response = request.send().await?;
        let (status, text) = (response.status(), response.text().await?);
        if !status.is_success() {
            return Err(ProveError::Setup(format!("POST {path} was answered {status}: {text}")));
        }
        serde_json::from_str(&text).map_err(|error| ProveError::Setup(format!("POST {path}: {error}")))
    }

    /// Two categories and two collections, whose names are written.
    async fn groups(&mut self) -> Result<(), ProveError> {
        for index in 0..2 {
            let number = self.entities.len();
            let body =
                json!({ "name": mark(number, 1), "handle": format!("prove-category-{index}"), "is_active": true });
            let id = text(&self.post("/admin/product-categories", &body).await?, "/product_category/id")?;
            let path = format!("/store/product-categories/{id}?fields=id,name");
            self.add(How::Category { id: id.clone() }, [Target::new(Plan::Plain, path, Vec::new())]);
            // Products are in the last one.
            self.place.category = id;
        }
        for index in 0..2 {
            let number = self.entities.len();
            let body = json!({ "title": mark(number, 1), "handle": format!("prove-collection-{index}") });
            let id = text(&self.post("/admin/collections", &body).await?, "/collection/id")?;
            let path = format!("/store/collections/{id}?fields=id,title");
            let conditional = Target::new(Plan::Conditional, path.clone(), Vec::new());
            self.add(How::Collection { id: id.clone() }, [Target::new(Plan::Plain, path, Vec::new()), conditional]);
            self.place.collection = id;
        }
        let numbers = |from: usize| (from..from + 2).collect::<Vec<_>>();
        self.targets.push(Target::new(
            Plan::List,
            "/store/product-categories?fields=id,name&limit=100".to_owned(),
            numbers(0),
        ));
        self.targets.push(Target::new(
            Plan::List,
            "/store/collections?fields=id,title&limit=100".to_owned(),
            numbers(2),
        ));
        Ok(())
    }

    /// The next entity, with what shows it alone.
    fn add(&mut self, how: How, targets: impl IntoIterator<Item = Target>) -> usize {
        let number = self.entities.len();
        self.entities.push(how);
        self.targets.extend(targets.into_iter().map(|target| Target { members: vec![number], ..target }));
        number
    }

    async fn products(&mut self) -> Result<(), ProveError> {
        for index in 0..TITLES + SQLS {
            let made = self.product(&format!("prove-{index}"), &mark(self.entities.len(), 1)).await?;
            let targets = of_title(&made);
            let product = made.id;
            let how = if index < TITLES { How::Title { product } } else { How::Sql { product } };
            self.add(how, targets);
        }
        for index in 0..VARIANTS {
            let number = self.entities.len();
            let made = self.product(&format!("prove-variant-{index}"), "variant").await?;
            let body = json!({ "title": mark(number, 1) });
            self.post(&format!("/admin/products/{}/variants/{}", made.id, made.variant), &body).await?;
            let path = format!("/store/product-variants/{}?fields=id,title", made.variant);
            let varying = SITES.map(|site| Target::new(Plan::Vary, path.clone(), Vec::new()).with("Origin", site));
            let within = format!("/store/products/{}?fields=id,*variants", made.id);
            let how = How::Variant { product: made.id, variant: made.variant };
            self.add(how, varying.into_iter().chain([Target::new(Plan::Plain, within, Vec::new())]));
        }
        let region = self.region().await?;
        for index in 0..PRICES {
            let made = self.product(&format!("prove-price-{index}"), "price").await?;
            let path = format!("/store/products/{}?fields=id,*variants.calculated_price&region_id={region}", made.id);
            let target = Target { shape: Shape::Amount, ..Target::new(Plan::Plain, path, Vec::new()) };
            self.add(How::Price { product: made.id, variant: made.variant }, [target]);
        }
        for index in 0..STATUSES {
            let made = self.product(&format!("prove-status-{index}"), &mark(self.entities.len(), 1)).await?;
            let path = format!("/store/products/{}?fields=id,title", made.id);
            self.add(How::Status { product: made.id }, [Target::new(Plan::Coming, path, Vec::new())]);
        }
        for index in 0..HANDLES {
            let handle = format!("prove-handle-{index}");
            let made = self.product(&handle, &mark(self.entities.len(), 1)).await?;
            let path = format!("/store/products?handle={}&fields=id,title", made.handle);
            self.add(How::Handle { handle }, [Target::new(Plan::Coming, path, Vec::new())]);
        }
        Ok(())
    }

    async fn product(&self, handle: &str, title: &str) -> Result<Made, ProveError> {
        let answer = self.post("/admin/products", &product(handle, title, &self.place)).await?;
        Ok(Made {
            id: text(&answer, "/product/id")?,
            variant: text(&answer, "/product/variants/0/id")?,
            handle: handle.to_owned(),
        })
    }

    async fn region(&self) -> Result<String, ProveError> {
        let request = self.client.get(format!("{}/store/regions?fields=id,currency_code", self.base));
        let request = request.header("x-publishable-api-key", &self.shop.secrets.publishable_key);
        let answer: Value = request.send().await?.error_for_status()?.json().await?;
        let regions = answer["regions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found = regions.iter().find(|region| region["currency_code"] == "usd");
        text(found.unwrap_or(&Value::Null), "/id")
    }

    async fn files(&mut self) -> Result<(), ProveError> {
        for index in 0..FILES + COMING_FILES {
            let number = self.entities.len();
            let key = format!("prove-{index}.txt");
            if let Some(bucket) = self.bucket {
                bucket.put(&key, mark(number, 1).into_bytes()).await?;
            }
            let path = format!("/static/{key}");
            if index < FILES {
                let conditional = Target::new(Plan::Conditional, path.clone(), Vec::new());
                self.add(How::File { key }, [Target::new(Plan::Media, path, Vec::new()), conditional]);
            } else {
                self.add(How::ComingFile { key }, [Target::new(Plan::Media, path, Vec::new())]);
            }
        }
        Ok(())
    }

    /// Lists that show many of the products.
    fn lists(&mut self) {
        let is_listed =
            |how: &How| matches!(how, How::Title { .. } | How::Sql { .. } | How::Status { .. } | How::Handle { .. });
        let listed = self.entities.iter().enumerate().filter(|(_, how)| is_listed(how)).map(|(number, _)| number);
        let listed: Vec<usize> = listed.collect();
        let paths = [
            format!("/store/products?category_id[]={}&fields=id,title&limit=100", self.place.category),
            format!("/store/products?collection_id[]={}&fields=id,title&limit=100", self.place.collection),
            "/store/products?order=-created_at&fields=id,title&limit=60".to_owned(),
        ];
        self.targets.extend(paths.map(|path| Target::new(Plan::List, path, listed.clone())));
    }
}

/// The body that makes a product with one variant.
pub(super) fn product(handle: &str, title: &str, place: &Place) -> Value {
    let prices = json!([{ "currency_code": "usd", "amount": 1 }, { "currency_code": "eur", "amount": 1 }]);
    json!({
        "title": title, "handle": handle, "status": PUBLISHED, "description": "lorem ".repeat(FILLER / 6),
        "collection_id": place.collection, "categories": [{ "id": place.category }],
        "sales_channels": [{ "id": place.channel }],
        "options": [{ "title": "Size", "values": ["One"] }],
        "variants": [{ "title": "One", "options": { "Size": "One" }, "manage_inventory": false, "prices": prices }],
    })
}

fn of_title(made: &Made) -> Vec<Target> {
    let alone = format!("/store/products/{}?fields=id,title", made.id);
    let by_handle = format!("/store/products?handle={}&fields=id,title", made.handle);
    let long = format!("/store/products/{}?fields=id,title,description", made.id);
    let target = |plan, path: &String| Target::new(plan, path.clone(), Vec::new());
    vec![
        target(Plan::Plain, &alone),
        target(Plan::Plain, &by_handle),
        target(Plan::Vary, &long).with("Accept-Encoding", "gzip"),
        target(Plan::Vary, &long).with("Accept-Encoding", "identity"),
        target(Plan::Conditional, &alone),
    ]
}

/// The text at a place of an answer.
pub(super) fn text(answer: &Value, pointer: &str) -> Result<String, ProveError> {
    let found = answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| ProveError::Setup(format!("there is no text at {pointer} in {answer}")))
}
