//! A product's tags and categories.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::modules::WriteError;

/// Gives a product these tags in place of those that it had.
pub async fn set_tags(conn: &mut PgConnection, product_id: &str, tags: &BTreeSet<String>) -> Result<(), WriteError> {
    let tags: Vec<String> = tags.iter().cloned().collect();
    let known = sqlx::query_scalar!(
        "SELECT id FROM product_tag WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id FOR SHARE",
        &tags
    )
    .fetch_all(&mut *conn)
    .await?;
    if let Some(unknown) = tags.iter().find(|id| !known.contains(id)) {
        return Err(WriteError::Invalid(format!(
            "Tag with id {unknown} not found. Please create the tag before associating it with the product."
        )));
    }
    sqlx::query!("DELETE FROM product_tags WHERE product_id = $1 AND NOT product_tag_id = ANY($2)", product_id, &tags)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "INSERT INTO product_tags (product_id, product_tag_id) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING",
        product_id,
        &tags
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a product into these categories in place of those that it was in.
pub async fn set_categories(
    conn: &mut PgConnection,
    product_id: &str,
    categories: &BTreeSet<String>,
) -> Result<(), WriteError> {
    let categories: Vec<String> = categories.iter().cloned().collect();
    let known = sqlx::query_scalar!(
        "SELECT id FROM product_category WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id FOR SHARE",
        &categories
    )
    .fetch_all(&mut *conn)
    .await?;
    if let Some(unknown) = categories.iter().find(|id| !known.contains(id)) {
        return Err(WriteError::no_such("product_category_id", unknown));
    }
    sqlx::query!(
        "DELETE FROM product_category_product WHERE product_id = $1 AND NOT product_category_id = ANY($2)",
        product_id,
        &categories
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO product_category_product (product_id, product_category_id)
         SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING",
        product_id,
        &categories
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds locked products to a category; those that are in it stay.
pub async fn add_to_category(conn: &mut PgConnection, products: &[String], category: &str) -> Result<(), WriteError> {
    sqlx::query!(
        "INSERT INTO product_category_product (product_id, product_category_id)
         SELECT unnest($1::text[]), $2 ON CONFLICT DO NOTHING",
        products,
        category
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes locked products out of a category.
pub async fn remove_from_category(
    conn: &mut PgConnection,
    products: &[String],
    category: &str,
) -> Result<(), WriteError> {
    sqlx::query!(
        "DELETE FROM product_category_product WHERE product_id = ANY($1) AND product_category_id = $2",
        products,
        category
    )
    .execute(conn)
    .await?;
    Ok(())
}
