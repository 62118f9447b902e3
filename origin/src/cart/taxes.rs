//! Tax lines of a cart (`core-flows/dist/tax/steps/get-item-tax-lines.js`, `tax/dist/providers/system.js`).

use vitrine_shared::id;

use super::error::CartError;
use super::facts::Facts;
use super::record::{Cart, TaxLine};
use crate::pricing::{Amount, TaxRate, Taxable};

/// Who works taxes out.
const PROVIDER: &str = "system";

/// Works out all tax lines anew; lines that stay keep their ids.
///
/// Without a country there are none. Where the region's taxes are not automatic, `forced` works them out all the same.
pub(super) fn set(cart: &mut Cart, facts: &Facts, forced: bool) -> Result<(), CartError> {
    let country = cart.shipping_address.as_ref().and_then(|address| address.country_code.as_deref());
    let has_country = country.is_some_and(|country| !country.is_empty());
    if forced && !has_country {
        return Err(CartError::Invalid("country code is required to calculate taxes".to_owned()));
    }
    let is_taxed = has_country && (forced || facts.region.as_ref().is_some_and(|region| region.automatic_taxes));
    for item in &mut cart.items {
        let rates = match &item.product_id {
            Some(product) if is_taxed && !item.is_giftcard => {
                facts.rates.applicable(Taxable::Product { id: product, product_type: item.product_type_id.as_deref() })
            }
            _ => Vec::new(),
        };
        replace(&mut item.tax_lines, &rates, "calitxl");
    }
    for method in &mut cart.shipping_methods {
        let rates = match &method.shipping_option_id {
            Some(option) if is_taxed => facts.rates.applicable(Taxable::Shipping { option }),
            _ => Vec::new(),
        };
        replace(&mut method.tax_lines, &rates, "casmtxl");
    }
    Ok(())
}

fn replace(lines: &mut Vec<TaxLine>, rates: &[&TaxRate], prefix: &str) {
    let before = std::mem::take(lines);
    for rate in rates {
        let line = TaxLine {
            id: String::new(),
            description: Some(rate.name.clone()),
            tax_rate_id: Some(rate.id.clone()),
            code: rate.code.clone(),
            rate: rate.rate.unwrap_or(Amount::ZERO),
            provider_id: Some(PROVIDER.to_owned()),
        };
        let known = before.iter().find(|known| TaxLine { id: String::new(), ..(*known).clone() } == line);
        let id = known.map_or_else(|| id::new(prefix), |known| known.id.clone());
        lines.push(TaxLine { id, ..line });
    }
}
