//! Who an entity of the demo shop is: its kind, its number, its natural key, and the id made of them.

use std::fmt;

use chrono::{DateTime, Utc};
use vitrine_shared::id;

/// The Unix time in milliseconds that ids of the demo shop carry: 2026-01-01T00:00:00Z, whatever its entities' times.
const ID_MILLIS: u64 = 1_767_225_600_000;

/// Gives the entities of the demo shop their ids, and their times where these are known.
///
/// `key` is the natural key listed at each [`Kind`]; `number` counts within a kind, and no two entities of a kind share
/// one. Equal arguments must give equal answers: a later load names what an earlier one made.
pub trait Ids: Send + Sync {
    /// The id.
    fn id(&self, kind: Kind, number: u64, key: fmt::Arguments<'_>) -> String;

    /// When it was made, if not at the time that the load gives it.
    fn created_at(&self, kind: Kind, number: u64, key: fmt::Arguments<'_>) -> Option<DateTime<Utc>> {
        let _ = (kind, number, key);
        None
    }
}

/// Ids made of kind and number alone: the same in every load of any size.
#[derive(Debug, Clone, Copy, Default)]
pub struct FixedIds;

impl Ids for FixedIds {
    fn id(&self, kind: Kind, number: u64, _key: fmt::Arguments<'_>) -> String {
        id::deterministic(kind.prefix(), ID_MILLIS, number)
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident => $prefix:literal;)*) => {
        /// A kind of entity that has ids. The texts are the forms of the natural keys.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Kind {
            /// What its ids begin with; Medusa's.
            pub const fn prefix(self) -> &'static str {
                match self {
                    $(Self::$name => $prefix,)*
                }
            }
        }
    };
}

kinds! {
    /// Handle: `product-7`.
    Product => "prod";
    /// Handle of the product and title: `product-7/Size`.
    ProductOption => "opt";
    /// Handle of the product, title of the option, value: `product-7/Size/S`.
    OptionValue => "optval";
    /// Sku: `P7-S`.
    Variant => "variant";
    /// Handle of the product and rank: `product-7/0`.
    Image => "img";
    /// Handle: `men-shirts`.
    Category => "pcat";
    /// Handle: `spring`.
    Collection => "pcol";
    /// Value: `cotton`.
    Tag => "ptag";
    /// Value: `Apparel`.
    Type => "ptyp";
    /// Name: `Europe`.
    Region => "reg";
    /// Country code: `dk`.
    TaxRegion => "txreg";
    /// Code: `vat_dk`.
    TaxRate => "txr";
    /// Name: `Default Sales Channel`.
    SalesChannel => "sc";
    /// Title: `pk`.
    ApiKey => "apk";
    /// Name: `Bench`.
    Store => "store";
    /// Currency code: `eur`.
    StoreCurrency => "stocur";
    /// Value: `wrong_size`.
    ReturnReason => "rr";
    /// Sku of the variant, or `shipping/` and the code of the option's type: `P7-S`, `shipping/express`.
    PriceSet => "pset";
    /// Key of the price set and currency: `P7-S/eur`; with the region: `shipping/express/Europe`; of the sale: `sale/P0-S/eur`.
    Price => "price";
    /// Key of the price: `shipping/express/Europe`.
    PriceRule => "prule";
    /// Title: `Sale`.
    PriceList => "plist";
    /// Currency code or name of the region: `eur`, `Europe`.
    PricePreference => "prpref";
    /// Code: `TEN`.
    Promotion => "promo";
    /// Code of the promotion: `TEN`.
    ApplicationMethod => "proappmet";
    /// Name of the stock location: `WH`.
    StockLocationAddress => "laddr";
    /// Name: `WH`.
    StockLocation => "sloc";
    /// Sku: `P7-S`.
    InventoryItem => "iitem";
    /// Sku of the item: `P7-S`.
    InventoryLevel => "ilev";
    /// Type: `default`.
    ShippingProfile => "sp";
    /// Name: `WH delivery`.
    FulfillmentSet => "fuset";
    /// Name: `All`.
    ServiceZone => "serzo";
    /// Country code: `dk`.
    GeoZone => "fgz";
    /// Code: `express`.
    ShippingOptionType => "sotype";
    /// Code of its type: `express`.
    ShippingOption => "so";
    /// Code of the option's type and attribute: `express/is_return`.
    ShippingOptionRule => "sorul";
    /// The word `admin`.
    User => "user";
    /// The word `admin`.
    AuthIdentity => "authid";
    /// The word `admin`.
    ProviderIdentity => "proide";
}
