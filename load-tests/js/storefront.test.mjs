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

// Storefronts ask this at each navigation.
const me = (headers = {}) =>
  fetch(`${PROXY_URL}/store/customers/me?fields=%2Aorders`, { headers: { "x-publishable-api-key": PUBLISHABLE_KEY, ...headers } });

test("a customer registers, signs in and keeps addresses", async () => {
  const shop = new Medusa({ baseUrl: PROXY_URL, publishableKey: PUBLISHABLE_KEY, auth: { type: "jwt", jwtTokenStorageMethod: "memory" } });
  const credentials = { email: `u${Date.now()}@test.com`, password: "pw12345678" };
  await assert.rejects(shop.store.customer.retrieve(), (error) => error.status === 401);
  const registered = await shop.auth.register("customer", "emailpass", credentials);
  await shop.store.customer.create({ email: credentials.email, first_name: "Ann" }, {}, { authorization: `Bearer ${registered}` });
  await assert.rejects(shop.auth.register("customer", "emailpass", credentials), { message: "Identity with email already exists" });
  await shop.auth.login("customer", "emailpass", credentials);
  const { customer } = await shop.store.customer.retrieve({ fields: "*orders" });
  assert.deepEqual([customer.email, customer.first_name, customer.orders], [credentials.email, "Ann", []]);
  const added = await shop.store.customer.createAddress({ city: "Aarhus", country_code: "dk", is_default_shipping: true });
  const [address] = added.customer.addresses;
  const changed = await shop.store.customer.updateAddress(address.id, { city: "Odense" });
  assert.deepEqual(changed.customer.addresses.map(({ city, is_default_shipping }) => [city, is_default_shipping]), [["Odense", true]]);
  const { addresses, count } = await shop.store.customer.listAddress();
  assert.deepEqual([addresses.length, count], [1, 1]);
  const gone = await shop.store.customer.deleteAddress(address.id);
  assert.deepEqual([gone.deleted, gone.parent.addresses], [true, []]);
  await shop.auth.refresh();
  assert.equal((await shop.store.customer.update({ last_name: "Lee" })).customer.last_name, "Lee");
});

test("the edge tells who says nothing of themselves so, and nobody else", async () => {
  const credentials = { email: `s${Date.now()}@test.com`, password: "pw12345678" };
  const shop = new Medusa({ baseUrl: PROXY_URL, publishableKey: PUBLISHABLE_KEY, auth: { type: "jwt", jwtTokenStorageMethod: "memory" } });
  const registered = await shop.auth.register("customer", "emailpass", credentials);
  await shop.store.customer.create({ email: credentials.email }, {}, { authorization: `Bearer ${registered}` });
  const authorization = `Bearer ${await shop.auth.login("customer", "emailpass", credentials)}`;
  const opened = await fetch(`${PROXY_URL}/auth/session`, { method: "POST", headers: { authorization } });
  const cookie = opened.headers.getSetCookie()[0].split(";")[0];
  assert.match(cookie, /^connect\.sid=/);
  const isHit = (answer) => /; *hit/.test(answer.headers.get("cache-status") ?? "");
  await (await me()).text();
  for (let round = 0; round < 2; round += 1) {
    const anonymous = await me();
    assert.deepEqual([anonymous.status, isHit(anonymous)], [401, true]);
    assert.deepEqual(await anonymous.json(), { message: "Unauthorized" });
    assert.match(anonymous.headers.get("cache-control"), /no-cache|no-store/);
    for (const headers of [{ authorization }, { cookie }, { cookie: `theme=dark; ${cookie}` }]) {
      const own = await me(headers);
      assert.deepEqual([own.status, isHit(own)], [200, false]);
      assert.equal((await own.json()).customer.email, credentials.email);
      assert.match(own.headers.get("cache-control"), /no-store/);
    }
  }
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
