//! What is done to promotions. Only carts ask for them, so no answer at an edge changes.

use serde_json::{Map, Value};

use super::campaign::{self, GivenCampaign};
use super::{Done, Work};
use crate::modules::WriteError;
use crate::modules::promotion::{self, CAMPAIGN, GivenRule, METHOD, PROMOTION, RULE, RuleSet};
use crate::modules::row::Row;
use crate::outbox::Outbox;

/// A promotion to be made.
#[derive(Debug, Default)]
pub struct NewPromotion {
    /// Its columns.
    pub row: Row,
    /// The columns of what it takes off.
    pub method: Row,
    /// A campaign that is made with it.
    pub campaign: Option<GivenCampaign>,
    /// Rules that the cart must pass.
    pub rules: Vec<GivenRule>,
    /// Rules of what is discounted.
    pub target_rules: Vec<GivenRule>,
    /// Rules of what must be bought.
    pub buy_rules: Vec<GivenRule>,
}

/// An update of a promotion; what is absent stays.
#[derive(Debug, Default)]
pub struct PromotionPatch {
    /// Its columns.
    pub row: Row,
    /// The columns of what it takes off.
    pub method: Option<Row>,
}

/// Changes of one set of rules.
#[derive(Debug, Default)]
pub struct RuleBatch {
    /// Rules to be made.
    pub create: Vec<GivenRule>,
    /// Rules to be changed, by id, with the values that they compare with from now on.
    pub update: Vec<(String, GivenRule)>,
    /// Ids of rules to be deleted.
    pub delete: Vec<String>,
}

/// Rules that were made and changed, by id.
#[derive(Debug, Default)]
pub struct ChangedRules {
    /// Made.
    pub created: Vec<String>,
    /// Changed.
    pub updated: Vec<String>,
}

/// Makes a promotion; returns its id.
pub async fn create(outbox: &Outbox, mut given: NewPromotion) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    check(&given)?;
    let currency = given.method.text("currency_code").map(str::to_owned);
    match given.campaign.take() {
        Some(campaign) => {
            let budget = campaign.budget.as_ref();
            let of_budget =
                budget.filter(|it| it.text("type") == Some("spend")).and_then(|it| it.text("currency_code"));
            if of_budget.is_some_and(|of_budget| Some(of_budget) != currency.as_deref()) {
                return Err(WriteError::Invalid("Currency between promotion and campaigns should match".to_owned()));
            }
            let id = campaign::insert(&mut work, campaign).await?;
            given.row.set("campaign_id", id);
        }
        None => {
            if let Some(id) = given.row.text("campaign_id").map(str::to_owned)
                && CAMPAIGN.lock(work.conn(), &id).await?.is_none()
            {
                return Err(WriteError::NotFound(format!("Could not find campaign with id - {id}")));
            }
        }
    }
    let id = PROMOTION.insert(work.conn(), given.row).await?;
    let method = METHOD.insert(work.conn(), given.method.with("promotion_id", id.as_str())).await?;
    RuleSet::Cart.add(work.conn(), &id, given.rules).await?;
    RuleSet::Target.add(work.conn(), &method, given.target_rules).await?;
    RuleSet::Buy.add(work.conn(), &method, given.buy_rules).await?;
    work.commit(id).await
}

/// Changes a promotion and what it takes off.
pub async fn update(outbox: &Outbox, id: &str, mut patch: PromotionPatch) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let before = PROMOTION.locked(work.conn(), id).await?;
    let used = before.get("used").and_then(Value::as_i64).unwrap_or_default();
    if let Some(limit) = patch.row.get("limit").and_then(Value::as_i64).filter(|limit| *limit < used) {
        let message = format!("Promotion limit ({limit}) cannot be less than current usage ({used})");
        return Err(WriteError::Invalid(message));
    }
    check_campaign(&mut work, id, &patch).await?;
    if let (Some(mut given), Some(method)) = (patch.method.take(), promotion::method_of(work.conn(), id).await?) {
        let old = METHOD.locked(work.conn(), &method).await?;
        if given.text("allocation").is_some_and(|allocation| !["each", "once"].contains(&allocation)) {
            given.set("max_quantity", Value::Null);
        }
        let mut whole = old.clone();
        given.columns_into(&mut whole);
        let kind = patch.row.text("type").or_else(|| before.get("type").and_then(Value::as_str));
        promotion::check_method(kind.unwrap_or_default(), &whole, false)?;
        METHOD.save(work.conn(), &old, given).await?;
    }
    PROMOTION.save(work.conn(), &before, patch.row).await?;
    work.commit(()).await
}

/// Deletes a promotion softly; its code is free again. One that is not there is deleted.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let gone = PROMOTION.delete(work.conn(), "id", &[id.to_owned()]).await?;
    METHOD.delete(work.conn(), "promotion_id", &gone).await?;
    work.commit(()).await
}

/// Makes, changes and deletes rules of a promotion (`batchPromotionRulesWorkflow`).
pub async fn change_rules(
    outbox: &Outbox,
    id: &str,
    set: RuleSet,
    batch: RuleBatch,
) -> Result<Done<ChangedRules>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    PROMOTION.locked(conn, id).await?;
    let owner = match set {
        RuleSet::Cart => id.to_owned(),
        RuleSet::Target | RuleSet::Buy => {
            promotion::method_of(conn, id).await?.ok_or_else(|| WriteError::not_found("ApplicationMethod", id))?
        }
    };
    let created = set.add(conn, &owner, batch.create).await?;
    let mut updated = Vec::new();
    for (rule, given) in batch.update {
        let before = RULE.locked(conn, &rule).await?;
        RULE.save(conn, &before, given.row).await?;
        promotion::set_values(conn, &rule, given.values).await?;
        updated.push(rule);
    }
    set.remove(conn, &owner, &batch.delete).await?;
    work.commit(ChangedRules { created, updated }).await
}

/// What the module refuses of a new promotion (`createPromotions_`).
fn check(given: &NewPromotion) -> Result<(), WriteError> {
    let kind = given.row.text("type").unwrap_or_default();
    if given.method.text("target_type") == Some("order") && !given.target_rules.is_empty() {
        return Err(WriteError::Invalid(
            "Target rules for application method with target type (order) is not allowed".to_owned(),
        ));
    }
    for (name, rules) in [("Buy", &given.buy_rules), ("Target", &given.target_rules)] {
        if kind == "buyget" && rules.is_empty() {
            return Err(WriteError::Invalid(format!("{name} rules are required for buyget promotion type")));
        }
    }
    let mut whole = Map::new();
    given.method.columns_into(&mut whole);
    promotion::check_method(kind, &whole, true)
}

async fn check_campaign(work: &mut Work, id: &str, patch: &PromotionPatch) -> Result<(), WriteError> {
    let Some(campaign) = patch.row.text("campaign_id").map(str::to_owned) else {
        return Ok(());
    };
    if CAMPAIGN.lock(work.conn(), &campaign).await?.is_none() {
        return Err(WriteError::Invalid(format!("Could not find campaign with id {campaign}")));
    }
    let budget = promotion::budget_of(work.conn(), &campaign).await?.unwrap_or_default();
    let held = promotion::currency_of(work.conn(), id).await?;
    let given = patch.method.as_ref().and_then(|method| method.text("currency_code"));
    let spends = budget.get("type").and_then(Value::as_str) == Some("spend");
    if spends && budget.get("currency_code").and_then(Value::as_str) != held.as_deref().or(given) {
        return Err(WriteError::Invalid(format!(
            "Currency code doesn't match for campaign ({campaign}) and promotion ({id})"
        )));
    }
    Ok(())
}
