//! Which values of its product's options a variant has.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use crate::modules::WriteError;
use crate::modules::product::Variant;
use crate::modules::product::option::ProductOption;

/// The option values of variants, kept distinct.
#[derive(Debug, Default)]
pub(super) struct Choices {
    taken: Vec<(String, String, BTreeSet<String>)>,
}

/// The ids of the values that `given` names, by option title (`assignOptionsToVariants`); none where nothing is given.
pub(super) fn resolve(
    variant_title: &str,
    options: &[ProductOption],
    given: &IndexMap<String, String>,
) -> Result<BTreeSet<String>, WriteError> {
    if given.is_empty() {
        return Ok(BTreeSet::new());
    }
    if given.len() != options.len() {
        return Err(WriteError::Invalid(format!(
            "Product has {} option values but there were {} provided option values for the variant: {variant_title}.",
            options.len(),
            given.len()
        )));
    }
    let value_of = |(title, value): (&String, &String)| {
        let option = options.iter().find(|option| option.title == *title);
        let found = option.and_then(|option| option.values.iter().find(|candidate| candidate.value == *value));
        found
            .map(|found| found.id.clone())
            .ok_or_else(|| WriteError::Invalid(format!("Option value {value} does not exist for option {title}")))
    };
    given.iter().map(value_of).collect()
}

// === impl Choices ===

impl Choices {
    /// Those of the variants that there are.
    pub(super) fn of(variants: &[Variant], mut values: BTreeMap<String, BTreeSet<String>>) -> Self {
        let taken = variants
            .iter()
            .map(|variant| (variant.id.clone(), variant.title.clone(), values.remove(&variant.id).unwrap_or_default()));
        Self { taken: taken.collect() }
    }

    /// Notes the values of a variant, unless another has them (`checkIfVariantWithOptionsAlreadyExists`).
    pub(super) fn take(&mut self, id: &str, title: &str, values: &BTreeSet<String>) -> Result<(), WriteError> {
        let other = self.taken.iter().find(|(other, _, taken)| other != id && !values.is_empty() && taken == values);
        if let Some((_, title, _)) = other {
            return Err(WriteError::Invalid(format!("Variant ({title}) with provided options already exists.")));
        }
        self.release(id);
        self.taken.push((id.to_owned(), title.to_owned(), values.clone()));
        Ok(())
    }

    /// Forgets a variant.
    pub(super) fn release(&mut self, id: &str) {
        self.taken.retain(|(other, _, _)| other != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::product::option::OptionValue;

    fn size() -> Vec<ProductOption> {
        let values = ["S", "M"].map(|value| OptionValue { id: format!("optval_{value}"), value: value.into() });
        vec![ProductOption { id: "opt_1".into(), title: "Size".into(), values: values.into() }]
    }

    fn given(pairs: &[(&str, &str)]) -> IndexMap<String, String> {
        pairs.iter().map(|(title, value)| ((*title).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn values_are_found_by_title_or_refused_in_medusas_words() {
        let found = resolve("A", &size(), &given(&[("Size", "M")])).unwrap();
        assert_eq!(found, ["optval_M".to_owned()].into());
        assert!(resolve("A", &size(), &given(&[])).unwrap().is_empty());
        let wrong = |pairs| resolve("A", &size(), &given(pairs)).unwrap_err().to_string();
        assert_eq!(wrong(&[("Size", "XL")]), "Option value XL does not exist for option Size");
        assert_eq!(wrong(&[("Colour", "S")]), "Option value S does not exist for option Colour");
        assert_eq!(
            wrong(&[("Size", "S"), ("Colour", "red")]),
            "Product has 1 option values but there were 2 provided option values for the variant: A."
        );
    }

    #[test]
    fn no_two_variants_have_the_same_values() {
        let small: BTreeSet<String> = ["optval_S".to_owned()].into();
        let mut choices = Choices::default();
        choices.take("v1", "A", &small).unwrap();
        choices.take("v1", "A", &small).unwrap();
        let refused = choices.take("v2", "B", &small).unwrap_err();
        assert_eq!(refused.to_string(), "Variant (A) with provided options already exists.");
        choices.take("v2", "B", &BTreeSet::new()).unwrap();
        choices.take("v3", "C", &BTreeSet::new()).unwrap();
        choices.release("v1");
        choices.take("v2", "B", &small).unwrap();
    }
}
