//! What is asked: every route, in the ways in which an answer can come to depend on something.

use vitrine_origin::seed::Kind;

use crate::shop::{KEY, id};

/// A question of a storefront.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) path: String,
    pub(crate) key: &'static str,
}

/// All of them.
pub(crate) fn all() -> Vec<Ask> {
    let paths = [products(), product_lists(), variants(), categories(), named(), places()].concat();
    let mut all: Vec<Ask> = paths.into_iter().map(|path| Ask { path, key: KEY }).collect();
    for key in ["pk_other", "pk_both"] {
        all.extend(by_other_keys().into_iter().map(|path| Ask { path, key }));
    }
    all
}

fn region() -> String {
    id(Kind::Region, 0)
}

fn priced() -> String {
    format!("fields=*variants.calculated_price,%2Bvariants.inventory_quantity,*categories&region_id={}", region())
}

fn products() -> Vec<String> {
    let (p0, p1) = (id(Kind::Product, 0), id(Kind::Product, 1));
    let (priced, category, tag) = (priced(), id(Kind::Category, 3), id(Kind::Tag, 0));
    vec![
        format!("products/{p0}"),
        format!("products/{p0}?{priced}"),
        format!("products/{p0}?{priced}&country_code=dk"),
        format!("products/{p0}?{priced}&country_code=dk&province=zealand"),
        format!("products/{p0}?fields=*variants.calculated_price"),
        format!("products/{p0}?fields=id,*variants.images,variants.options.option"),
        format!("products/{p0}?fields=%2Bmetadata,-variants,-options"),
        format!("products/{p0}?fields=id,title"),
        format!("products/{p0}?fields=id&tag_id[]={tag}"),
        format!("products/{p1}?fields=*tags,*type,*collection,*categories"),
        format!("products/{p1}?{priced}"),
        format!("products/{p1}?fields=id&category_id[]={category}"),
        format!("products/{}?fields=id,type_id,collection_id", id(Kind::Product, 2)),
        format!("products/{}", id(Kind::Product, 5)),
        "products/prod_new".to_owned(),
    ]
}

fn product_lists() -> Vec<String> {
    let (category, tag, kind) = (id(Kind::Category, 3), id(Kind::Tag, 0), id(Kind::Type, 0));
    let (collection, p0, priced) = (id(Kind::Collection, 0), id(Kind::Product, 0), priced());
    vec![
        "products?limit=5".to_owned(),
        "products?limit=3&offset=57&fields=id".to_owned(),
        "products?limit=4&order=-created_at&fields=id".to_owned(),
        "products?limit=4&order=title&fields=title".to_owned(),
        "products?limit=4&order=-updated_at&fields=id".to_owned(),
        format!("products?limit=3&{priced}&country_code=de"),
        format!("products?limit=3&{}&region_id={}", "fields=*variants.calculated_price", id(Kind::Region, 1)),
        "products?q=Product%201&fields=id".to_owned(),
        "products?q=P0-S&fields=id".to_owned(),
        "products?handle=product-0&fields=id".to_owned(),
        "products?handle=product-0x&fields=id".to_owned(),
        "products?handle=brand-new".to_owned(),
        format!("products?id[]={p0}&id[]=prod_new&fields=title"),
        "products?title=Product%200&fields=id".to_owned(),
        "products?is_giftcard=true&fields=id".to_owned(),
        "products?external_id=x&fields=id".to_owned(),
        "products?created_at[$gt]=2026-01-02T00:00:00Z&fields=id".to_owned(),
        format!("products?fields=title&category_id[]={category}"),
        "products?fields=id&category_id[]=pcat_deep".to_owned(),
        "products?fields=id&category_id[]=pcat_gone".to_owned(),
        format!("products?fields=id&category_id[]={}", id(Kind::Category, 4)),
        format!("products?fields=title&collection_id[]={collection}"),
        format!("products?fields=id&collection_id[]={}", id(Kind::Collection, 1)),
        "products?fields=id&collection_id[]=pcol_gone".to_owned(),
        format!("products?fields=title&tag_id[]={tag}"),
        format!("products?fields=id&tag_id[]={}", id(Kind::Tag, 1)),
        "products?fields=id&tag_id[]=ptag_gone".to_owned(),
        format!("products?fields=title&type_id[]={kind}"),
        "products?fields=id&type_id[]=ptyp_gone".to_owned(),
        format!("products?fields=id&option_id={}", id(Kind::ProductOption, 0)),
        format!("products?fields=id&option_value_id={}", id(Kind::OptionValue, 0)),
        "products?fields=title&variants[sku]=P0-S".to_owned(),
        "products?fields=title&variants[sku]=P0-Sx".to_owned(),
        format!("products?fields=title&limit=1&$or[0][tag_id][]={tag}"),
        format!("products?fields=title&limit=1&$or[0][category_id][]={category}"),
        format!("products?fields=title&$and[0][tag_id][]={tag}"),
    ]
}

