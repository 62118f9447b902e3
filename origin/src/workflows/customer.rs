//! What is done to customers and their accounts.

use vitrine_shared::event::Change;
use vitrine_shared::id;

use super::{Done, Work};
use crate::modules::auth::identity::{self, ActorKey, AttachError};
use crate::modules::customer::{self, Customer, group};
use crate::modules::metadata::{self, Metadata};
use crate::modules::{Patch, WriteError};
use crate::outbox::Outbox;

/// A customer to be made.
#[derive(Debug, Clone, Default)]
pub struct NewCustomer {
    /// The e-mail address.
    pub email: Option<String>,
    /// The company.
    pub company_name: Option<String>,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
    /// The merchant's own.
    pub metadata: Metadata,
}

/// An update of a customer.
#[derive(Debug, Clone, Default)]
pub struct CustomerPatch {
    /// The e-mail address; only a merchant changes it.
    pub email: Patch<Option<String>>,
    /// The company.
    pub company_name: Patch<Option<String>>,
    /// The given name.
    pub first_name: Patch<Option<String>>,
    /// The family name.
    pub last_name: Patch<Option<String>>,
    /// The telephone number.
    pub phone: Patch<Option<String>>,
    /// The merchant's own; merged.
    pub metadata: Patch<Metadata>,
}

/// What is put in and taken out: groups of a customer, or customers of a group.
#[derive(Debug, Clone, Default)]
pub struct Membership {
    /// To put in.
    pub add: Vec<String>,
    /// To take out.
    pub remove: Vec<String>,
}

// === impl NewCustomer ===

impl NewCustomer {
    fn record(self, has_account: bool, created_by: Option<String>) -> Customer {
        Customer {
            id: id::new("cus"),
            email: self.email,
            company_name: self.company_name,
            first_name: self.first_name,
            last_name: self.last_name,
            phone: self.phone,
            has_account,
            metadata: self.metadata,
            created_by,
        }
    }
}

/// What is told of a customer: nobody else sees it, so nothing is purged.
pub(super) fn told(id: &str) -> Change {
    Change::Private { kind: "customer".to_owned(), id: id.to_owned() }
}

/// Makes the account of an identity that signs in nobody yet (`createCustomerAccountWorkflow`); returns the customer's id.
pub async fn open_account(outbox: &Outbox, identity_id: &str, given: NewCustomer) -> Result<Done<String>, WriteError> {
    let Some(email) = given.email.clone().filter(|email| !email.is_empty()) else {
        return Err(WriteError::Invalid("Email is required to create a customer".into()));
    };
    let mut work = Work::begin(outbox).await?;
    if customer::account_exists(work.conn(), &email).await? {
        return Err(WriteError::Duplicate("Customer with this email already has an account".into()));
    }
    let made = given.record(true, None);
    match identity::attach_customer(work.conn(), identity_id, &made.id).await? {
        Ok(()) => {}
        Err(error @ AttachError::NoIdentity(_)) => return Err(WriteError::NotFound(error.to_string())),
        Err(error @ AttachError::Taken(_)) => return Err(WriteError::Invalid(error.to_string())),
    }
    customer::insert(work.conn(), &made).await?;
    work.emit("customer.created", told(&made.id)).await?;
    work.commit(made.id).await
}

/// Makes a customer without account for a merchant; returns its id.
pub async fn create(outbox: &Outbox, given: NewCustomer, created_by: &str) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let made = given.record(false, Some(created_by.to_owned()));
    customer::insert(work.conn(), &made).await?;
    work.emit("customer.created", told(&made.id)).await?;
    work.commit(made.id).await
}

/// Changes a customer. `None` where there is no such one.
pub async fn update(outbox: &Outbox, id: &str, patch: CustomerPatch) -> Result<Option<Done<()>>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let Some(mut record) = customer::lock(work.conn(), id).await? else {
        return Ok(None);
    };
    patch.email.apply(&mut record.email);
    patch.company_name.apply(&mut record.company_name);
    patch.first_name.apply(&mut record.first_name);
    patch.last_name.apply(&mut record.last_name);
    patch.phone.apply(&mut record.phone);
    metadata::merge(patch.metadata, &mut record.metadata);
    customer::save(work.conn(), &record).await?;
    work.emit("customer.updated", told(id)).await?;
    work.commit(()).await.map(Some)
}

/// A deleted customer's identities, whose sessions end.
pub type Identities = Vec<String>;

/// Deletes a customer softly, and what signs it in (`removeCustomerAccountWorkflow`). One that is not there is deleted.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<Identities>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    if customer::lock(work.conn(), id).await?.is_none() {
        return work.commit(Vec::new()).await;
    }
    customer::delete(work.conn(), id).await?;
    let identities = identity::detach(work.conn(), ActorKey::Customer, id).await?;
    work.emit("customer.deleted", told(id)).await?;
    work.commit(identities).await
}

/// Puts a customer into groups and takes it out of others (`linkCustomerGroupsToCustomerWorkflow`).
pub async fn set_groups(outbox: &Outbox, id: &str, given: Membership) -> Result<Done<()>, WriteError> {
    let pairs = |groups: Vec<String>| -> group::Pairs { groups.into_iter().map(|it| (id.to_owned(), it)).collect() };
    change_members(outbox, &pairs(given.add), &pairs(given.remove)).await
}

/// Puts customers into a group and takes others out (`linkCustomersToCustomerGroupWorkflow`).
pub async fn set_members(outbox: &Outbox, id: &str, given: Membership) -> Result<Done<()>, WriteError> {
    let pairs = |members: Vec<String>| -> group::Pairs { members.into_iter().map(|it| (it, id.to_owned())).collect() };
    change_members(outbox, &pairs(given.add), &pairs(given.remove)).await
}

/// Prices that depend on a group are worked out for who is signed in, and such answers are never cached: nothing is purged.
async fn change_members(outbox: &Outbox, add: &group::Pairs, remove: &group::Pairs) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    group::join(work.conn(), add).await?;
    group::leave(work.conn(), remove).await?;
    work.commit(()).await
}
