//! Addresses of a cart.

use vitrine_shared::id;

use super::error::CartError;
use super::record::Address;
use crate::modules::Patch;

/// An address of a body.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GivenAddress {
    /// The address that it changes; without, it is another one.
    pub id: Option<String>,
    /// What it says; what it does not mention stays as it was where it changes one.
    pub fields: AddressFields,
}

/// Fields of an address that were mentioned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AddressFields {
    /// Names with values.
    pub texts: Vec<(&'static str, Option<String>)>,
    /// The storefront's own.
    pub metadata: Patch<Option<serde_json::Map<String, serde_json::Value>>>,
}

/// Names of the fields that are text.
pub const TEXTS: [&str; 10] = [
    "first_name",
    "last_name",
    "phone",
    "company",
    "address_1",
    "address_2",
    "city",
    "country_code",
    "province",
    "postal_code",
];

/// Puts an address in place of another.
pub fn set_address(address: &mut Option<Address>, id: &mut Option<String>, new: Option<Address>) {
    *id = new.as_ref().map(|new| new.id.clone());
    *address = new;
}

// === impl GivenAddress ===

impl GivenAddress {
    /// What a field says; none where it is not mentioned or empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.fields.texts.iter().find(|(other, _)| *other == name);
        found.and_then(|(_, value)| value.as_deref())
    }

    /// The address that the cart has then. Medusa changes any address whose id is named; here it must be the cart's.
    pub fn over(self, known: Option<&Address>) -> Result<Address, CartError> {
        let mut address = match &self.id {
            None => Address { id: id::new("caaddr"), ..Address::default() },
            Some(id) => known
                .filter(|known| known.id == *id)
                .cloned()
                .ok_or_else(|| CartError::NotFound(format!("Address with id \"{id}\" not found")))?,
        };
        for (name, value) in self.fields.texts {
            if let Some(field) = address.field(name) {
                *field = value;
            }
        }
        self.fields.metadata.apply(&mut address.metadata);
        Ok(address)
    }
}

// === impl Address ===

impl Address {
    fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "first_name" => &mut self.first_name,
            "last_name" => &mut self.last_name,
            "phone" => &mut self.phone,
            "company" => &mut self.company,
            "address_1" => &mut self.address_1,
            "address_2" => &mut self.address_2,
            "city" => &mut self.city,
            "country_code" => &mut self.country_code,
            "province" => &mut self.province,
            "postal_code" => &mut self.postal_code,
            _ => return None,
        })
    }
}
