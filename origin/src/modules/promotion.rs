//! Module promotion: promotions, what they take off, their rules, and campaigns.

use rust_decimal::Decimal;
use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::WriteError;
use super::row::{self, Row, Table};

/// Promotions.
pub const PROMOTION: Table = Table { name: "promotion", prefix: "promo", title: "Promotion" };
/// What promotions take off.
pub const METHOD: Table =
    Table { name: "promotion_application_method", prefix: "proappmet", title: "ApplicationMethod" };
/// Rules.
pub const RULE: Table = Table { name: "promotion_rule", prefix: "prorul", title: "PromotionRule" };
/// What rules compare with.
pub const RULE_VALUE: Table = Table { name: "promotion_rule_value", prefix: "prorulval", title: "PromotionRuleValue" };
/// Campaigns.
pub const CAMPAIGN: Table = Table { name: "promotion_campaign", prefix: "procamp", title: "Campaign" };
/// What campaigns may spend.
pub const BUDGET: Table = Table { name: "promotion_campaign_budget", prefix: "probudg", title: "CampaignBudget" };

/// Which rules of a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleSet {
    /// Those that the cart must pass.
    Cart,
    /// Those of what is discounted.
    Target,
    /// Those of what must be bought.
    Buy,
}

/// A rule to be made.
#[derive(Debug, Clone, Default)]
pub struct GivenRule {
    /// Its columns.
    pub row: Row,
    /// What it compares with.
    pub values: Vec<String>,
}

// === impl RuleSet ===

impl RuleSet {
    /// The table that links rules to what they are of, and its column.
    fn link(self) -> (&'static str, &'static str) {
        match self {
            Self::Cart => ("promotion_promotion_rule", "promotion_id"),
            Self::Target => ("application_method_target_rules", "application_method_id"),
            Self::Buy => ("application_method_buy_rules", "application_method_id"),
        }
    }

    /// Adds rules to a promotion or its method; returns their ids.
    pub async fn add(
        self,
        conn: &mut PgConnection,
        owner: &str,
        rules: Vec<GivenRule>,
    ) -> Result<Vec<String>, WriteError> {
        let (rows, values): (Vec<Row>, Vec<Vec<String>>) = rules.into_iter().map(|it| (it.row, it.values)).unzip();
        let ids = RULE.insert_all(conn, rows).await?;
        let (table, near) = self.link();
        let links: Vec<Row> =
            ids.iter().map(|id| Row::default().with(near, owner).with("promotion_rule_id", id.as_str())).collect();
        row::link(conn, table, &links).await?;
        for (id, values) in ids.iter().zip(values) {
            add_values(conn, id, values).await?;
        }
        Ok(ids)
    }

    /// Deletes rules of a promotion or its method. Those of others stay.
    pub async fn remove(self, conn: &mut PgConnection, owner: &str, rules: &[String]) -> Result<(), WriteError> {
        let (table, near) = self.link();
        let sql = format!(
            "DELETE FROM {table} WHERE {near} = $1 AND promotion_rule_id = ANY($2) RETURNING promotion_rule_id"
        );
        let gone: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(owner).bind(rules).fetch_all(&mut *conn).await?;
        RULE.delete(conn, "id", &gone).await?;
        RULE_VALUE.delete(conn, "promotion_rule_id", &gone).await?;
        Ok(())
    }
}

/// Gives a rule these values in place of those that it had.
pub async fn set_values(conn: &mut PgConnection, rule: &str, values: Vec<String>) -> Result<(), WriteError> {
    RULE_VALUE.delete(conn, "promotion_rule_id", &[rule.to_owned()]).await?;
    add_values(conn, rule, values).await
}

async fn add_values(conn: &mut PgConnection, rule: &str, values: Vec<String>) -> Result<(), WriteError> {
    let row = |value: String| Row::default().with("promotion_rule_id", rule).with("value", value);
    RULE_VALUE.insert_all(conn, values.into_iter().map(row).collect()).await?;
    Ok(())
}

/// The id of a promotion's method.
pub async fn method_of(conn: &mut PgConnection, promotion: &str) -> Result<Option<String>, WriteError> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM promotion_application_method WHERE promotion_id = $1 AND deleted_at IS NULL",
        promotion
    )
    .fetch_optional(conn)
    .await?)
}

/// The currency of what a promotion takes off.
pub async fn currency_of(conn: &mut PgConnection, promotion: &str) -> Result<Option<String>, WriteError> {
    let found = sqlx::query_scalar!(
        "SELECT currency_code FROM promotion_application_method WHERE promotion_id = $1 AND deleted_at IS NULL",
        promotion
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.flatten())
}

/// The budget of a campaign, whole and locked.
pub async fn budget_of(conn: &mut PgConnection, campaign: &str) -> Result<Option<Map<String, Value>>, WriteError> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM promotion_campaign_budget WHERE campaign_id = $1 AND deleted_at IS NULL",
        campaign
    )
    .fetch_optional(&mut *conn)
    .await?;
    match id {
        Some(id) => BUDGET.lock(conn, &id).await,
        None => Ok(None),
    }
}

/// Whether a method makes sense (`validateApplicationMethodAttributes`), given as it would be: what an update does not name
/// is as before.
pub fn check_method(kind: &str, method: &Map<String, Value>, is_new: bool) -> Result<(), WriteError> {
    let text = |name: &str| method.get(name).and_then(Value::as_str).unwrap_or_default();
    let quantity = |name: &str| method.get(name).and_then(Value::as_i64).filter(|quantity| *quantity != 0);
    let (allocation, most) = (text("allocation"), quantity("max_quantity"));
    let value = decimal(method.get("value"));
    let refuse = |message: &str| Err(WriteError::Invalid(message.to_owned()));
    if text("type") == "percentage" && (value <= Decimal::ZERO || value > Decimal::ONE_HUNDRED) {
        return refuse("Application Method value should be a percentage number between 0 and 100");
    }
    if kind == "buyget" {
        let Some(at_a_time) = quantity("apply_to_quantity") else {
            return refuse("apply_to_quantity is a required field for Promotion type of buyget");
        };
        if quantity("buy_rules_min_quantity").is_none() {
            return refuse("buy_rules_min_quantity is a required field for Promotion type of buyget");
        }
        let Some(most) = most else {
            return refuse("application_method.max_quantity is a required field for Promotion type of buyget");
        };
        if most < at_a_time {
            return Err(WriteError::Invalid(format!(
                "max_quantity ({most}) must be greater than or equal to apply_to_quantity ({at_a_time}) for BUYGET promotions."
            )));
        }
    }
    if allocation == "across" && most.is_some() {
        return refuse("application_method.max_quantity is not allowed to be set for allocation (across)");
    }
    if ["shipping_methods", "items"].contains(&text("target_type")) && allocation.is_empty() {
        return refuse(
            "application_method.allocation should be either 'across OR each OR once' when application_method.target_type \
             is either 'shipping_methods OR items'",
        );
    }
    if ["each", "once"].contains(&allocation) && is_new && method.get("max_quantity").is_none() {
        return refuse(
            "application_method.max_quantity is required when application_method.allocation is 'each OR once'",
        );
    }
    if allocation == "once" && text("target_type") == "order" {
        return refuse("application_method.allocation 'once' is not compatible with target_type 'order'");
    }
    Ok(())
}

/// A number as rows hold it: JSON's own, or text with all its digits.
fn decimal(value: Option<&Value>) -> Decimal {
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    text.parse().unwrap_or_default()
}
