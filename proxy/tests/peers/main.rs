//! Defects of other caches and shops, each as a test that would find it here: races by barriers, over real sockets.
//!
//! Where it can, a test does what its report tells: the steps are the peer's, the outcome is ours. Numbers are of the peers' trackers. What a
//! test elsewhere holds already is named and not repeated.
//!
//! | peer and defect | held by |
//! | --- | --- |
//! | Varnish: `HSH_Purge` passes over busy objects; xkey too; Pingora's `purge` and pingap touch storage alone; magento2#5980, next.js#55960 | `purge_api::a_purge_reaches_a_running_fill`, `purges::a_purge_beats_the_fill_that_it_overtakes` |
//! | Varnish: the reference to the newest ban is taken when the object is complete | [`fills::a_purge_between_the_head_and_the_end_of_a_fill_reaches_it`], `purges::nobody_joins_a_body_that_a_purge_has_overtaken` |
//! | Varnish: 304s against bans, varnish-cache#4082 (against purges: c00129.vtc) | [`fills::a_304_that_comes_late_freshens_nothing_that_came_after_it_was_asked_for`], `purges::a_304_that_a_purge_overtakes_freshens_nothing`, `purge_api::a_purge_reaches_a_refresh_that_runs_behind`, `coherence::by_its_date_nothing_is_confirmed_that_was_purged` |
//! | Envoy had no coalescing (#34595); where others have it, waiters take what a purge overtook | [`fills::all_who_ask_after_a_purge_share_one_new_fill`], `purges::a_raised_floor_overtakes_a_fill_too` |
//! | `ngx_cache_purge`#16, #55, apisix#13523: variants survive a purge | [`fills::a_purge_reaches_a_variant_that_is_still_on_its_way`], `purge_api::a_url_is_purged_with_all_its_variants_and_keyed_headers`, `compression::a_purge_ends_what_was_derived` |
//! | Cloudflare: a custom key, or a rule for GET alone, breaks purges by URL | the same, [`fills::a_url_is_purged_whatever_rule_stored_it`], `reload_coherence::a_url_that_is_purged_while_other_rules_are_in_force_stays_purged_when_they_go` |
//! | negative answers outlive what they deny | [`fills::an_absence_on_its_way_does_not_outlive_the_creation`], `shared::event`'s `a_new_product_purges_the_absence_of_its_handle` |
//! | parts of two contents in one download | [`fills::a_part_is_never_taken_from_a_body_that_a_purge_has_overtaken`] |
//! | a shield's stale copy is freshened below it: mitodl/ol-infrastructure#5143, shopware/recipes#40, Ibexa IBX-5501 | [`nodes::a_shields_stale_copy_is_not_freshened_below_it`], `feed::an_upstream_that_lags_behind_what_it_acknowledged_is_not_believed`, `purges::purged_is_not_stale` |
//! | CloudFront: tags beyond the 50th are not stored, and purge nothing | [`tags::an_answer_with_too_many_tags_is_not_stored_and_the_last_that_fits_purges`] |
//! | Souin#867: a tag is matched as a pattern, and others lose their index | [`tags::a_tag_is_no_pattern_and_purging_one_leaves_the_others_purgeable`] |
//! | cache-handler#127: untagged responses pile up under one empty tag | [`tags::what_has_no_tag_is_reached_by_no_tag_and_by_all_else`] |
//! | magento2#30128: 25,000 updates are 25,000 flushes | [`tags::many_purges_neither_flush_the_rest_nor_spoil_fills_under_way`] |
//! | magento2#39056: stock changes and nothing is purged | origin: `by_hand::stock_is_told_always_and_availability_when_it_changes` |
//! | magento2#13325: a price rule begins and the cache stays; #25725: purged when scheduled and not when due; #26516: the whole catalogue at 1 am | [`nodes::a_304_that_brings_a_nearer_boundary_ends_what_it_confirmed`], `purges::content_that_ends_by_the_clock_is_not_served_after_its_end`, origin: `by_hand::a_dated_price_list_purges_when_it_begins_and_ends_and_no_acknowledgement_waits_for_that` |
//! | medusa#15178: cached with no tags; medusa#14903, dtc-starter#42: events that purge too little | origin: `completeness::whatever_sql_changes_in_an_answer_it_purges` |
//! | Medusa: events staged in Redis for 600 s, one attempt | `feed::without_redis_the_endpoint_is_polled_and_nothing_is_lost`, origin: `publishing::what_a_killed_relay_numbered_the_next_one_publishes` |
//! | Magento: the first Varnish that fails ends the loop, and nothing is tried again | [`nodes::a_node_that_is_cut_off_keeps_no_purge_from_the_others_and_gets_it_later`] |
//! | next.js#92402: purges are of one instance by default; kube-httpcache#41 | [`nodes::one_purge_reaches_every_edge_and_what_is_on_its_way_there`] |
//! | foyer: tombstones are off by default, and a restart brings back what was removed | [`nodes::what_a_purge_overtook_does_not_come_back_with_the_disk`], `disk::a_purge_by_tag_outlives_a_restart` and its kin, `kill_edge` |
//! | vuestorefront/magento2#476: another store's view | [`fills::two_store_views_share_no_fill`], `coherence::a_failure_is_for_those_of_its_variant_alone` |
//! | responses with Set-Cookie are stored | `caching::a_response_that_sets_a_cookie_is_neither_stored_nor_shared`, `poisoning::a_response_that_sets_a_cookie_is_for_its_client_alone` |
//! | pingap on Pingora 0.8.1: the configuration is read early, later changes are ignored | `reload::no_request_fails_or_mixes_two_sets_while_the_file_is_reloaded`, `reload_coherence::a_tag_that_a_rule_gives_anew_purges_all_that_it_should_be_on` |
//! | FOSHttpCache#448: nobody can say what a tag is on | `explain::objects_are_listed_by_tag_prefix_host_and_url` |
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

mod fills;
mod nodes;
#[path = "../support/mod.rs"]
mod support;
mod tags;

use serde_json::{Value, json};
use support::{Got, Proxy, Upstream, fetch, response};
use tokio::task::JoinHandle;

const FRESH: &str = "Cache-Control: max-age=60\r\n";

/// Sends purges to the operations port.
async fn purge(proxy: &Proxy, purges: Value) -> Got {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("http://{}/purge", proxy.ops)).bearer_auth("ops-secret");
    fetch(request.body(json!({ "purges": purges }).to_string())).await.unwrap()
}

/// The same, and it is done.
async fn purged(proxy: &Proxy, what: &Value) {
    let got = purge(proxy, json!([what])).await;
    assert_eq!(got.status, 200, "{what} {got:?}");
}

/// Asks through the cache, and answers at the upstream.
async fn fill(proxy: &Proxy, upstream: &mut Upstream, path: &str, fields: &str, body: &str) {
    let getting = proxy.getting(path);
    upstream.answer(&response("200 OK", fields, body)).await;
    assert_eq!(got(getting).await.body, body);
    proxy.settled().await;
}

async fn got(getting: JoinHandle<reqwest::Result<Got>>) -> Got {
    getting.await.unwrap().unwrap()
}

/// A hit with this body.
async fn is_hit(proxy: &Proxy, path: &str, body: &str) {
    let got = fetch(proxy.get(path)).await.unwrap();
    assert!(got.is_hit() && got.body == body, "{path} {got:?}");
}
