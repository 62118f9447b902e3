//! The patterns by which Magento's own Varnish purger names tags (`X-Magento-Tags-Pattern`).
//!
//! They are regular expressions on the list of an object's tags. Magento writes two kinds only: `((^|,)TAG(,|$))`, several of
//! them with `|` between, and `.*` for everything. Others are refused: what they would reach is not known here.

use super::target::{BadTarget, Target};

/// Before each tag.
const BEFORE: &str = "((^|,)";
/// After each tag.
const AFTER: &str = "(,|$))";
/// Everything.
const ALL: &str = ".*";
/// What a tag cannot hold, since it means something in a regular expression.
const SPECIAL: &[char] = &['(', ')', '|', '[', ']', '{', '}', '*', '+', '?', '^', '$', '\\', ','];
/// Most tags of one pattern.
const MAX_TAGS: usize = 1_000;

/// The pattern is none that Magento writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `.*`, or `((^|,)TAG(,|$))` and more of these with `|` between, at most {MAX_TAGS}, as Magento writes them"
)]
pub struct BadPattern;

impl From<BadTarget> for BadPattern {
    fn from(_: BadTarget) -> Self {
        Self
    }
}

/// What a pattern reaches.
pub fn targets(pattern: &str) -> Result<Vec<Target>, BadPattern> {
    if pattern == ALL {
        return Ok(vec![Target::all()]);
    }
    let mut targets = Vec::new();
    let mut rest = pattern;
    loop {
        let (tag, after) = rest.strip_prefix(BEFORE).and_then(|rest| rest.split_once(AFTER)).ok_or(BadPattern)?;
        if tag.contains(SPECIAL) || targets.len() == MAX_TAGS {
            return Err(BadPattern);
        }
        targets.push(Target::tag(tag)?);
        if after.is_empty() {
            return Ok(targets);
        }
        rest = after.strip_prefix('|').ok_or(BadPattern)?;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tags(pattern: &str) -> Result<Vec<String>, BadPattern> {
        targets(pattern)
            .map(|targets| targets.iter().flat_map(|target| &target.tags).map(|tag| tag.as_str().to_owned()).collect())
    }

    #[test]
    fn what_magento_writes_is_understood() {
        assert!(targets(".*").unwrap()[0].everything);
        assert_eq!(tags("((^|,)cat_p_12(,|$))").unwrap(), ["cat_p_12"]);
        assert_eq!(
            tags("((^|,)cat_p_12(,|$))|((^|,)cat_c_p_3(,|$))|((^|,)cms_b_footer-links.v2(,|$))").unwrap(),
            ["cat_p_12", "cat_c_p_3", "cms_b_footer-links.v2"]
        );
    }

    #[test]
    fn other_patterns_are_refused() {
        let many = vec!["((^|,)a(,|$))"; MAX_TAGS + 1].join("|");
        for pattern in [
            "",
            ".",
            "cat_p_12",
            ".*|.*",
            "((^|,)(,|$))",
            "((^|,)cat_p_.*(,|$))",
            "((^|,)a|b(,|$))",
            "((^|,)a,b(,|$))",
            "((^|,)a(,|$))|",
            "|((^|,)a(,|$))",
            "((^|,)a(,|$))((^|,)b(,|$))",
            "((^|,)a(,|$)",
            "(^|,)a(,|$)",
            &many,
        ] {
            assert_eq!(targets(pattern), Err(BadPattern), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn every_list_of_tags_comes_back(names in proptest::collection::vec("[a-z0-9_.-]{1,12}", 1..20)) {
            let pattern = names.iter().map(|name| format!("((^|,){name}(,|$))")).collect::<Vec<_>>().join("|");
            prop_assert_eq!(tags(&pattern).unwrap(), names);
        }

        #[test]
        fn no_pattern_panics(pattern in "[(^|,)$a.*]{0,40}") {
            let _ = tags(&pattern);
        }
    }
}
