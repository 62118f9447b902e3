//! What is done by hand: each column of one row of each table, rows that go and come back, and new ones.

use serde_json::Value;
use sqlx::{PgPool, Row as _};

/// A change, and how to take it back: afterwards all is as it was before.
#[derive(Debug)]
pub(super) struct Mutation {
    pub(super) sql: String,
    pub(super) undo: String,
}

/// The row of each table that is tried.
const ROWS: &[(&str, &str)] = &[
    ("product", "handle = 'product-0'"),
    ("product", "handle = 'product-5'"),
    ("product_variant", "sku = 'P0-S'"),
    (
        "product_option",
        "id = (SELECT product_option_id FROM product_product_option JOIN product p ON p.id = product_id
        WHERE p.handle = 'product-0')",
    ),
    ("product_option", "id = 'opt_alone'"),
    (
        "product_option_value",
        "id = (SELECT option_value_id FROM product_variant_option JOIN product_variant v
        ON v.id = variant_id WHERE v.sku = 'P0-S')",
    ),
    ("product_option_value", "id = 'optval_alone'"),
    ("product_product_option", "product_id = (SELECT id FROM product WHERE handle = 'product-0')"),
    ("product_variant_option", "variant_id = (SELECT id FROM product_variant WHERE sku = 'P0-S')"),
    ("product_image", "rank = 0 AND product_id = (SELECT id FROM product WHERE handle = 'product-0')"),
    ("product_image", "rank = 1 AND product_id = (SELECT id FROM product WHERE handle = 'product-0')"),
    ("product_variant_image", "true"),
    ("product_type", "value = 'Apparel'"),
    ("product_type", "id = 'ptyp_gone'"),
    ("product_tag", "value = 'new'"),
    ("product_tag", "id = 'ptag_gone'"),
    ("product_collection", "handle = 'spring'"),
    ("product_collection", "id = 'pcol_gone'"),
    ("product_category", "handle = 'men-shirts'"),
    ("product_category", "handle = 'men'"),
    ("product_category", "id = 'pcat_gone'"),
    ("product_category", "id = 'pcat_deep'"),
    ("product_category", "handle = 'kids-shoes'"),
    ("product_tags", "product_id = (SELECT id FROM product WHERE handle = 'product-0')"),
    (
        "product_category_product",
        "product_category_id = 'pcat_deep' AND product_id = (SELECT id FROM product
        WHERE handle = 'product-0')",
    ),
    (
        "product_category_product",
        "product_category_id <> 'pcat_deep' AND product_id = (SELECT id FROM product
        WHERE handle = 'product-0')",
    ),
    (
        "product_sales_channel",
        "sales_channel_id = 'sc_other' AND product_id = (SELECT id FROM product
        WHERE handle = 'product-0')",
    ),
    ("product_sales_channel", "product_id = (SELECT id FROM product WHERE handle = 'product-1')"),
    ("product_variant_price_set", "variant_id = (SELECT id FROM product_variant WHERE sku = 'P0-S')"),
    (
        "price",
        "price_list_id IS NULL AND currency_code = 'eur' AND price_set_id = (SELECT price_set_id
        FROM product_variant_price_set JOIN product_variant v ON v.id = variant_id WHERE v.sku = 'P0-S')",
    ),
    ("price", "id = 'price_regional'"),
    ("price", "id = 'price_plist_regional'"),
    ("price", "id = 'price_plist_over'"),
    ("price_rule", "id = 'prule_regional'"),
    ("price_list", "id = 'plist_regional'"),
    ("price_list", "id = 'plist_over'"),
    ("price_list", "id = 'plist_gone'"),
    ("price_list_rule", "id = 'plrule_regional'"),
    ("price_preference", "attribute = 'region_id' AND value = (SELECT id FROM region WHERE name = 'Europe')"),
    ("price_preference", "attribute = 'currency_code' AND value = 'eur'"),
    ("region", "name = 'Europe'"),
    ("region_country", "iso_2 = 'dk'"),
    ("region_payment_provider", "region_id = (SELECT id FROM region WHERE name = 'Europe')"),
    ("currency", "code = 'eur'"),
    ("currency", "code = 'aed'"),
    ("store", "true"),
    ("store_currency", "is_default"),
    ("tax_region", "country_code = 'dk' AND province_code IS NULL"),
    ("tax_region", "id = 'txreg_province'"),
    ("tax_rate", "code = 'vat_dk'"),
    ("tax_rate", "id = 'txr_type'"),
    ("tax_rate", "id = 'txr_province'"),
    ("tax_rate_rule", "id = 'txrule_type'"),
    ("sales_channel", "id = 'sc_other'"),
    ("sales_channel", "id = 'sc_gone'"),
    ("api_key", "id = 'apk_other'"),
    ("publishable_api_key_sales_channel", "publishable_key_id = 'apk_both' AND sales_channel_id = 'sc_other'"),
    ("publishable_api_key_sales_channel", "publishable_key_id = 'apk_other'"),
    (
        "inventory_level",
        "inventory_item_id = (SELECT inventory_item_id FROM product_variant_inventory_item
        JOIN product_variant v ON v.id = variant_id WHERE v.sku = 'P0-S' AND inventory_item_id <> 'iitem_shared')
        AND location_id <> 'sloc_other'",
    ),
    ("inventory_level", "id = 'ilev_shared'"),
    ("inventory_level", "id = 'ilev_other'"),
    (
        "product_variant_inventory_item",
        "inventory_item_id = 'iitem_shared' AND variant_id = (SELECT id
        FROM product_variant WHERE sku = 'P0-S')",
    ),
    ("sales_channel_stock_location", "sales_channel_id = 'sc_other'"),
    ("sales_channel_stock_location", "sales_channel_id <> 'sc_other'"),
    ("return_reason", "value = 'damaged'"),
    ("return_reason", "id = 'rr_child'"),
];

