//! What is written and how, and what is read of it.

use super::marker::Mark;

/// How versions of an entity come about. Each has one writer.
#[derive(Debug, Clone)]
pub(super) enum How {
    /// The title of a product, through the Admin API.
    Title { product: String },
    /// The title of a product, by SQL typed into the database.
    Sql { product: String },
    /// The title of a variant, through the Admin API.
    Variant { product: String, variant: String },
    /// The price of a variant, through the Admin API: its amount is the version.
    Price { product: String, variant: String },
    /// The name of a category.
    Category { id: String },
    /// The title of a collection.
    Collection { id: String },
    /// A product that is published and made a draft in turns: its URL is 404 in between.
    Status { product: String },
    /// A product that is created and deleted in turns under one handle.
    Handle { handle: String },
    /// A file whose content is replaced in the bucket; the purge is typed into the database.
    File { key: String },
    /// The same, deleted in turns through the Admin API.
    ComingFile { key: String },
}

impl How {
    /// Whether even versions are its absence.
    pub(super) fn comes_and_goes(&self) -> bool {
        matches!(self, Self::Status { .. } | Self::Handle { .. } | Self::ComingFile { .. })
    }

    /// What it is called in reports.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Title { product } => format!("title of {product}"),
            Self::Sql { product } => format!("title of {product} by SQL"),
            Self::Variant { variant, .. } => format!("title of {variant}"),
            Self::Price { variant, .. } => format!("price of {variant}"),
            Self::Category { id } => format!("name of {id}"),
            Self::Collection { id } => format!("title of {id}"),
            Self::Status { product } => format!("presence of {product}"),
            Self::Handle { handle } => format!("presence of the handle {handle}"),
            Self::File { key } => format!("file {key}"),
            Self::ComingFile { key } => format!("presence of the file {key}"),
        }
    }
}

/// Which reads a target is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// One thing, as it is.
    Plain,
    /// In the form or for the site that the request names.
    Vary,
    /// Several things.
    List,
    /// What comes and goes.
    Coming,
    /// A file.
    Media,
    /// With the entity tag of what was last seen.
    Conditional,
}

/// Where versions stand in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// In marks.
    Marks,
    /// As the calculated amount of the only variant's price.
    Amount,
}

/// What can be read.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) plan: Plan,
    pub(super) path: String,
    /// Request headers, besides Host and the publishable key.
    pub(super) headers: Vec<(&'static str, &'static str)>,
    /// The entities that it shows.
    pub(super) members: Vec<usize>,
    pub(super) shape: Shape,
}

impl Target {
    /// Of marks, without headers.
    pub(super) fn new(plan: Plan, path: String, members: Vec<usize>) -> Self {
        Self { plan, path, headers: Vec::new(), members, shape: Shape::Marks }
    }

    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct Cast {
    /// By number: the entity of a mark.
    pub(super) entities: Vec<How>,
    pub(super) targets: Vec<Target>,
    /// A product that only the recovery check writes, and where it is read.
    pub(super) probe: Probe,
    /// A product that is never changed: writing it as it is waits for all that was committed before.
    pub(super) still: String,
    /// What products are made with that come and go.
    pub(super) place: Place,
}

/// Where a product is found.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) channel: String,
    pub(super) category: String,
    pub(super) collection: String,
}

/// What the recovery check writes and reads.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    pub(super) product: String,
    pub(super) path: String,
}

/// A mark as text.
pub(super) fn mark(entity: usize, version: u64) -> String {
    Mark { entity, version }.to_string()
}
