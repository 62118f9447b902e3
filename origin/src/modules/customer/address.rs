//! Addresses of customers. At most one of a customer is the default for shipping, and one for billing.

use sqlx::PgConnection;

use crate::modules::metadata::{self, Metadata};
use crate::modules::{Patch, WriteError};

/// An address to be made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewAddress {
    /// What the customer calls it.
    pub address_name: Option<String>,
    /// Whether parcels go there unless said otherwise.
    pub is_default_shipping: bool,
    /// Whether invoices go there unless said otherwise.
    pub is_default_billing: bool,
    /// The company.
    pub company: Option<String>,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// The street.
    pub address_1: Option<String>,
    /// The rest of the street.
    pub address_2: Option<String>,
    /// The town.
    pub city: Option<String>,
    /// Two letters; as it was given.
    pub country_code: Option<String>,
    /// The province or state.
    pub province: Option<String>,
    /// The postal code.
    pub postal_code: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
    /// The merchant's own.
    pub metadata: Metadata,
}

/// An address of a customer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CustomerAddress {
    /// Its id, `cuaddr_…`.
    pub id: String,
    /// Whose it is.
    pub customer_id: String,
    /// What it says.
    pub fields: NewAddress,
}

/// An update of an address.
#[derive(Debug, Clone, Default)]
pub struct AddressPatch {
    /// What the customer calls it.
    pub address_name: Patch<Option<String>>,
    /// Whether parcels go there unless said otherwise.
    pub is_default_shipping: Patch<bool>,
    /// Whether invoices go there unless said otherwise.
    pub is_default_billing: Patch<bool>,
    /// The company.
    pub company: Patch<Option<String>>,
    /// The given name.
    pub first_name: Patch<Option<String>>,
    /// The family name.
    pub last_name: Patch<Option<String>>,
    /// The street.
    pub address_1: Patch<Option<String>>,
    /// The rest of the street.
    pub address_2: Patch<Option<String>>,
    /// The town.
    pub city: Patch<Option<String>>,
    /// Two letters.
    pub country_code: Patch<Option<String>>,
    /// The province or state.
    pub province: Patch<Option<String>>,
    /// The postal code.
    pub postal_code: Patch<Option<String>>,
    /// The telephone number.
    pub phone: Patch<Option<String>>,
    /// The merchant's own; merged.
    pub metadata: Patch<Metadata>,
}

// === impl AddressPatch ===

impl AddressPatch {
    /// Carries it out.
    pub fn apply(self, address: &mut NewAddress) {
        self.address_name.apply(&mut address.address_name);
        self.is_default_shipping.apply(&mut address.is_default_shipping);
        self.is_default_billing.apply(&mut address.is_default_billing);
        self.company.apply(&mut address.company);
        self.first_name.apply(&mut address.first_name);
        self.last_name.apply(&mut address.last_name);
        self.address_1.apply(&mut address.address_1);
        self.address_2.apply(&mut address.address_2);
        self.city.apply(&mut address.city);
        self.country_code.apply(&mut address.country_code);
        self.province.apply(&mut address.province);
        self.postal_code.apply(&mut address.postal_code);
        self.phone.apply(&mut address.phone);
        metadata::merge(self.metadata, &mut address.metadata);
    }
}

/// Adds an address of a locked customer, in place of those that were the default where it is to be one.
pub async fn insert(conn: &mut PgConnection, address: &CustomerAddress) -> Result<(), WriteError> {
    yield_defaults(conn, address).await?;
    let CustomerAddress { id, customer_id, fields } = address;
    sqlx::query!(
        "INSERT INTO customer_address (id, customer_id, address_name, is_default_shipping, is_default_billing, company,
             first_name, last_name, address_1, address_2, city, country_code, province, postal_code, phone, metadata)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        id,
        customer_id,
        fields.address_name,
        fields.is_default_shipping,
        fields.is_default_billing,
        fields.company,
        fields.first_name,
        fields.last_name,
        fields.address_1,
        fields.address_2,
        fields.city,
        fields.country_code,
        fields.province,
        fields.postal_code,
        fields.phone,
        metadata::to_json(&fields.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads an address of a customer and locks it.
pub async fn lock(conn: &mut PgConnection, customer_id: &str, id: &str) -> Result<Option<CustomerAddress>, WriteError> {
    let row = sqlx::query!(
        "SELECT id, customer_id, address_name, is_default_shipping, is_default_billing, company, first_name, last_name,
             address_1, address_2, city, country_code, province, postal_code, phone, metadata
         FROM customer_address WHERE id = $1 AND customer_id = $2 AND deleted_at IS NULL FOR UPDATE",
        id,
        customer_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| CustomerAddress {
        id: row.id,
        customer_id: row.customer_id,
        fields: NewAddress {
            address_name: row.address_name,
            is_default_shipping: row.is_default_shipping,
            is_default_billing: row.is_default_billing,
            company: row.company,
            first_name: row.first_name,
            last_name: row.last_name,
            address_1: row.address_1,
            address_2: row.address_2,
            city: row.city,
            country_code: row.country_code,
            province: row.province,
            postal_code: row.postal_code,
            phone: row.phone,
            metadata: metadata::from_json(row.metadata),
        },
    }))
}

/// Writes a locked address of a locked customer back, in place of those that were the default where it is to be one.
pub async fn save(conn: &mut PgConnection, address: &CustomerAddress) -> Result<(), WriteError> {
    yield_defaults(conn, address).await?;
    let fields = &address.fields;
    sqlx::query!(
        "UPDATE customer_address SET address_name = $2, is_default_shipping = $3, is_default_billing = $4, company = $5,
             first_name = $6, last_name = $7, address_1 = $8, address_2 = $9, city = $10, country_code = $11,
             province = $12, postal_code = $13, phone = $14, metadata = $15, updated_at = clock_timestamp()
         WHERE id = $1",
        address.id,
        fields.address_name,
        fields.is_default_shipping,
        fields.is_default_billing,
        fields.company,
        fields.first_name,
        fields.last_name,
        fields.address_1,
        fields.address_2,
        fields.city,
        fields.country_code,
        fields.province,
        fields.postal_code,
        fields.phone,
        metadata::to_json(&fields.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes an address of a customer for good, as Medusa does; returns whether there was one.
pub async fn delete(conn: &mut PgConnection, customer_id: &str, id: &str) -> Result<bool, WriteError> {
    let done = sqlx::query!(
        "DELETE FROM customer_address WHERE id = $1 AND customer_id = $2 AND deleted_at IS NULL",
        id,
        customer_id
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How many addresses a customer has.
pub async fn count(conn: &mut PgConnection, customer_id: &str) -> Result<i64, WriteError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM customer_address WHERE customer_id = $1 AND deleted_at IS NULL"#,
        customer_id
    )
    .fetch_one(conn)
    .await?)
}

/// Takes the default from others, where this address is to have it (`maybeUnsetDefault{Shipping,Billing}AddressesStep`).
async fn yield_defaults(conn: &mut PgConnection, address: &CustomerAddress) -> Result<(), WriteError> {
    let fields = &address.fields;
    if !fields.is_default_shipping && !fields.is_default_billing {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE customer_address SET is_default_shipping = is_default_shipping AND NOT $3,
             is_default_billing = is_default_billing AND NOT $4, updated_at = clock_timestamp()
         WHERE customer_id = $1 AND id <> $2 AND deleted_at IS NULL
             AND (is_default_shipping AND $3 OR is_default_billing AND $4)",
        address.customer_id,
        address.id,
        fields.is_default_shipping,
        fields.is_default_billing
    )
    .execute(conn)
    .await?;
    Ok(())
}
