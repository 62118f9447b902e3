//! `/admin/campaigns`.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::routing::post;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::input;
use super::kept::{Kept, routes};
use super::resource::Resource;
use super::resources::{SEARCH, param};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::api::input::columns::{Column, Form, nullish, required};
use crate::api::input::object::{Object, Others, read};
use crate::api::store::params::{Form as ParamForm, Meaning};
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::modules::row::Row;
use crate::outbox::Outbox;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::campaign::{self, GivenCampaign};

static CAMPAIGNS: Resource = Resource {
    entity: &graph::CAMPAIGN,
    fields: &[
        "id",
        "name",
        "description",
        "campaign_identifier",
        "*budget",
        "starts_at",
        "ends_at",
        "created_at",
        "updated_at",
        "deleted_at",
    ],
    params: &[
        SEARCH,
        param("campaign_identifier", ParamForm::Text, Meaning::Column("campaign_identifier")),
        param("budget", ParamForm::Group(&[super::resources::texts("currency_code")]), Meaning::Inside("budget")),
    ],
    limit: 50,
    one: "campaign",
    many: "campaigns",
    title: "Campaign",
};

/// `CreateCampaign`, `UpdateCampaign`.
const COLUMNS: [Column; 5] = [
    required("name", Form::Name),
    required("campaign_identifier", Form::Name),
    nullish("description", Form::Text),
    nullish("starts_at", Form::Time),
    nullish("ends_at", Form::Time),
];
/// `CreateCampaignBudget`.
const BUDGET: [Column; 4] = [
    required("type", Form::OneOf(&["spend", "usage", "use_by_attribute", "spend_by_attribute"])),
    nullish("limit", Form::Number),
    nullish("currency_code", Form::Lower),
    nullish("attribute", Form::Name),
];
/// `UpdateCampaignBudget`.
const LIMIT: [Column; 1] = [nullish("limit", Form::Number)];

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<Campaigns>("/campaigns").route("/campaigns/{id}/promotions", post(set_promotions))
}

pub(super) enum Campaigns {}

impl Kept for Campaigns {
    const RESOURCE: &'static Resource = &CAMPAIGNS;
    const OBJECT: &'static str = "campaign";
    type New = GivenCampaign;
    type Patch = GivenCampaign;

    fn new(body: &Map<String, Value>) -> Result<GivenCampaign, ApiError> {
        read(body, |object| {
            let campaign = new(object);
            object.has("additional_data");
            campaign
        })
    }

    fn patch(body: &Map<String, Value>) -> Result<GivenCampaign, ApiError> {
        read(body, |object| {
            let row = object.patch_row(&COLUMNS);
            let budget = object.nested("budget", Others::Refused, |budget| budget.patch_row(&LIMIT));
            object.has("additional_data");
            GivenCampaign { row, budget }
        })
    }

    async fn create(outbox: &Outbox, _: &str, given: GivenCampaign) -> Result<Done<String>, WriteError> {
        campaign::create(outbox, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: GivenCampaign) -> Result<Done<()>, WriteError> {
        campaign::update(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        campaign::delete(outbox, id).await
    }
}

/// A campaign to be made, by itself or with a promotion.
pub(super) fn new(object: &mut Object<'_, '_>) -> GivenCampaign {
    GivenCampaign { row: object.new_row(&COLUMNS), budget: object.nested("budget", Others::Refused, budget) }
}

fn budget(object: &mut Object<'_, '_>) -> Row {
    let row = object.new_row(&BUDGET);
    let has = |column: &str| row.text(column).is_some_and(|text| !text.is_empty());
    match row.text("type") {
        Some("spend") if !has("currency_code") => {
            object.refuse("currency_code is required when budget type is spend");
        }
        Some("usage") if has("currency_code") => {
            object.refuse("currency_code should not be present when budget type is usage");
        }
        Some("use_by_attribute" | "spend_by_attribute") if !has("attribute") => object
            .refuse("campaign budget attribute is required when budget type is USE_BY_ATTRIBUTE or SPEND_BY_ATTRIBUTE"),
        _ => {}
    }
    row
}

async fn set_promotions(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = input::membership(&body)?;
    let chosen = CAMPAIGNS.choose(query.as_deref())?;
    let done = campaign::set_promotions(&state.outbox, &id, given).await?;
    CAMPAIGNS.written(&state, &id, &chosen, done.receipt).await
}