/// Values of columns that take only some.
const VALUES: &[(&str, &str, &[&str])] = &[
    ("product", "status", &["'draft'", "'published'"]),
    ("price_list", "status", &["'draft'"]),
    ("price_list", "type", &["'sale'", "'override'"]),
    ("api_key", "type", &["'secret'"]),
    ("price_rule", "operator", &["'gt'"]),
    ("price_list_rule", "value", &["'[\"other\"]'"]),
    ("price", "currency_code", &["'usd'"]),
    ("price", "amount", &["0", "1000", "amount / 3"]),
    ("inventory_level", "stocked_quantity", &["0", "1", "4", "stocked_quantity + 2"]),
    ("tax_rate_rule", "reference", &["'product'"]),
];

/// All of them: each inner list is done from its first to its last, and then taken back from its last to its first.
pub(super) async fn all(pool: &PgPool) -> Vec<Vec<Mutation>> {
    let mut alone = many_rows();
    for (table, row) in ROWS {
        alone.extend(of_row(pool, table, row).await);
    }
    let mut all: Vec<Vec<Mutation>> = alone.into_iter().map(|mutation| vec![mutation]).collect();
    all.push(new_rows());
    all
}

/// Each column of one row, then the row itself.
async fn of_row(pool: &PgPool, table: &str, condition: &str) -> Vec<Mutation> {
    let select = format!("SELECT to_jsonb(r) FROM {table} r WHERE {condition}");
    let rows: Vec<Value> = sqlx::query_scalar(sqlx::AssertSqlSafe(select)).fetch_all(pool).await.unwrap();
    let [row] = rows.as_slice() else { panic!("{table}: {condition} finds {} rows", rows.len()) };
    let keys: Vec<String> = sqlx::query_scalar(
        "SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
         WHERE i.indisprimary AND i.indrelid = $1::regclass ORDER BY 1",
    )
    .bind(table)
    .fetch_all(pool)
    .await
    .unwrap();
    let key: Vec<String> =
        keys.iter().map(|key| format!("{key} = '{}'", row[key.as_str()].as_str().unwrap())).collect();
    let key = key.join(" AND ");
    let saved = format!("jsonb_populate_record(NULL::{table}, '{}')", row.to_string().replace('\'', "''"));
    let mut all = Vec::new();
    for (column, values) in columns(pool, table, &keys).await {
        for value in values {
            let undo = format!("UPDATE {table} SET {column} = (SELECT o.{column} FROM {saved} o) WHERE {key}");
            all.push(Mutation { sql: format!("UPDATE {table} SET {column} = {value} WHERE {key}"), undo });
        }
    }
    let undo = format!("INSERT INTO {table} SELECT * FROM {saved} o");
    all.push(Mutation { sql: format!("DELETE FROM {table} WHERE {key}"), undo });
    let mut possible = Vec::new();
    for mutation in all {
        // Rows that others refer to cannot go, for one; those are deleted softly.
        let mut tx = pool.begin().await.unwrap();
        match sqlx::query(sqlx::AssertSqlSafe(mutation.sql.clone())).execute(&mut *tx).await {
            Ok(_) => possible.push(mutation),
            Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code.starts_with("23")) => {}
            Err(error) => panic!("{}: {error}", mutation.sql),
        }
        tx.rollback().await.unwrap();
    }
    possible
}

