//! What a parcel and the customs want to know of a product, variant or inventory item.

use rust_decimal::Decimal;

use crate::modules::Patch;

/// Measures and customs codes. Units are the merchant's, as in Medusa.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Physical {
    /// Weight.
    pub weight: Option<Decimal>,
    /// Length.
    pub length: Option<Decimal>,
    /// Height.
    pub height: Option<Decimal>,
    /// Width.
    pub width: Option<Decimal>,
    /// Two letters of the country that it was made in.
    pub origin_country: Option<String>,
    /// Harmonized System code.
    pub hs_code: Option<String>,
    /// Manufacturer identification code.
    pub mid_code: Option<String>,
    /// Material.
    pub material: Option<String>,
}

/// An update of [`Physical`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PhysicalPatch {
    /// Weight.
    pub weight: Patch<Option<Decimal>>,
    /// Length.
    pub length: Patch<Option<Decimal>>,
    /// Height.
    pub height: Patch<Option<Decimal>>,
    /// Width.
    pub width: Patch<Option<Decimal>>,
    /// Two letters of the country that it was made in.
    pub origin_country: Patch<Option<String>>,
    /// Harmonized System code.
    pub hs_code: Patch<Option<String>>,
    /// Manufacturer identification code.
    pub mid_code: Patch<Option<String>>,
    /// Material.
    pub material: Patch<Option<String>>,
}

// === impl PhysicalPatch ===

impl PhysicalPatch {
    /// Carries it out.
    pub fn apply(self, to: &mut Physical) {
        self.weight.apply(&mut to.weight);
        self.length.apply(&mut to.length);
        self.height.apply(&mut to.height);
        self.width.apply(&mut to.width);
        self.origin_country.apply(&mut to.origin_country);
        self.hs_code.apply(&mut to.hs_code);
        self.mid_code.apply(&mut to.mid_code);
        self.material.apply(&mut to.material);
    }
}
