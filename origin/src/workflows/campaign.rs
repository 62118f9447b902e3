//! What is done to campaigns. Only carts ask for them, so no answer at an edge changes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::collection::Membership;
use super::{Done, Work};
use crate::modules::WriteError;
use crate::modules::promotion::{self, BUDGET, CAMPAIGN, PROMOTION};
use crate::modules::row::Row;
use crate::outbox::Outbox;

/// A campaign to be made or changed.
#[derive(Debug, Default)]
pub struct GivenCampaign {
    /// Its columns.
    pub row: Row,
    /// Its budget's.
    pub budget: Option<Row>,
}

/// Makes a campaign; returns its id.
pub async fn create(outbox: &Outbox, given: GivenCampaign) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let id = insert(&mut work, given).await?;
    work.commit(id).await
}

/// Makes a campaign within another workflow.
pub(super) async fn insert(work: &mut Work, given: GivenCampaign) -> Result<String, WriteError> {
    let id = CAMPAIGN.insert(work.conn(), given.row).await?;
    if let Some(budget) = given.budget {
        BUDGET.insert(work.conn(), budget.with("campaign_id", id.as_str())).await?;
    }
    Ok(id)
}

/// Changes a campaign. Of its budget only the limit.
pub async fn update(outbox: &Outbox, id: &str, given: GivenCampaign) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let before = CAMPAIGN.locked(work.conn(), id).await?;
    CAMPAIGN.save(work.conn(), &before, given.row).await?;
    if let Some(patch) = given.budget {
        let budget = promotion::budget_of(work.conn(), id).await?;
        let budget =
            budget.ok_or_else(|| WriteError::Invalid("Campaign Budget type is a required field".to_owned()))?;
        BUDGET.save(work.conn(), &budget, patch).await?;
    }
    work.commit(()).await
}

/// Deletes a campaign softly, with its budget. One that is not there is deleted.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let gone = CAMPAIGN.delete(work.conn(), "id", &[id.to_owned()]).await?;
    BUDGET.delete(work.conn(), "campaign_id", &gone).await?;
    work.commit(()).await
}

/// Puts promotions into a campaign and takes others out (`addPromotionsToCampaign`, `removePromotionsFromCampaign`).
pub async fn set_promotions(outbox: &Outbox, id: &str, given: Membership) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    CAMPAIGN.locked(work.conn(), id).await?;
    let budget = promotion::budget_of(work.conn(), id).await?.unwrap_or_default();
    let spends = budget.get("type").and_then(Value::as_str) == Some("spend");
    let named: BTreeSet<&String> = given.add.union(&given.remove).collect();
    for promotion_id in named {
        let is_added = given.add.contains(promotion_id);
        let found = PROMOTION.lock(work.conn(), promotion_id).await?;
        let found = found.filter(|it| !is_added || it.get("campaign_id").is_none_or(Value::is_null));
        let Some(before) = found else {
            return Err(WriteError::NotFound(if is_added {
                format!(
                    "Cannot add promotions ({promotion_id}) to campaign. These promotions are either already part of a \
                     campaign or not found."
                )
            } else {
                format!("Promotions with ids ({promotion_id}) not found.")
            }));
        };
        if is_added && spends {
            let currency = promotion::currency_of(work.conn(), promotion_id).await?;
            if currency.as_deref() != budget.get("currency_code").and_then(Value::as_str) {
                let message = "Cannot add promotions to campaign where currency_code don't match.";
                return Err(WriteError::Invalid(message.to_owned()));
            }
        }
        let campaign = if is_added { Value::from(id) } else { Value::Null };
        PROMOTION.save(work.conn(), &before, Row::default().with("campaign_id", campaign)).await?;
    }
    work.commit(()).await
}