/// The columns of a table with the values that are tried, as SQL.
async fn columns(pool: &PgPool, table: &str, keys: &[String]) -> Vec<(String, Vec<String>)> {
    let found = sqlx::query(
        "SELECT a.attname::text AS name, a.atttypid::regtype::text AS kind, a.attnotnull AS needed,
                (SELECT f.confrelid::regclass::text FROM pg_constraint f
                 WHERE f.contype = 'f' AND f.conrelid = a.attrelid AND f.conkey = ARRAY[a.attnum]) AS refers
         FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
    )
    .bind(table)
    .fetch_all(pool)
    .await
    .unwrap();
    let mut columns = Vec::new();
    for row in found {
        let (name, kind): (String, String) = (row.get("name"), row.get("kind"));
        let (needed, refers): (bool, Option<String>) = (row.get("needed"), row.get("refers"));
        // Rows with another key are gone and new ones: they are tried as such.
        if keys.contains(&name) {
            continue;
        }
        let known = VALUES.iter().find(|(of, column, _)| *of == table && *column == name);
        let mut values: Vec<String> = match (known, refers, kind.as_str()) {
            (Some((_, _, values)), _, _) => values.iter().map(|value| (*value).to_owned()).collect(),
            (None, Some(target), _) => {
                let key = if target == "currency" { "code" } else { "id" };
                vec![format!(
                    "(SELECT o.{key} FROM {target} o WHERE o.{key} <> coalesce({table}.{name}, '')
                     ORDER BY EXISTS (SELECT 1 FROM {table} same WHERE same.{name} = o.{key}), o.{key} LIMIT 1)"
                )]
            }
            (None, None, "boolean") => vec![format!("NOT {name}")],
            (None, None, "numeric" | "integer") => vec![format!("coalesce({name}, 0) + 1")],
            (None, None, "jsonb") => vec!["'{\"other\": 1}'".to_owned()],
            (None, None, "timestamp with time zone") if needed => vec![format!("{name} + interval '1 hour'")],
            (None, None, "timestamp with time zone") if name == "deleted_at" => vec!["now()".to_owned()],
            (None, None, "timestamp with time zone") => {
                vec!["now() - interval '1 hour'".to_owned(), "now() + interval '1 hour'".to_owned()]
            }
            (None, None, "text") => vec![format!("coalesce({name}, '') || 'x'")],
            (None, None, other) => panic!("{table}.{name}: no value of type {other}"),
        };
        if !needed {
            values.push("NULL".to_owned());
        }
        columns.push((name, values));
    }
    columns
}

