//! What is done to customers' addresses. The customer is locked, so that two changes of what is the default cannot meet.

use vitrine_shared::id;

use super::{Done, Work};
use crate::modules::WriteError;
use crate::modules::customer::{self, AddressPatch, CustomerAddress, NewAddress, address};
use crate::outbox::Outbox;

/// Most addresses of a customer.
pub const MAX_ADDRESSES: i64 = 200;

/// Adds an address; returns its id.
pub async fn create(outbox: &Outbox, customer_id: &str, given: NewAddress) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    hold_customer(&mut work, customer_id).await?;
    if address::count(work.conn(), customer_id).await? >= MAX_ADDRESSES {
        return Err(WriteError::NotAllowed(format!("A customer has at most {MAX_ADDRESSES} addresses")));
    }
    let made = CustomerAddress { id: id::new("cuaddr"), customer_id: customer_id.to_owned(), fields: given };
    address::insert(work.conn(), &made).await?;
    work.commit(made.id).await
}

/// Changes an address of a customer. `None` where the customer has no such one.
pub async fn update(
    outbox: &Outbox,
    customer_id: &str,
    id: &str,
    patch: AddressPatch,
) -> Result<Option<Done<()>>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    hold_customer(&mut work, customer_id).await?;
    let Some(mut record) = address::lock(work.conn(), customer_id, id).await? else {
        return Ok(None);
    };
    patch.apply(&mut record.fields);
    address::save(work.conn(), &record).await?;
    work.commit(()).await.map(Some)
}

/// Removes an address of a customer; returns whether there was one.
pub async fn delete(outbox: &Outbox, customer_id: &str, id: &str) -> Result<Done<bool>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let was_there = address::delete(work.conn(), customer_id, id).await?;
    work.commit(was_there).await
}

async fn hold_customer(work: &mut Work, id: &str) -> Result<(), WriteError> {
    match customer::lock(work.conn(), id).await? {
        Some(_) => Ok(()),
        None => Err(WriteError::NotFound(format!("Customer with id: {id} was not found"))),
    }
}
