//! Bodies whose fields are columns of one table: each is declared once, for making and for changing.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::field::{Name, Text, Time};
use super::object::Object;
use crate::modules::row::Row;

/// A field that is a column.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct Column {
    name: &'static str,
    form: Form,
    presence: Presence,
}

/// What a column takes.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) enum Form {
    /// Text that is indexed or names something.
    Name,
    /// The same, kept in lower case.
    Lower,
    /// Any text.
    Text,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A boolean.
    Flag,
    /// A number.
    Number,
    /// A number that is not negative.
    Quantity,
    /// A number without fraction.
    Whole,
    /// A time.
    Time,
    /// An object.
    Map,
}

/// Whether a field may be left out or emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// Must be there when the row is made; never null.
    Required,
    /// May be left out; never null.
    Optional,
    /// May be left out or null.
    Nullish,
}

pub(in crate::api) const fn required(name: &'static str, form: Form) -> Column {
    Column { name, form, presence: Presence::Required }
}

pub(in crate::api) const fn optional(name: &'static str, form: Form) -> Column {
    Column { name, form, presence: Presence::Optional }
}

pub(in crate::api) const fn nullish(name: &'static str, form: Form) -> Column {
    Column { name, form, presence: Presence::Nullish }
}

/// `metadata`.
pub(in crate::api) const METADATA: Column = nullish("metadata", Form::Map);

// === impl Object ===

impl Object<'_, '_> {
    /// The columns of a row to be made.
    pub(in crate::api) fn new_row(&mut self, columns: &[Column]) -> Row {
        for column in columns.iter().filter(|column| column.presence == Presence::Required) {
            self.check_presence(column.name);
        }
        self.patch_row(columns)
    }

    /// The columns of a row to be changed: those that are mentioned.
    pub(in crate::api) fn patch_row(&mut self, columns: &[Column]) -> Row {
        let mut row = Row::default();
        for column in columns {
            if let Some(value) = self.column(column) {
                row.set(column.name, value);
            }
        }
        row
    }

    fn column(&mut self, column: &Column) -> Option<Value> {
        let name = column.name;
        let is_null = column.presence == Presence::Nullish && self.is_null(name);
        match column.form {
            // The forms are told to whoever describes the body, which holds nothing.
            _ if is_null => Some(Value::Null),
            Form::Name => self.optional::<Name>(name).map(|text| text.0.into()),
            Form::Lower => self.optional::<Name>(name).map(|text| text.0.to_lowercase().into()),
            Form::Text => self.optional::<Text>(name).map(|text| text.0.into()),
            Form::OneOf(names) => self.one_of(name, names).map(Value::from),
            Form::Flag => self.optional::<bool>(name).map(Value::from),
            Form::Number => self.optional::<Decimal>(name).map(number),
            Form::Quantity => self.at_least(name, Decimal::ZERO).map(number),
            Form::Whole => self.optional::<i32>(name).map(Value::from),
            Form::Time => self.optional::<Time>(name).map(|time| time.0.to_rfc3339().into()),
            Form::Map => self.optional::<Map<String, Value>>(name).map(Value::Object),
        }
    }
}

/// A number with all its digits: rows are written from JSON, and Postgres reads text as a number too.
pub(in crate::api) fn number(number: Decimal) -> Value {
    number.to_string().into()
}
