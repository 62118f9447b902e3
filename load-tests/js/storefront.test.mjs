// Medusa's own SDK, unmodified, pointed at the proxy. Run under `node --test` with PROXY_URL, PUBLISHABLE_KEY,
// ADMIN_EMAIL and ADMIN_PASSWORD set, against the demo shop.
import assert from "node:assert/strict";
import { test } from "node:test";

// The package's ES module build lacks file extensions, which node refuses; storefronts' bundlers do not mind.
import { createRequire } from "node:module";
const Medusa = createRequire(import.meta.url)("@medusajs/js-sdk").default;

const { PROXY_URL, PUBLISHABLE_KEY, ADMIN_EMAIL, ADMIN_PASSWORD } = process.env;
const sdk = new Medusa({ baseUrl: PROXY_URL, publishableKey: PUBLISHABLE_KEY, auth: { type: "jwt" } });

// Outside a browser the SDK keeps a token only when told where.
const administrator = () => new Medusa({ baseUrl: PROXY_URL, auth: { type: "jwt", jwtTokenStorageMethod: "memory" } });

test("regions are listed", async () => {
  const { regions, count } = await sdk.store.region.list();
  assert.equal(count, 2);
  assert.deepEqual(regions.map((region) => region.currency_code).sort(), ["eur", "usd"]);
  assert.ok(regions.every((region) => region.countries.length > 0));
});

test("products are listed with prices of the region", async () => {
  const { regions } = await sdk.store.region.list();
  for (const currency of ["eur", "usd"]) {
    const region = regions.find((candidate) => candidate.currency_code === currency);
    const { products, count, limit, offset } = await sdk.store.product.list({
      region_id: region.id,
      limit: 12,
      offset: 0,
      fields: "*variants.calculated_price,+variants.inventory_quantity,*variants.images,+metadata,+tags,",
    });
    assert.deepEqual([products.length, count, limit, offset], [12, 1000, 12, 0]);
    for (const product of products) {
      assert.equal(product.variants.length, 4);
      for (const variant of product.variants) {
        assert.equal(variant.calculated_price.currency_code, currency);
        assert.ok(variant.calculated_price.calculated_amount > 0);
        assert.equal(variant.inventory_quantity, 1000000);
      }
    }
  }
});

test("a product is found by its handle", async () => {
  const { regions } = await sdk.store.region.list();
  const region = regions.find((candidate) => candidate.currency_code === "eur");
  const { products } = await sdk.store.product.list({
    handle: "product-7",
    region_id: region.id,
    fields: "*variants.calculated_price",
  });
  assert.equal(products.length, 1);
  assert.equal(products[0].title, "Product 7");
  assert.equal(products[0].variants[0].calculated_price.calculated_amount, 17.5);
  const { product } = await sdk.store.product.retrieve(products[0].id, { region_id: region.id });
  assert.equal(product.handle, "product-7");
});

test("a list filtered by collection and category holds only theirs", async () => {
  const { collections } = await sdk.store.collection.list({ fields: "id, handle, title", limit: "100", offset: "0" });
  const summer = collections.find((collection) => collection.handle === "summer");
  const of = await sdk.store.product.list({ collection_id: summer.id, limit: 5, fields: "id,collection_id" });
  assert.equal(of.count, 200);
  assert.ok(of.products.every((product) => product.collection_id === summer.id));
});

test("categories are listed as a tree of three roots", async () => {
  const { product_categories: categories } = await sdk.store.category.list({
    parent_category_id: "null",
    include_descendants_tree: true,
  });
  assert.deepEqual(categories.map((category) => category.handle), ["men", "women", "kids"]);
  assert.ok(categories.every((category) => category.category_children.length === 3));
});

test("an unknown product is the SDK's FetchError with status 404", async () => {
  await assert.rejects(sdk.store.product.retrieve("prod_nope"), (error) => error.status === 404);
});

test("an admin logs in and sees the shop", async () => {
  const admin = administrator();
  await assert.rejects(
    admin.auth.login("user", "emailpass", { email: ADMIN_EMAIL, password: `${ADMIN_PASSWORD}x` }),
    (error) => error.status === 401,
  );
  const token = await admin.auth.login("user", "emailpass", { email: ADMIN_EMAIL, password: ADMIN_PASSWORD });
  assert.equal(typeof token, "string");
  const { user } = await admin.admin.user.me();
  assert.equal(user.email, ADMIN_EMAIL);
  const { products } = await admin.admin.product.list({ limit: 2, order: "-created_at" });
  assert.equal(products.length, 2);
});

test("what an admin changes is what the storefront then reads", async () => {
  const admin = administrator();
  await admin.auth.login("user", "emailpass", { email: ADMIN_EMAIL, password: ADMIN_PASSWORD });
  const find = async () => (await sdk.store.product.list({ handle: "product-9", fields: "id,title" })).products[0];
  const before = await find();
  const title = `${before.title} (changed)`;
  await admin.admin.product.update(before.id, { title }, { wait: "acked" });
  assert.equal((await find()).title, title);
  await admin.admin.product.update(before.id, { title: before.title }, { wait: "acked" });
  assert.equal((await find()).title, before.title);
});
