// The data set of our demo shop (`origin/src/seed`), for Medusa: `medusa exec ./src/scripts/seed.js`.
const { ContainerRegistrationKeys, ModuleRegistrationName, Modules, ProductStatus } = require("@medusajs/framework/utils")
const {
  createApiKeysWorkflow, createCollectionsWorkflow, createInventoryLevelsWorkflow, createProductCategoriesWorkflow,
  createProductTagsWorkflow, createProductTypesWorkflow, createProductsWorkflow, createRegionsWorkflow, createSalesChannelsWorkflow,
  createShippingOptionsWorkflow, createStockLocationsWorkflow, createStoresWorkflow, createTaxRegionsWorkflow,
  linkSalesChannelsToApiKeyWorkflow, linkSalesChannelsToStockLocationWorkflow, createPromotionsWorkflow, createPriceListsWorkflow, createReturnReasonsWorkflow,
} = require("@medusajs/medusa/core-flows")
exports.default = async function seed({ container }) {
  const link = container.resolve(ContainerRegistrationKeys.LINK)
  const query = container.resolve(ContainerRegistrationKeys.QUERY)
  const logger = container.resolve(ContainerRegistrationKeys.LOGGER)
  const ff = container.resolve(ModuleRegistrationName.FULFILLMENT)
  const N = Number(process.env.SEED_N || 1000)
  const { result: [sc] } = await createSalesChannelsWorkflow(container).run({ input: { salesChannelsData: [{ name: "Default Sales Channel" }] } })
  const { result: [key] } = await createApiKeysWorkflow(container).run({ input: { api_keys: [{ title: "pk", type: "publishable", created_by: "" }] } })
  await linkSalesChannelsToApiKeyWorkflow(container).run({ input: { id: key.id, add: [sc.id] } })
  await createStoresWorkflow(container).run({ input: { stores: [{ name: "Bench", supported_currencies: [{ currency_code: "eur", is_default: true }, { currency_code: "usd" }], default_sales_channel_id: sc.id }] } })
  const countries = ["dk", "de", "fr", "it"]
  const { result: regions } = await createRegionsWorkflow(container).run({ input: { regions: [
    { name: "Europe", currency_code: "eur", countries, payment_providers: ["pp_system_default"] },
    { name: "US", currency_code: "usd", countries: ["us"], payment_providers: ["pp_system_default"] },
  ] } })
  await createTaxRegionsWorkflow(container).run({ input: [
    ...countries.map((country_code) => ({ country_code, provider_id: "tp_system", default_tax_rate: { name: "VAT " + country_code, code: "vat_" + country_code, rate: country_code === "dk" ? 25 : 20 } })),
    { country_code: "us", provider_id: "tp_system" },
  ] })
  const { result: [loc] } = await createStockLocationsWorkflow(container).run({ input: { locations: [{ name: "WH", address: { city: "Copenhagen", country_code: "DK", address_1: "x" } }] } })
  await link.create({ [Modules.STOCK_LOCATION]: { stock_location_id: loc.id }, [Modules.FULFILLMENT]: { fulfillment_provider_id: "manual_manual" } })
  const { data: [profile] } = await query.graph({ entity: "shipping_profile", fields: ["id"] })
  const fset = await ff.createFulfillmentSets({ name: "WH delivery", type: "shipping", service_zones: [{ name: "All", geo_zones: [...countries, "us"].map((c) => ({ country_code: c, type: "country" })) }] })
  await link.create({ [Modules.STOCK_LOCATION]: { stock_location_id: loc.id }, [Modules.FULFILLMENT]: { fulfillment_set_id: fset.id } })
  const rules = [{ attribute: "enabled_in_store", value: "true", operator: "eq" }, { attribute: "is_return", value: "false", operator: "eq" }]
  await createShippingOptionsWorkflow(container).run({ input: ["Standard", "Express"].map((n, i) => ({
    name: n + " Shipping", price_type: "flat", provider_id: "manual_manual", service_zone_id: fset.service_zones[0].id, shipping_profile_id: profile.id,
    type: { label: n, description: n, code: n.toLowerCase() }, prices: [{ currency_code: "usd", amount: 10 + i * 10 }, { currency_code: "eur", amount: 8 + i * 10 }, { region_id: regions[0].id, amount: 9 + i * 10 }], rules })) })
  await linkSalesChannelsToStockLocationWorkflow(container).run({ input: { id: loc.id, add: [sc.id] } })
  const { result: roots } = await createProductCategoriesWorkflow(container).run({ input: { product_categories: ["Men", "Women", "Kids"].map((n) => ({ name: n, is_active: true })) } })
  const { result: leaves } = await createProductCategoriesWorkflow(container).run({ input: { product_categories: roots.flatMap((r) => ["Shirts", "Pants", "Shoes"].map((n) => ({ name: `${r.name} ${n}`, is_active: true, parent_category_id: r.id }))) } })
  const { result: cols } = await createCollectionsWorkflow(container).run({ input: { collections: ["Spring", "Summer", "Autumn", "Winter", "Sale"].map((t) => ({ title: t, handle: t.toLowerCase() })) } })
  const { result: tags } = await createProductTagsWorkflow(container).run({ input: { product_tags: ["new", "hot", "eco", "cotton"].map((value) => ({ value })) } })
  const { result: types } = await createProductTypesWorkflow(container).run({ input: { product_types: ["Apparel", "Footwear"].map((value) => ({ value })) } })
  await createReturnReasonsWorkflow(container).run({ input: { data: [{ value: "wrong_size", label: "Wrong size" }, { value: "damaged", label: "Damaged" }] } })
  const sizes = ["S", "M", "L", "XL"]
  const variantIds = []
  for (let b = 0; b < N; b += 50) {
    const products = Array.from({ length: Math.min(50, N - b) }, (_, k) => {
      const i = b + k
      return {
        title: `Product ${i}`, subtitle: `Subtitle ${i}`, handle: `product-${i}`, status: ProductStatus.PUBLISHED, shipping_profile_id: profile.id, weight: 400,
        description: `Product number ${i}. Made for daily wear, washed often and worn for years; sizes run true.`,
        collection_id: cols[i % 5].id, type_id: types[i % 2].id, tag_ids: [tags[i % 4].id], category_ids: [leaves[i % 9].id],
        thumbnail: `http://localhost:9000/static/p${i % 10}.png`,
        images: [0, 1, 2].map((j) => ({ url: `http://localhost:9000/static/p${(i + j) % 10}.png` })),
        options: [{ title: "Size", values: sizes }],
        variants: sizes.map((s, j) => ({ title: s, sku: `P${i}-${s}`, manage_inventory: true, options: { Size: s }, prices: [{ amount: 10 + (i % 90) + j + 0.5, currency_code: "eur" }, { amount: 12 + (i % 90) + j + 0.99, currency_code: "usd" }] })),
        sales_channels: [{ id: sc.id }], metadata: { n: i },
      }
    })
    const { result } = await createProductsWorkflow(container).run({ input: { products: products } })
    variantIds.push(...result.flatMap((p) => p.variants.map((v) => v.id)))
    logger.info(`products ${b + products.length}`)
  }
  const { data: items } = await query.graph({ entity: "inventory_item", fields: ["id"] })
  for (let i = 0; i < items.length; i += 500)
    await createInventoryLevelsWorkflow(container).run({ input: { inventory_levels: items.slice(i, i + 500).map((it) => ({ location_id: loc.id, inventory_item_id: it.id, stocked_quantity: 1000000 })) } })
  await createPriceListsWorkflow(container).run({ input: { price_lists_data: [{ title: "Sale", description: "sale", status: "active", type: "sale", prices: variantIds.slice(0, 400).filter((_, i) => i % 10 === 0).map((v) => ({ variant_id: v, amount: 5, currency_code: "eur" })) }] } })
  await createPromotionsWorkflow(container).run({ input: { promotionsData: [{ code: "TEN", type: "standard", status: "active", is_automatic: false, application_method: { type: "percentage", target_type: "items", allocation: "across", value: 10, currency_code: "eur" } }] } })
}
