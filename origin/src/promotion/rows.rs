//! Loading promotions: a column of the caller's own statement, so that it costs no round trip.

/// SQL of a JSON text that serde reads as `Vec<Promotion>`: the promotions of these codes, on or off, and those that need no code
/// and are on. Both arguments are bound `text[]` such as `$3`: codes, and the cart's customer id and e-mail address (those
/// that it has), whose uses campaigns may count.
pub fn rows(codes: &str, users: &str) -> String {
    let [of_promotion, targets, buys] = [
        ("promotion_promotion_rule", "promotion_id", "p.id"),
        ("application_method_target_rules", "application_method_id", "m.id"),
        ("application_method_buy_rules", "application_method_id", "m.id"),
    ]
    .map(|(link, near, holder)| rules(link, near, holder));
    format!(
        "(SELECT coalesce(json_agg(json_build_object('id', p.id, 'code', p.code, 'is_automatic', p.is_automatic, \
         'is_tax_inclusive', p.is_tax_inclusive, 'type', p.type, 'status', p.status, 'limit', p.\"limit\", \
         'used', p.used, 'rules', {of_promotion}, \
         'method', (SELECT json_build_object('type', m.type, 'target_type', m.target_type, 'allocation', m.allocation, \
         'value', m.value::text, 'currency_code', m.currency_code, 'max_quantity', m.max_quantity, \
         'apply_to_quantity', m.apply_to_quantity, 'buy_rules_min_quantity', m.buy_rules_min_quantity, \
         'target_rules', {targets}, 'buy_rules', {buys}) \
         FROM promotion_application_method m WHERE m.promotion_id = p.id AND m.deleted_at IS NULL), \
         'campaign', (SELECT json_build_object('starts_at', (extract(epoch FROM c.starts_at) * 1000)::bigint, \
         'ends_at', (extract(epoch FROM c.ends_at) * 1000)::bigint, \
         'budget', (SELECT json_build_object('type', b.type, 'limit', b.\"limit\"::text, 'used', b.used::text, \
         'attribute', b.attribute, 'usages', coalesce((SELECT json_agg(json_build_object(\
         'attribute_value', u.attribute_value, 'used', u.used::text)) FROM promotion_campaign_budget_usage u \
         WHERE u.budget_id = b.id AND u.attribute_value = ANY({users}) AND u.deleted_at IS NULL), '[]')) \
         FROM promotion_campaign_budget b WHERE b.campaign_id = c.id AND b.deleted_at IS NULL)) \
         FROM promotion_campaign c WHERE c.id = p.campaign_id AND c.deleted_at IS NULL))), '[]')::text \
         FROM promotion p WHERE p.deleted_at IS NULL \
         AND (p.code = ANY({codes}) OR (p.is_automatic AND p.status = 'active')))"
    )
}

fn rules(link: &str, near: &str, holder: &str) -> String {
    format!(
        "coalesce((SELECT json_agg(json_build_object('attribute', r.attribute, 'operator', r.operator, \
         'values', coalesce((SELECT json_agg(v.value) FROM promotion_rule_value v \
         WHERE v.promotion_rule_id = r.id AND v.deleted_at IS NULL), '[]')) ORDER BY r.id) \
         FROM {link} k JOIN promotion_rule r ON r.id = k.promotion_rule_id \
         WHERE k.{near} = {holder} AND r.deleted_at IS NULL), '[]')"
    )
}
