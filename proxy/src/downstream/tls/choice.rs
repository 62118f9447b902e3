//! Which certificate a client gets, by the name that it asks for (RFC 6066 §3).

use std::collections::HashMap;

/// The certificates that are for each name, by their places in the configuration.
#[derive(Debug, Default)]
pub(super) struct Choice {
    exact: HashMap<Box<str>, Vec<usize>>,
    /// By what follows `*.`.
    wildcard: HashMap<Box<str>, Vec<usize>>,
}

// === impl Choice ===

impl Choice {
    /// Of the names of each certificate, in lower case.
    pub(super) fn new<'n>(certificates: impl Iterator<Item = &'n [Box<str>]>) -> Self {
        let mut choice = Self::default();
        for (place, names) in certificates.enumerate() {
            for name in names {
                let (map, name) = match name.strip_prefix("*.") {
                    Some(below) => (&mut choice.wildcard, below),
                    None => (&mut choice.exact, &**name),
                };
                map.entry(name.into()).or_default().push(place);
            }
        }
        choice
    }

    /// The places of those that are for a name, the best first: for it alone, or for all names beside it (RFC 9525 §6.3). The first
    /// certificate of all, where none is or no name is asked for.
    pub(super) fn find(&self, name: Option<&str>) -> &[usize] {
        let name = name.map(str::to_ascii_lowercase).unwrap_or_default();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let beside = || name.split_once('.').and_then(|(_, below)| self.wildcard.get(below));
        self.exact.get(name).or_else(beside).map_or(&[0], |places| places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_decides_and_the_first_certificate_is_for_the_rest() {
        let names: [Vec<Box<str>>; 4] = [
            vec!["default.example".into()],
            vec!["*.shop.example".into(), "shop.example".into()],
            vec!["api.shop.example".into()],
            vec!["shop.example".into()],
        ];
        let choice = Choice::new(names.iter().map(|names| &names[..]));
        for (name, expected) in [
            (None, &[0][..]),
            (Some("elsewhere.example"), &[0]),
            (Some("shop.example"), &[1, 3]),
            (Some("Shop.Example."), &[1, 3]),
            (Some("www.shop.example"), &[1]),
            (Some("api.shop.example"), &[2]),
            (Some("a.b.shop.example"), &[0]),
            (Some("example"), &[0]),
            (Some(""), &[0]),
        ] {
            assert_eq!(choice.find(name), expected, "{name:?}");
        }
    }
}
