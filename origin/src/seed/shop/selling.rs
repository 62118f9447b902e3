//! The store, its sales channel and publishable key, the sale, the promotion and the reasons of returns.

use super::super::Kind;
use super::super::scope::Scope;
use super::super::table::Table;
use super::link;

const CHANNEL: &str = "Default Sales Channel";
const KEY: &str = "pk";
const STORE: &str = "Bench";
/// The store's currencies; the first is its default.
const CURRENCIES: [&str; 2] = ["eur", "usd"];
const PRICE_LIST: &str = "Sale";
const PROMOTION: &str = "TEN";
const RETURN_REASONS: [(&str, &str); 2] = [("wrong_size", "Wrong size"), ("damaged", "Damaged")];
/// How much of a token is shown at its beginning and at its end.
const SHOWN_HEAD: usize = 6;
const SHOWN_TAIL: usize = 3;

/// All tables of this part.
pub(super) fn tables(scope: &Scope<'_>) -> Vec<Table> {
    let key = scope.id(Kind::ApiKey, 0, format_args!("{KEY}"));
    let key_channel = ("publishable_api_key_sales_channel", "publishable_key_id, sales_channel_id");
    let mut tables = vec![channel(scope), api_key(scope), link(key_channel, &key, &channel_id(scope))];
    tables.extend(store(scope));
    tables.extend(promotion(scope));
    tables.extend([price_list(scope), return_reasons(scope)]);
    tables
}

/// The id of the sales channel.
pub(super) fn channel_id(scope: &Scope<'_>) -> String {
    scope.id(Kind::SalesChannel, 0, format_args!("{CHANNEL}"))
}

/// The id of the sale.
pub(super) fn price_list_id(scope: &Scope<'_>) -> String {
    scope.id(Kind::PriceList, 0, format_args!("{PRICE_LIST}"))
}

fn channel(scope: &Scope<'_>) -> Table {
    let mut table = Table::entities("sales_channel", "name");
    let _ = table.entity(&scope.make(Kind::SalesChannel, 0, format_args!("{CHANNEL}"))).text(CHANNEL);
    table
}

fn api_key(scope: &Scope<'_>) -> Table {
    let mut table = Table::entities("api_key", "token, redacted, title, type");
    let token = &scope.options.publishable_key;
    let row = table.entity(&scope.make(Kind::ApiKey, 0, format_args!("{KEY}")));
    let _ = row.text(token).text(&redact(token)).text(KEY).text("publishable");
    table
}

/// The beginning and the end of a token, as Medusa shows it.
fn redact(token: &str) -> String {
    let count = token.chars().count();
    let head: String = token.chars().take(SHOWN_HEAD).collect();
    let tail: String = token.chars().skip(count.saturating_sub(SHOWN_TAIL)).collect();
    format!("{head}***{tail}")
}

fn store(scope: &Scope<'_>) -> [Table; 2] {
    let mut stores = Table::entities("store", "name, default_sales_channel_id");
    let made = scope.make(Kind::Store, 0, format_args!("{STORE}"));
    let _ = stores.entity(&made).text(STORE).text(&channel_id(scope));
    let mut currencies = Table::entities("store_currency", "store_id, currency_code, is_default boolean");
    for (number, currency) in (0..).zip(CURRENCIES) {
        let row = currencies.entity(&scope.make(Kind::StoreCurrency, number, format_args!("{currency}")));
        let _ = row.text(&made.id).text(currency).shown(number == 0);
    }
    [stores, currencies]
}

fn price_list(scope: &Scope<'_>) -> Table {
    let mut table = Table::entities("price_list", "title, description, type, status");
    let row = table.entity(&scope.make(Kind::PriceList, 0, format_args!("{PRICE_LIST}")));
    let _ = row.text(PRICE_LIST).text("sale").text("sale").text("active");
    table
}

/// Ten per cent off all items.
fn promotion(scope: &Scope<'_>) -> [Table; 2] {
    let mut promotions = Table::entities("promotion", "code, type, status");
    let made = scope.make(Kind::Promotion, 0, format_args!("{PROMOTION}"));
    let _ = promotions.entity(&made).text(PROMOTION).text("standard").text("active");
    let mut methods = Table::entities(
        "promotion_application_method",
        "promotion_id, type, target_type, allocation, value numeric, currency_code",
    );
    let row = methods.entity(&scope.make(Kind::ApplicationMethod, 0, format_args!("{PROMOTION}"))).text(&made.id);
    let _ = row.text("percentage").text("items").text("across").shown(10).text("eur");
    [promotions, methods]
}

fn return_reasons(scope: &Scope<'_>) -> Table {
    let mut table = Table::entities("return_reason", "value, label");
    for (number, (value, label)) in (0..).zip(RETURN_REASONS) {
        let _ = table.entity(&scope.make(Kind::ReturnReason, number, format_args!("{value}"))).text(value).text(label);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_in_part() {
        assert_eq!(redact("pk_0f04387e9d4e6b"), "pk_0f0***e6b");
        assert_eq!(redact("pk"), "pk***pk");
    }
}
