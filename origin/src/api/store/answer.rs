//! Lists and retrievals of the Store API: one statement each, its documents copied into the answer as they are.

use std::collections::BTreeSet;

use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use vitrine_shared::tag::Tag;

use super::caller::Caller;
use super::params::{self, Common, Input};
use super::priced::{self, Found, Pricing};
use super::routes::{Route, Variants};
use super::tree;
use crate::api::auth::Customer;
use crate::api::reply::{Moment, Reply};
use crate::cache;
use crate::error::ApiError;
use crate::query::compile::{Ask, Order, Paging, Prices, Sight, computed_of, hides_below};
use crate::query::filter::{Filter, Test, Value};
use crate::query::graph::{self, Computed};
use crate::query::hole::Nonce;
use crate::query::{RenderedPage, Selection};
use crate::state::AppState;

/// Room for the computed values of a document.
const PRICES: usize = 2_048;

/// A request to a route.
#[derive(Debug)]
pub struct Request {
    /// Who asks.
    pub caller: Caller,
    /// Who is signed in: prices may depend on the customer's groups, and the answer is the customer's own.
    pub customer: Option<Customer>,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The query string, raw.
    pub query: String,
}

/// What a request comes to: what is shown of which rows, for whom.
#[derive(Debug)]
struct Plan {
    input: Input,
    selection: Selection,
    sight: Sight,
    pricing: Option<Pricing>,
    stock_channel: Option<String>,
    nonce: Nonce,
}

/// Answers a list.
pub async fn list(state: &AppState, route: &'static Route, request: Request) -> Result<Response, ApiError> {
    let Request { caller, customer, headers, query } = request;
    let common = Common { limit: Some(route.limit), logic: !route.params.is_empty() };
    let input = params::read(&query, route.entity, route.params, common)?;
    let order = order_of(route, &input)?;
    let plan = Plan::make(state, route, &caller, customer.as_ref(), input, false).await?;
    let paging = Paging { limit: plan.input.limit, offset: plan.input.offset };
    let membership = plan.tags_of_membership(route, &order);
    let page = plan.fetch(state, &caller, &order, paging, &membership).await?;
    let mut body = Vec::with_capacity(page.rows.iter().map(|row| row.rendered.document.text().len() + PRICES).sum());
    body.extend_from_slice(format!("{{\"{}\":[", route.many).as_bytes());
    let mut tags = plan.tags(route, &page, &caller);
    tags.extend(membership);
    let boundary = plan.write(state, caller.moment, &page, &mut body, &mut tags).await?;
    let end = format!("],\"count\":{},\"offset\":{},\"limit\":{}}}", page.total, paging.offset, paging.limit);
    body.extend_from_slice(end.as_bytes());
    let reply = Reply::new(caller.moment, StatusCode::OK, body).tagged(tags);
    let response = reply.until(boundary).until(caller.key.ends_at).respond(&headers);
    Ok(own_if(customer.is_some(), response))
}

