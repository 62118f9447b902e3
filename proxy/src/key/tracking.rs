//! Query parameters that advertisers and mailers add to links, and that no shop's answer depends on.

/// Names that are tracking parameters, in lower case and sorted.
pub const NAMES: [&str; 22] = [
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "dclid",
    "fbclid",
    "gad_campaignid",
    "gad_source",
    "gbraid",
    "gclid",
    "gclsrc",
    "igshid",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "msclkid",
    "srsltid",
    "ttclid",
    "twclid",
    "wbraid",
    "yclid",
];

/// Prefixes of names that are tracking parameters, in lower case.
const PREFIXES: [&str; 3] = ["mtm_", "pk_", "utm_"];

/// Whether a parameter of this name is one of tracking; capitals do not matter.
pub fn is_tracking(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)))
        || NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_and_prefixes_are_found_in_any_case() {
        for name in ["utm_source", "UTM_Campaign", "gclid", "FBCLID", "mtm_kwd"] {
            assert!(is_tracking(name), "{name}");
        }
        for name in ["q", "utm", "gclid2", "region_id", "page", ""] {
            assert!(!is_tracking(name), "{name}");
        }
        assert!(NAMES.is_sorted() && PREFIXES.is_sorted());
    }
}
