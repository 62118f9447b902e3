//! Which form a client gets (RFC 9110 §12.5.3).

use std::cmp::Reverse;

use super::accept::{Accept, Weight};
use super::{Coding, Form};

/// The form with the greatest weight among those that are `offered`, the stored one and identity; `None` where none of them is
/// accepted.
///
/// Of equal weight, what the client names comes before what its `*` covers. Of the named, the order of `offered` decides, then comes
/// the stored form, then identity. Of those that only `*` covers the stored form is taken, or identity: who names nothing prefers
/// nothing, and may well not know all that `*` stands for.
pub fn choose(accept: &Accept, stored: Form, offered: &[Coding]) -> Option<Form> {
    let candidates = offered.iter().copied().map(Form::Coded).chain([stored, Form::Identity]);
    candidates
        .enumerate()
        .filter_map(|(order, form)| Some((rank(accept.weight(form)?, order, form, stored), form)))
        .max_by_key(|(rank, _)| *rank)
        .map(|(_, form)| form)
}

fn rank(weight: Weight, order: usize, form: Form, stored: Form) -> (Weight, u8, Reverse<usize>) {
    let at_hand = match form {
        _ if weight.is_named => 0,
        _ if form == stored => 2,
        Form::Identity => 1,
        Form::Coded(_) => 0,
    };
    (weight, at_hand, Reverse(order))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};
    use proptest::prelude::*;

    use super::*;

    const PLAIN: Form = Form::Identity;
    const ZSTD: Form = Form::Coded(Coding::Zstd);
    const BR: Form = Form::Coded(Coding::Br);
    const GZIP: Form = Form::Coded(Coding::Gzip);

    fn chosen(accept: &[&str], stored: Form, offered: &[Coding]) -> Option<Form> {
        let mut request = HeaderMap::new();
        for line in accept {
            request.append(header::ACCEPT_ENCODING, HeaderValue::from_str(line).unwrap());
        }
        choose(&Accept::of(&request), stored, offered)
    }

    #[test]
    fn the_client_decides_and_the_rule_breaks_ties() {
        for (accept, stored, expected, why) in [
            (&["gzip, deflate, br, zstd"][..], GZIP, Some(ZSTD), "the rule's order"),
            (&["gzip, br"], GZIP, Some(BR), "the rule's order"),
            (&["gzip", "br"], GZIP, Some(BR), "lines combine (RFC 9110 §5.3)"),
            (&["gzip"], GZIP, Some(GZIP), ""),
            (&["gzip"], PLAIN, Some(GZIP), ""),
            (&["X-GZIP"], PLAIN, Some(GZIP), "RFC 9110 §8.4.1.3; names in any case"),
            (&["br;q=0.5, gzip;q=0.8"], PLAIN, Some(GZIP), "weights first"),
            (&["br ; q=0.5 , gzip ; q=0.5"], PLAIN, Some(BR), "space around"),
            (&["gzip;q=0"], GZIP, Some(PLAIN), "refused"),
            (&["gzip;q=0.0, *"], GZIP, Some(PLAIN), "`*` is for what is not named"),
            (&["deflate"], GZIP, Some(PLAIN), "identity is acceptable unless it is refused"),
            (&[], GZIP, Some(PLAIN), "no field"),
            (&[""], GZIP, Some(PLAIN), "an empty field wants no coding"),
            (&["*"], GZIP, Some(GZIP), "what is stored, where nothing is named"),
            (&["*"], PLAIN, Some(PLAIN), "the same"),
            (&["*;q=0.5, br;q=0.4"], GZIP, Some(GZIP), "`*` weighs more"),
            (&["*, br"], GZIP, Some(BR), "the named first"),
            (&["identity, gzip;q=0.5"], GZIP, Some(PLAIN), "who wants it plain gets it plain"),
            (&["identity, gzip"], PLAIN, Some(GZIP), "the rule's codings before identity"),
            (&["identity;q=0, gzip"], PLAIN, Some(GZIP), ""),
            (&["identity;q=0"], PLAIN, None, "nothing is acceptable"),
            (&["identity;q=0"], GZIP, None, "nothing is acceptable"),
            (&["*;q=0"], GZIP, None, "`*` covers identity too"),
            (&["*;q=0, identity"], GZIP, Some(PLAIN), "but for its own entry"),
            (&["identity;q=0, *"], PLAIN, Some(ZSTD), "any coding but none"),
            (&["gzip, gzip;q=0"], GZIP, Some(PLAIN), "named twice: the lesser word"),
            (&["gzip;q=1;x=1"], GZIP, Some(PLAIN), "no such parameter"),
            (&["gzip;q=banana"], GZIP, Some(PLAIN), "no weight"),
        ] {
            assert_eq!(chosen(accept, stored, &Coding::ALL), expected, "RFC 9110 §12.5.3: {accept:?} {stored:?} {why}");
        }
    }

    #[test]
    fn what_is_not_offered_is_stored_or_plain() {
        assert_eq!(chosen(&["br, gzip"], GZIP, &[]), Some(GZIP));
        assert_eq!(chosen(&["br"], GZIP, &[]), Some(PLAIN));
        assert_eq!(chosen(&["br"], PLAIN, &[]), Some(PLAIN));
        assert_eq!(chosen(&["zstd, br, gzip"], ZSTD, &[Coding::Br]), Some(BR), "the rule's before the stored");
        assert_eq!(chosen(&["zstd, gzip"], ZSTD, &[Coding::Br]), Some(ZSTD));
    }

    proptest! {
        #[test]
        fn what_is_chosen_was_accepted(accept in "[a-z*,;=q01. ]{0,30}", stored in 0usize..4, offered in 0usize..=3) {
            let stored = [PLAIN, ZSTD, BR, GZIP][stored];
            let mut request = HeaderMap::new();
            request.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(&accept).unwrap());
            let accept = Accept::of(&request);
            match choose(&accept, stored, &Coding::ALL[..offered]) {
                Some(form) => prop_assert!(accept.weight(form).is_some()),
                None => prop_assert!(accept.weight(stored).is_none() && accept.weight(PLAIN).is_none()),
            }
        }
    }
}