/// Marks what is one customer's: no edge keeps it.
fn own_if(is_own: bool, mut response: Response) -> Response {
    if is_own {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
    response
}

/// Answers a retrieval by key.
pub async fn retrieve(
    state: &AppState,
    route: &'static Route,
    key: &str,
    request: Request,
) -> Result<Response, ApiError> {
    let Request { caller, customer, headers, query } = request;
    let mut common = Common { limit: None, logic: false };
    if route.variants == Variants::Below {
        // Medusa validates this one as if it were the list.
        common = Common { limit: Some(route.limit), logic: true };
    }
    let input = params::read(&query, route.entity, route.retrieve_params, common)?;
    let plan = Plan::make(state, route, &caller, customer.as_ref(), input, true).await?;
    let (_, column) =
        route.entity.column(route.entity.key).ok_or_else(|| ApiError::unknown(&"an entity without key"))?;
    let own = Filter::Column(column, Test::In(vec![Value::Text(key.replace('\0', ""))]));
    let filter = Filter::All(vec![own, plan.input.filter.clone()]);
    let page = plan.fetch_one(state, &caller, &filter).await?;
    let mut tags = plan.tags(route, &page, &caller);
    tags.insert((route.tag)(key));
    tags.extend(plan.input.narrowed.iter().cloned());
    tags.extend(plan.input.depends_on_all.then(Tag::products_any));
    if page.rows.is_empty() {
        // It may be there and be hidden with what it is a part of, which nobody names here.
        tags.extend(route.entity.owner.map(|_| Tag::products_any()));
        let label = if route.entity.key == "id" { "id" } else { route.entity.key };
        let error = ApiError::not_found(format!("{} with {label}: {key} was not found", route.title));
        let absence = Reply::absence(caller.moment, &error).tagged(tags).until(caller.key.ends_at);
        return Ok(own_if(customer.is_some(), absence.respond(&headers)));
    }
    let mut body = format!("{{\"{}\":", route.one).into_bytes();
    let boundary = plan.write(state, caller.moment, &page, &mut body, &mut tags).await?;
    body.push(b'}');
    let reply = Reply::new(caller.moment, StatusCode::OK, body).tagged(tags);
    let response = reply.until(boundary).until(caller.key.ends_at).respond(&headers);
    Ok(own_if(customer.is_some(), response))
}

// === impl Plan ===

impl Plan {
    async fn make(
        state: &AppState,
        route: &'static Route,
        caller: &Caller,
        customer: Option<&Customer>,
        input: Input,
        retrieval: bool,
    ) -> Result<Self, ApiError> {
        let fields = route.shown.choose(input.fields.as_deref())?;
        let mut selection = Selection::of(route.entity);
        for path in fields.paths() {
            selection.add(path);
        }
        let asked = input.contexts("sales_channel_id");
        let sight = caller.sight(asked)?;
        let mut pricing = None;
        let mut stock_channel = None;
        if route.variants == Variants::None {
            selection.drop_computed();
        } else {
            if caller.key.channels.is_empty() {
                return Err(ApiError::invalid_data("Publishable key needs to have a sales channel configured"));
            }
            // A region alone asks for prices too.
            if input.context("region_id").is_some_and(|region| !region.is_empty()) {
                selection.add(price_path(route));
            }
            if let Some(variants) = computed_of(&selection) {
                let (price, stock) = (variants.computes(Computed::Price), variants.computes(Computed::Stock));
                if price {
                    pricing = Some(Pricing::find(state, caller, customer, &input).await?);
                }
                if stock {
                    stock_channel = Some(one_channel(&caller.key.channels, asked)?);
                    selection.add(if route.variants == Variants::Root {
                        "manage_inventory"
                    } else {
                        "variants.manage_inventory"
                    });
                }
            }
        }
        if route.variants == Variants::Below {
            complete_product(&mut selection, retrieval);
        }
        Ok(Self { input, selection, sight, pricing, stock_channel, nonce: Nonce::new() })
    }

    /// A page of a list, whose membership changes only with one of these tags.
    async fn fetch(
        &self,
        state: &AppState,
        caller: &Caller,
        order: &[Order],
        paging: Paging,
        membership: &BTreeSet<Tag>,
    ) -> Result<RenderedPage, ApiError> {
        let ask = self.ask(&self.input.filter, order, paging, true);
        let tags = membership.iter().cloned().chain(caller.tags()).collect();
        cache::products::list(state, caller.moment, &ask, &tags).await
    }

    /// The one row that passes, or none.
    async fn fetch_one(&self, state: &AppState, caller: &Caller, filter: &Filter) -> Result<RenderedPage, ApiError> {
        cache::products::fetch(state, caller.moment, &self.ask(filter, &[], Paging { limit: 1, offset: 0 }, false))
            .await
    }

    fn ask<'a>(&'a self, filter: &'a Filter, order: &'a [Order], paging: Paging, counted: bool) -> Ask<'a> {
        Ask {
            selection: &self.selection,
            filter,
            order,
            paging,
            sight: &self.sight,
            counted,
            prices: self.pricing.as_ref().map_or(Prices::None, |pricing| Prices::In(pricing.currency())),
            stock_channel: self.stock_channel.as_deref(),
            nonce: &self.nonce,
        }
    }

    /// Appends the documents; returns when the prices among them change.
    async fn write(
        &self,
        state: &AppState,
        moment: Moment,
        page: &RenderedPage,
        body: &mut Vec<u8>,
        tags: &mut BTreeSet<Tag>,
    ) -> Result<Option<i64>, ApiError> {
        if tree::wanted(&self.input) {
            tree::write(state, moment, &self.input, page, body, tags).await?;
            return Ok(None);
        }
        let mut found = Found::default();
        let holes = computed_of(&self.selection).is_some();
        for (index, row) in page.rows.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            if holes {
                priced::fill(row, self.pricing.as_ref(), &mut found, body)?;
            } else {
                body.extend_from_slice(row.rendered.document.text().as_bytes());
            }
        }
        tags.extend(found.tags);
        Ok(found.boundary)
    }

    /// Tags of what is shown, and of who asks.
    fn tags(&self, route: &Route, page: &RenderedPage, caller: &Caller) -> BTreeSet<Tag> {
        let mut tags: BTreeSet<Tag> = caller.tags().collect();
        tags.extend(self.pricing.iter().flat_map(Pricing::tags));
        tags.extend(hides_below(&self.selection).then(|| Tag::all("categories")));
        for row in &page.rows {
            tags.insert((route.tag)(&row.key));
            tags.extend(row.rendered.mentioned.iter().cloned());
        }
        tags
    }

    /// Tags of what could have been in a list.
    fn tags_of_membership(&self, route: &Route, order: &[Order]) -> BTreeSet<Tag> {
        let mut tags = self.input.narrowed.clone();
        if let Some(set) = route.set {
            tags.insert(Tag::all(set));
            // Options have no events of their own; an empty list of them shows none that would say so.
            tags.extend(std::ptr::eq(route.entity, &raw const graph::OPTION).then(Tag::products_any));
            return tags;
        }
        // Whatever enters or leaves a narrowed list has, or had, the value that the list is narrowed to, and says so.
        if tags.is_empty()
            && let Sight::Store { channels } = &self.sight
        {
            tags.extend(channels.iter().map(|channel| Tag::products_of_channel(channel)));
        }
        if self.input.depends_on_all || order.iter().any(|term| term.column.name != route.entity.key) {
            tags.insert(Tag::products_any());
        }
        tags
    }
}

