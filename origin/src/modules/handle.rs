//! Handles: the part of a URL that names a product, category or collection.

use rand::Rng as _;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Characters of the part that is made up where a title leaves nothing.
const RANDOM: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// How many of them.
const RANDOM_LENGTH: usize = 6;

/// A product's handle from its title, as Medusa makes it (`toHandle`): lower case, letters and numbers of any script, with
/// hyphens for spaces; `product-` and a random part where nothing remains.
pub fn from_title(title: &str) -> String {
    let kept: String = title
        .to_lowercase()
        .replace('ß', "ss")
        .chars()
        .filter(|&c| is_letter(c) || is_number(c) || c.is_whitespace() || c == '_' || c == '-')
        .map(|c| if c.is_whitespace() || c == '_' { '-' } else { c })
        .collect();
    let parts: Vec<&str> = kept.split('-').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { made_up() } else { parts.join("-") }
}

/// A collection's or category's handle from its name, as Medusa makes it (`kebabCase`): spaces become hyphens, a capital
/// after a small letter begins a word, and nothing is dropped.
pub fn kebab(name: &str) -> String {
    let mut handle = String::with_capacity(name.len());
    let mut before: Option<char> = None;
    for c in name.chars() {
        let is_gap = c.is_whitespace() || c == '_';
        if is_gap {
            if !before.is_some_and(|b| b.is_whitespace() || b == '_') {
                handle.push('-');
            }
        } else {
            if c.is_ascii_uppercase() && before.is_some_and(|b| b.is_ascii_lowercase()) {
                handle.push('-');
            }
            handle.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    handle
}

/// Whether a given handle is one that Medusa takes for a product (`isValidHandle`).
pub fn is_valid(handle: &str) -> bool {
    handle.split('-').all(|part| !part.is_empty() && part.chars().all(is_handle_character))
}

fn made_up() -> String {
    let mut random = rand::rng();
    let suffix = (0..RANDOM_LENGTH).map(|_| char::from(RANDOM[random.random_range(0..RANDOM.len())]));
    format!("product-{}", suffix.collect::<String>())
}

fn is_letter(c: char) -> bool {
    use GeneralCategory::{LowercaseLetter, ModifierLetter, OtherLetter, TitlecaseLetter, UppercaseLetter};
    matches!(c.general_category(), UppercaseLetter | LowercaseLetter | TitlecaseLetter | ModifierLetter | OtherLetter)
}

fn is_number(c: char) -> bool {
    use GeneralCategory::{DecimalNumber, LetterNumber, OtherNumber};
    matches!(c.general_category(), DecimalNumber | LetterNumber | OtherNumber)
}

fn is_handle_character(c: char) -> bool {
    use GeneralCategory::{LowercaseLetter, ModifierLetter, OtherLetter};
    is_number(c) || matches!(c.general_category(), LowercaseLetter | ModifierLetter | OtherLetter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn titles_become_handles_as_medusa_makes_them() {
        let table = [
            ("Golden shirt", "golden-shirt"),
            ("  Men's  T-Shirt_(XL) ", "mens-t-shirt-xl"),
            ("Straße", "strasse"),
            ("Áo dài Việt", "áo-dài-việt"),
            ("کتاب فارسی", "کتاب-فارسی"),
            ("50% off!", "50-off"),
            ("--a--b--", "a-b"),
        ];
        for (title, handle) in table {
            assert_eq!(from_title(title), handle);
            assert!(is_valid(handle), "{handle}");
        }
        assert!(from_title("!!!").starts_with("product-"));
        assert_ne!(from_title("!!!"), from_title("???"));
    }

    #[test]
    fn names_become_kebab_case() {
        let table = [
            ("Summer Sale", "summer-sale"),
            ("MenShirts", "men-shirts"),
            ("a_ b", "a-b"),
            ("Men & Women", "men-&-women"),
        ];
        for (name, handle) in table {
            assert_eq!(kebab(name), handle);
        }
    }

    #[test]
    fn handles_that_cannot_stand_in_a_path_are_refused() {
        for wrong in ["", "Hello", "a b", "-a", "a-", "a--b", "a/b", "a?b", "a.b"] {
            assert!(!is_valid(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_made_is_valid_but_for_letters_without_lower_case(title in "\\PC{0,40}") {
            let handle = from_title(&title);
            let lower = handle.chars().all(|c| !matches!(
                c.general_category(),
                GeneralCategory::UppercaseLetter | GeneralCategory::TitlecaseLetter
            ));
            prop_assert!(!lower || is_valid(&handle), "{handle}");
        }
    }
}
