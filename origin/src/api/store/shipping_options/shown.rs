//! What shipping options show (`api/store/shipping-options/query-config.js`, `list-shipping-options-for-cart.js`).

use std::sync::LazyLock;

use crate::query::fields::Shown;

/// Of a list: what may be asked for besides [`ALWAYS`].
pub(super) static LISTED: LazyLock<Shown> =
    LazyLock::new(|| Shown::new(&[], [DEFAULTS, EXTRA, DEEP].concat().into_iter().map(str::to_owned)).depth(4));
/// Of one whose price is asked for.
pub(super) static CALCULATED: LazyLock<Shown> =
    LazyLock::new(|| Shown::new(DEFAULTS, EXTRA.iter().map(|path| (*path).to_owned())));

/// What each entry of a list shows, besides its rules.
pub(super) const ALWAYS: &[&str] = &[
    "id",
    "name",
    "price_type",
    "service_zone_id",
    "shipping_profile_id",
    "provider_id",
    "data",
    "service_zone.fulfillment_set_id",
    "service_zone.fulfillment_set.type",
    "service_zone.fulfillment_set.location.id",
    "service_zone.fulfillment_set.location.address",
    "type.id",
    "type.label",
    "type.description",
    "type.code",
    "provider.id",
    "provider.is_enabled",
    "calculated_price",
    "prices",
    "prices.price_rules",
];

const DEFAULTS: &[&str] = &[
    "id",
    "name",
    "price_type",
    "service_zone_id",
    "shipping_profile_id",
    "provider_id",
    "shipping_option_type_id",
    "metadata",
];

const EXTRA: &[&str] = &[
    "data",
    "type",
    "type.id",
    "type.label",
    "type.description",
    "type.code",
    "provider",
    "provider.id",
    "provider.is_enabled",
    "prices",
    "prices.id",
    "prices.currency_code",
    "prices.amount",
    "prices.min_quantity",
    "prices.max_quantity",
    "prices.price_rules",
    "prices.price_rules.id",
    "prices.price_rules.attribute",
    "prices.price_rules.operator",
    "prices.price_rules.value",
    "calculated_price",
];

const DEEP: &[&str] = &[
    "service_zone",
    "service_zone.id",
    "service_zone.fulfillment_set_id",
    "service_zone.fulfillment_set",
    "service_zone.fulfillment_set.id",
    "service_zone.fulfillment_set.type",
    "service_zone.fulfillment_set.location",
    "service_zone.fulfillment_set.location.id",
    "service_zone.fulfillment_set.location.address",
    "service_zone.fulfillment_set.location.address.id",
    "service_zone.fulfillment_set.location.address.company",
    "service_zone.fulfillment_set.location.address.address_1",
    "service_zone.fulfillment_set.location.address.address_2",
    "service_zone.fulfillment_set.location.address.city",
    "service_zone.fulfillment_set.location.address.country_code",
    "service_zone.fulfillment_set.location.address.province",
    "service_zone.fulfillment_set.location.address.postal_code",
    "service_zone.fulfillment_set.location.address.phone",
    "service_zone.fulfillment_set.location.address.metadata",
    "service_zone.fulfillment_set.location.address.created_at",
    "service_zone.fulfillment_set.location.address.updated_at",
    "service_zone.fulfillment_set.location.address.deleted_at",
];
