//! Members of Accept and its kin, each with its weight (RFC 9110 §12.4.2).

use http::HeaderName;

use crate::fields::FieldLines;

/// The weight of a member that names none.
const FULL: u16 = 1000;

/// One member of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member<'h> {
    /// What it names.
    pub(crate) name: &'h [u8],
    /// How much it is wanted, in thousandths; zero refuses. `None` where it has other parameters than a weight.
    pub(crate) weight: Option<u16>,
}

/// The members of all lines of a field that are not empty, in their order.
pub(crate) fn members<'h>(request: impl Into<FieldLines<'h>>, field: &HeaderName) -> impl Iterator<Item = Member<'h>> {
    let lines = request.into().get_all(field);
    let members = lines.flat_map(|line| line.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii);
    members.filter(|member| !member.is_empty()).map(|member| {
        let mut parts = member.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default();
        let weight = match (parts.next(), parts.next()) {
            (None, _) => Some(FULL),
            (Some(parameter), None) => quality(parameter),
            (Some(_), Some(_)) => None,
        };
        Member { name, weight }
    })
}

/// `q=0.5` in thousandths (RFC 9110 §12.4.2); `None` for what is no weight.
fn quality(parameter: &[u8]) -> Option<u16> {
    let value = parameter.strip_prefix(b"q=").or_else(|| parameter.strip_prefix(b"Q="))?;
    let (whole, decimals) = match value {
        [whole] => (whole, &[][..]),
        [whole, b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
        _ => return None,
    };
    if !decimals.iter().chain([whole]).all(u8::is_ascii_digit) {
        return None;
    }
    let digits = decimals.iter().chain(std::iter::repeat(&b'0')).take(3);
    let thousandths = digits.fold(u16::from(whole - b'0'), |sum, digit| sum * 10 + u16::from(digit - b'0'));
    (thousandths <= FULL).then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_three_decimals_at_most() {
        for (text, expected) in [
            ("q=1", Some(1000)),
            ("Q=0.5", Some(500)),
            ("q=0.001", Some(1)),
            ("q=1.000", Some(1000)),
            ("q=0.", Some(0)),
            ("q=0.0000", None),
            ("q=1.001", None),
            ("q=2", None),
            ("q=", None),
            ("q=-1", None),
            ("q=.5", None),
            ("x=1", None),
        ] {
            assert_eq!(quality(text.as_bytes()), expected, "RFC 9110 §12.4.2: {text}");
        }
    }
}
