//! Statements as text. That they run, and give what they should, is tested on a real database.

use super::*;
use crate::query::graph::{COLLECTION, PRODUCT};

fn ask<'a>(
    selection: &'a Selection,
    filter: &'a Filter,
    order: &'a [Order],
    sight: &'a Sight,
    nonce: &'a Nonce,
) -> Ask<'a> {
    Ask {
        selection,
        filter,
        order,
        paging: Paging { limit: 2, offset: 0 },
        sight,
        counted: true,
        prices: Prices::None,
        stock_channel: None,
        nonce,
    }
}

fn column(name: &str) -> &'static Column {
    PRODUCT.column(name).unwrap().1
}

#[test]
fn a_list_is_one_statement() {
    let mut selection = Selection::of(&COLLECTION);
    selection.add("created_at");
    selection.add("products.title");
    let sight = Sight::Store { channels: vec!["sc".into()] };
    let (everything, nonce) = (Filter::everything(), Nonce::new());
    let statement = compile(&ask(&selection, &everything, &[], &sight, &nonce));
    assert_eq!(
        statement.sql,
        "WITH page AS MATERIALIZED (SELECT t.id AS key, row_number() OVER (ORDER BY t.id) AS n FROM product_collection t \
         WHERE t.deleted_at IS NULL ORDER BY t.id LIMIT 2 OFFSET 0) \
         SELECT (SELECT count(*) FROM product_collection t WHERE t.deleted_at IS NULL) AS total, page.key, \
         CASE WHEN page.key IS NOT NULL THEN (SELECT row_to_json(d) FROM (SELECT t.id, \
         to_char(t.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS \"created_at\", \
         (SELECT coalesce(json_agg((SELECT row_to_json(d) FROM (SELECT t1.id, t1.title) d) ORDER BY t1.id), '[]'::json) \
         FROM product t1 WHERE t1.collection_id = t.id AND t1.deleted_at IS NULL AND t1.status = 'published' AND \
         EXISTS (SELECT 1 FROM product_sales_channel sold WHERE sold.product_id = t1.id \
         AND sold.sales_channel_id = ANY($1::text[]))) AS \"products\") d)::text END AS document, \
         NULL::text AS prices, NULL::text AS stock, NULL::text AS totals, NULL::text[] AS unnamed, \
         shown.term AS shown_term, shown.seq AS shown_seq FROM feed_position shown LEFT JOIN page ON true LEFT JOIN product_collection t ON t.id = page.key ORDER BY page.n"
    );
    assert_eq!(statement.values, [Bound::Texts(vec!["sc".into()])]);
}

#[test]
fn values_are_bound_and_equals_are_ordered_by_key() {
    let hostile = "x'; DROP TABLE product; --";
    let text = |text: &str| Value::Text(text.into());
    let (_, tags) = PRODUCT.relation("tags").unwrap();
    let (_, id) = tags.target.column("id").unwrap();
    let filter = Filter::Any(vec![
        Filter::Column(column("handle"), Test::In(vec![text(hostile)])),
        Filter::Related(tags, Box::new(Filter::Column(id, Test::NotIn(vec![text(hostile)])))),
        Filter::search(hostile),
        Filter::All(vec![]),
        Filter::Any(vec![]),
        Filter::Column(column("metadata"), Test::In(vec![text("x")])),
    ]);
    let selection = Selection::of(&PRODUCT);
    let order = [Order { column: column("created_at"), descending: true }];
    let nonce = Nonce::new();
    let statement = compile(&ask(&selection, &filter, &order, &Sight::Everything, &nonce));
    assert!(!statement.sql.contains("DROP"), "{}", statement.sql);
    assert!(statement.sql.contains("ORDER BY t.created_at DESC, t.id DESC LIMIT"), "{}", statement.sql);
    assert!(statement.sql.contains("(t.handle = ANY($1::text[]) OR EXISTS ("), "{}", statement.sql);
    assert!(statement.sql.contains(" OR true OR false OR false)"), "{}", statement.sql);
}