/// A product that comes with all that belongs to it, step by step.
fn new_rows() -> Vec<Mutation> {
    let steps = [
        ("product", "INSERT INTO product (id, title, handle, status, type_id, collection_id) SELECT 'prod_new', 'Product 1 new',
            'brand-new', 'published', (SELECT id FROM product_type WHERE value = 'Apparel'),
            (SELECT id FROM product_collection WHERE handle = 'spring')", "id = 'prod_new'"),
        ("product_sales_channel", "INSERT INTO product_sales_channel SELECT 'prod_new', id FROM sales_channel
            WHERE deleted_at IS NULL", "product_id = 'prod_new'"),
        ("product_tags", "INSERT INTO product_tags SELECT 'prod_new', id FROM product_tag", "product_id = 'prod_new'"),
        ("product_category_product", "INSERT INTO product_category_product SELECT 'prod_new', id FROM product_category",
            "product_id = 'prod_new'"),
        ("product_option", "INSERT INTO product_option (id, title) VALUES ('opt_new', 'Novelty')", "id = 'opt_new'"),
        ("product_option_value", "INSERT INTO product_option_value (id, value, option_id) VALUES ('optval_new', 'S', 'opt_new')",
            "id = 'optval_new'"),
        ("product_product_option", "INSERT INTO product_product_option VALUES ('prod_new', 'opt_new')",
            "product_id = 'prod_new'"),
        ("product_variant", "INSERT INTO product_variant (id, product_id, title, sku) VALUES
            ('variant_new', 'prod_new', 'S', 'NEW-S')", "id = 'variant_new'"),
        ("product_variant_option", "INSERT INTO product_variant_option VALUES ('variant_new', 'optval_new')",
            "variant_id = 'variant_new'"),
        ("price_set", "INSERT INTO price_set (id) VALUES ('pset_new')", "id = 'pset_new'"),
        ("product_variant_price_set", "INSERT INTO product_variant_price_set VALUES ('variant_new', 'pset_new')",
            "variant_id = 'variant_new'"),
        ("price", "INSERT INTO price (id, price_set_id, currency_code, amount) VALUES ('price_new', 'pset_new', 'eur', 1)",
            "id = 'price_new'"),
        ("product_image", "INSERT INTO product_image (id, product_id, url) VALUES ('img_new', 'prod_new', 'http://x/y')",
            "id = 'img_new'"),
        ("product_category", "INSERT INTO product_category (id, name, handle, mpath, is_active, parent_category_id)
            SELECT 'pcat_new', 'New', 'brand-new', mpath || '.pcat_new', true, id FROM product_category WHERE handle = 'men'",
            "id = 'pcat_new'"),
        ("product_collection", "INSERT INTO product_collection (id, title, handle) VALUES ('pcol_new', 'New', 'brand-new')",
            "id = 'pcol_new'"),
        ("product_tag", "INSERT INTO product_tag (id, value) VALUES ('ptag_new', 'newer')", "id = 'ptag_new'"),
        ("product_type", "INSERT INTO product_type (id, value) VALUES ('ptyp_new', 'Newer')", "id = 'ptyp_new'"),
        ("region", "INSERT INTO region (id, name, currency_code) VALUES ('reg_new', 'New', 'eur')", "id = 'reg_new'"),
        ("currency", "INSERT INTO currency (code, symbol, symbol_native, name) VALUES ('xxx', 'x', 'x', 'None')",
            "code = 'xxx'"),
        ("return_reason", "INSERT INTO return_reason (id, value, label) VALUES ('rr_new', 'new', 'New')", "id = 'rr_new'"),
    ];
    let step = |(table, sql, row): (&str, &str, &str)| Mutation {
        sql: sql.to_owned(),
        undo: format!("DELETE FROM {table} WHERE {row}"),
    };
    steps.map(step).into()
}

/// Statements over many rows, and over several tables at once.
fn many_rows() -> Vec<Mutation> {
    let mutation = |sql: &str, undo: &str| Mutation { sql: sql.to_owned(), undo: undo.to_owned() };
    vec![
        mutation("UPDATE product SET subtitle = subtitle || '!'", "UPDATE product SET subtitle = left(subtitle, -1)"),
        mutation("UPDATE price SET amount = amount + 1", "UPDATE price SET amount = amount - 1"),
        mutation(
            "UPDATE inventory_level SET reserved_quantity = stocked_quantity",
            "UPDATE inventory_level SET reserved_quantity = 0",
        ),
        mutation(
            "UPDATE product_category SET is_active = NOT is_active",
            "UPDATE product_category SET is_active = NOT is_active",
        ),
        mutation(
            "UPDATE product_category_product SET product_category_id = 'pcat_orphan' WHERE product_category_id = 'pcat_deep'",
            "UPDATE product_category_product SET product_category_id = 'pcat_deep' WHERE product_category_id = 'pcat_orphan'",
        ),
        mutation(
            "UPDATE product_sales_channel SET sales_channel_id = 'sc_empty' WHERE sales_channel_id = 'sc_other'",
            "UPDATE product_sales_channel SET sales_channel_id = 'sc_other' WHERE sales_channel_id = 'sc_empty'",
        ),
        mutation(
            "UPDATE publishable_api_key_sales_channel SET sales_channel_id = 'sc_empty' WHERE sales_channel_id = 'sc_other'",
            "UPDATE publishable_api_key_sales_channel SET sales_channel_id = 'sc_other' WHERE sales_channel_id = 'sc_empty'",
        ),
        mutation(
            "WITH a AS (UPDATE product SET title = 'Both' WHERE handle = 'product-2' RETURNING id)
             UPDATE region SET name = 'Both' WHERE name = 'US'",
            "WITH a AS (UPDATE product SET title = 'Product 2' WHERE handle = 'product-2' RETURNING id)
             UPDATE region SET name = 'US' WHERE name = 'Both'",
        ),
        Mutation {
            sql: "INSERT INTO product_tag (id, value) SELECT id, 'again' FROM product_tag WHERE value = 'hot'
                  ON CONFLICT (id) DO UPDATE SET value = 'again'"
                .to_owned(),
            undo: "UPDATE product_tag SET value = 'hot' WHERE value = 'again'".to_owned(),
        },
    ]
}