/// What Medusa shows of products without being asked.
fn complete_product(selection: &mut Selection, retrieval: bool) {
    // Options that were loaded for the product are shown whole below its variants too.
    let options_loaded = selection.child("options").is_some_and(Selection::is_whole);
    let values = selection.child("variants").and_then(|variants| variants.child("options"));
    if options_loaded && values.is_some_and(Selection::is_whole) {
        selection.add("variants.options.option");
    }
    if retrieval {
        selection.add_keyless("categories", &["is_internal"]);
    }
}

fn price_path(route: &Route) -> &'static str {
    if route.variants == Variants::Root { "calculated_price" } else { "variants.calculated_price" }
}

/// The channel whose stock is shown: the key's only one, or the only one that was asked for.
fn one_channel(channels: &[String], asked: &[String]) -> Result<String, ApiError> {
    match (channels, asked) {
        ([only], _) | (_, [only]) => Ok(only.clone()),
        _ => Err(ApiError::invalid_data(
            "Inventory availability cannot be calculated in the given context. Either provide a single sales channel id \
             or configure a single sales channel in the publishable key",
        )),
    }
}

/// The order that was asked for, or the route's own. Only a route's own columns can order it.
fn order_of(route: &Route, input: &Input) -> Result<Vec<Order>, ApiError> {
    let Some(text) = input.order.as_deref().filter(|text| !text.is_empty()).or(route.order) else {
        return Ok(Vec::new());
    };
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let column = route.entity.column(name).filter(|_| route.shown.allows(name));
    let (_, column) = column.ok_or_else(|| {
        let shown: String = name.chars().take(64).collect();
        ApiError::invalid_data(format!("Order field {shown} is not valid"))
    })?;
    Ok(vec![Order { column, descending }])
}