fn variants() -> Vec<String> {
    let (v0, p0, region) = (id(Kind::Variant, 0), id(Kind::Product, 0), region());
    vec![
        "product-variants?limit=3".to_owned(),
        format!("product-variants?limit=3&region_id={region}&fields=%2Binventory_quantity"),
        format!("product-variants?product_id={p0}&fields=id"),
        format!("product-variants?product_id=prod_new&fields=id"),
        "product-variants?sku=P0-S&fields=id".to_owned(),
        "product-variants?q=P0&fields=id".to_owned(),
        "product-variants?manage_inventory=false&fields=id".to_owned(),
        format!("product-variants/{v0}"),
        format!("product-variants/{v0}?region_id={region}&country_code=dk&fields=%2Binventory_quantity"),
        format!("product-variants/{v0}?fields=id,title"),
        format!("product-variants/{}?region_id={region}", id(Kind::Variant, 1)),
        "product-variants/variant_new".to_owned(),
    ]
}

fn categories() -> Vec<String> {
    let (root, category) = (id(Kind::Category, 0), id(Kind::Category, 3));
    vec![
        "product-categories".to_owned(),
        "product-categories?fields=id&limit=2&order=-name".to_owned(),
        "product-categories?fields=*products&handle=men-shirts".to_owned(),
        "product-categories?handle=brand-new".to_owned(),
        "product-categories?handle=gone".to_owned(),
        "product-categories?include_descendants_tree=true&parent_category_id=null".to_owned(),
        "product-categories?include_ancestors_tree=true&handle=deep".to_owned(),
        format!("product-categories?parent_category_id={root}&fields=id"),
        format!("product-categories/{root}"),
        format!("product-categories/{root}?fields=*category_children.category_children"),
        format!("product-categories/{category}?fields=*products,*parent_category"),
        format!("product-categories/{category}?fields=name"),
        "product-categories/pcat_deep?fields=*parent_category.parent_category".to_owned(),
        "product-categories/pcat_orphan".to_owned(),
        "product-categories/pcat_gone".to_owned(),
        format!("product-categories/{}", id(Kind::Category, 11)),
        "product-categories/pcat_new".to_owned(),
    ]
}

fn named() -> Vec<String> {
    let (collection, tag, kind) = (id(Kind::Collection, 0), id(Kind::Tag, 0), id(Kind::Type, 0));
    vec![
        "collections".to_owned(),
        "collections?fields=*products".to_owned(),
        "collections?handle=brand-new".to_owned(),
        "collections?handle=spring&fields=id".to_owned(),
        format!("collections/{collection}"),
        format!("collections/{collection}?fields=id,*products"),
        format!("collections/{collection}?fields=id,*products.categories"),
        format!("collections/{}?fields=id,*products", id(Kind::Collection, 1)),
        "collections/pcol_gone".to_owned(),
        "product-tags?limit=2".to_owned(),
        "product-tags?value=new&fields=id".to_owned(),
        format!("product-tags/{tag}"),
        format!("product-tags/{tag}?fields=value"),
        "product-tags/ptag_gone".to_owned(),
        "product-types".to_owned(),
        "product-types?q=Gone&fields=id".to_owned(),
        format!("product-types/{kind}?fields=id,*products"),
        "product-types/ptyp_gone".to_owned(),
        "product-options?limit=2".to_owned(),
        "product-options?title=Novelty".to_owned(),
        format!("product-options/{}", id(Kind::ProductOption, 0)),
        "product-options/opt_alone".to_owned(),
        "product-options/opt_new".to_owned(),
    ]
}

fn places() -> Vec<String> {
    vec![
        "regions".to_owned(),
        "regions?fields=*payment_providers".to_owned(),
        "regions?currency_code=eur&fields=id".to_owned(),
        format!("regions/{}?fields=*countries,*payment_providers", region()),
        format!("regions/{}?fields=name", id(Kind::Region, 1)),
        "regions/reg_new".to_owned(),
        "currencies?limit=5".to_owned(),
        "currencies?code=eur".to_owned(),
        "currencies/eur".to_owned(),
        "currencies/xxx".to_owned(),
        "return-reasons".to_owned(),
        "return-reasons/rr_child".to_owned(),
        "return-reasons/rr_new".to_owned(),
    ]
}

/// Whose channels sell less, and more.
fn by_other_keys() -> Vec<String> {
    let priced = priced();
    vec![
        "products?fields=id".to_owned(),
        format!("products?limit=3&{priced}"),
        format!("products?limit=3&{priced}&sales_channel_id[]=sc_other"),
        format!("products/{}?{priced}&sales_channel_id=sc_other", id(Kind::Product, 0)),
        format!("products/{}?fields=id", id(Kind::Product, 3)),
        format!("product-variants/{}?fields=id,%2Binventory_quantity&sales_channel_id=sc_other", id(Kind::Variant, 0)),
        "collections?fields=*products".to_owned(),
        "regions?fields=id".to_owned(),
    ]
}
