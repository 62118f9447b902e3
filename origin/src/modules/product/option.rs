//! Options of a product, such as Size, and their values.

use sqlx::PgConnection;
use vitrine_shared::id;

use crate::modules::WriteError;
use crate::modules::metadata::{self, Metadata};

/// An option with its values, in the order in which they were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductOption {
    /// Its id, `opt_…`.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What can be chosen.
    pub values: Vec<OptionValue>,
}

/// A value of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionValue {
    /// Its id, `optval_…`.
    pub id: String,
    /// What it says.
    pub value: String,
}

/// An option to be made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewOption {
    /// What it is called.
    pub title: String,
    /// What can be chosen: a text, and its rank where one is given.
    pub values: Vec<(String, Option<i32>)>,
    /// Whether other products may use it too.
    pub is_exclusive: bool,
    /// The merchant's own.
    pub metadata: Metadata,
}

/// Makes options of a product.
pub async fn insert(
    conn: &mut PgConnection,
    product_id: &str,
    options: Vec<NewOption>,
) -> Result<Vec<ProductOption>, WriteError> {
    let mut made = Vec::with_capacity(options.len());
    for option in options {
        made.push(insert_one(conn, product_id, option).await?);
    }
    Ok(made)
}

async fn insert_one(conn: &mut PgConnection, product_id: &str, option: NewOption) -> Result<ProductOption, WriteError> {
    let option_id = id::new("opt");
    sqlx::query!(
        "INSERT INTO product_option (id, title, is_exclusive, metadata) VALUES ($1, $2, $3, $4)",
        option_id,
        option.title,
        option.is_exclusive,
        metadata::to_json(&option.metadata)
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO product_product_option (product_id, product_option_id) VALUES ($1, $2)",
        product_id,
        option_id
    )
    .execute(&mut *conn)
    .await?;
    let (texts, ranks): (Vec<String>, Vec<Option<i32>>) = option.values.into_iter().unzip();
    let ids: Vec<String> = texts.iter().map(|_| id::new("optval")).collect();
    sqlx::query!(
        "INSERT INTO product_option_value (id, value, rank, option_id, position)
         SELECT v.id, v.value, v.rank, $1, (v.position - 1)::int
         FROM unnest($2::text[], $3::text[], $4::int[]) WITH ORDINALITY AS v (id, value, rank, position)",
        option_id,
        &ids,
        &texts,
        &ranks as &[Option<i32>]
    )
    .execute(conn)
    .await?;
    let values = ids.into_iter().zip(texts).map(|(id, value)| OptionValue { id, value }).collect();
    Ok(ProductOption { id: option_id, title: option.title, values })
}

/// The options of a product.
pub async fn of_product(conn: &mut PgConnection, product_id: &str) -> Result<Vec<ProductOption>, WriteError> {
    let rows = sqlx::query!(
        r#"SELECT o.id, o.title, v.id AS "value_id?", v.value AS "value?"
           FROM product_product_option l JOIN product_option o ON o.id = l.product_option_id AND o.deleted_at IS NULL
           LEFT JOIN product_option_value v ON v.option_id = o.id AND v.deleted_at IS NULL
           WHERE l.product_id = $1 ORDER BY o.id, v.position, v.id"#,
        product_id
    )
    .fetch_all(conn)
    .await?;
    let mut options: Vec<ProductOption> = Vec::new();
    for row in rows {
        if options.last().is_none_or(|option| option.id != row.id) {
            options.push(ProductOption { id: row.id, title: row.title, values: Vec::new() });
        }
        if let (Some(option), Some(id), Some(value)) = (options.last_mut(), row.value_id, row.value) {
            option.values.push(OptionValue { id, value });
        }
    }
    Ok(options)
}
