//! What an update does to one field.

/// Leaves a field, or gives it a value; `Patch<Option<T>>` can also empty it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Not mentioned.
    #[default]
    Keep,
    /// Mentioned.
    Set(T),
}

// === impl Patch ===

impl<T> Patch<T> {
    /// Carries it out.
    pub fn apply(self, field: &mut T) {
        if let Self::Set(value) = self {
            *field = value;
        }
    }

    /// Whether it changes nothing.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The value, where there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Keep => None,
            Self::Set(value) => Some(value),
        }
    }

    /// The value, where there is one, to look at.
    pub fn as_ref(&self) -> Option<&T> {
        match self {
            Self::Keep => None,
            Self::Set(value) => Some(value),
        }
    }

    /// The same with its value turned into another.
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Set(value) => Patch::Set(to(value)),
        }
    }

    /// Whether the field was mentioned.
    pub fn is_set(&self) -> bool {
        matches!(self, Self::Set(_))
    }
}

impl<T> From<Option<T>> for Patch<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}
