//! Durations and byte sizes as people write them: `1h30m`, `256MiB`.

use std::fmt::Write as _;
use std::time::Duration;

/// Longest duration that a configuration may name.
const MAX_DURATION: Duration = Duration::from_hours(10 * 365 * 24);

/// Units of durations, from long to short, with their milliseconds.
const TIME_UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Units of sizes, with their bytes.
const SIZE_UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

/// The text is no duration or no size; the text says what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No duration.
    #[error("write numbers with the units d, h, m, s or ms, from long to short, such as \"4h\" or \"1h30m\"")]
    Duration,
    /// Over [`MAX_DURATION`].
    #[error("at most ten years")]
    TooLong,
    /// No size.
    #[error("write a number with the unit B, KiB, MiB, GiB, kB, MB or GB, such as \"256MiB\"")]
    Size,
}

/// A duration such as `4h`, `500ms` or `1h30m`; units go from long to short, each at most once. `0s` is allowed, `0` is not.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let mut millis: u64 = 0;
    let mut units = TIME_UNITS.iter();
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = digits(rest).ok_or(UnitError::Duration)?;
        let unit_length = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, next) = after.split_at(unit_length);
        // The units are walked through once, so that neither order nor repeats need a check of their own.
        let (_, factor) = units.find(|(known, _)| *known == unit).ok_or(UnitError::Duration)?;
        millis = number.checked_mul(*factor).and_then(|more| millis.checked_add(more)).ok_or(UnitError::TooLong)?;
        rest = next;
    }
    let duration = Duration::from_millis(millis);
    match duration {
        _ if text.is_empty() => Err(UnitError::Duration),
        _ if duration > MAX_DURATION => Err(UnitError::TooLong),
        _ => Ok(duration),
    }
}

/// A duration as [`duration`] reads it, in its shortest form: `1h30m`; less than a millisecond is left away.
pub fn show(duration: Duration) -> String {
    let mut millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut shown = String::new();
    for (unit, factor) in TIME_UNITS {
        if millis >= factor {
            // Writing to a String cannot fail.
            let _ = write!(shown, "{}{unit}", millis / factor);
            millis %= factor;
        }
    }
    if shown.is_empty() { "0s".to_owned() } else { shown }
}

/// A number of bytes such as `256MiB`.
pub fn size(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = digits(text).ok_or(UnitError::Size)?;
    let (_, factor) = SIZE_UNITS.iter().find(|(known, _)| *known == unit).ok_or(UnitError::Size)?;
    number.checked_mul(*factor).ok_or(UnitError::Size)
}

fn digits(text: &str) -> Option<(u64, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(length);
    number.parse().ok().map(|number| (number, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, millis) in [
            ("4h", 14_400_000),
            ("30m", 1_800_000),
            ("500ms", 500),
            ("1h30m", 5_400_000),
            ("1d2s3ms", 86_402_003),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "4", "h", "4x", "4 h", "30m1h", "1h1h", "1.5h", "-1h", "4H", "4hours", "1\u{e9}"] {
            assert_eq!(duration(text), Err(UnitError::Duration), "{text}");
        }
        assert_eq!(duration("4000d"), Err(UnitError::TooLong));
        assert_eq!(duration("18446744073709551615d"), Err(UnitError::TooLong));
    }

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [("1B", 1), ("4KiB", 4096), ("256MiB", 256 << 20), ("2GB", 2_000_000_000)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "1", "MiB", "1mib", "1 MiB", "1.5GiB", "-1B", "18446744073709551615GiB"] {
            assert_eq!(size(text), Err(UnitError::Size), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(millis in 0u64..100_000_000_000) {
            let given = Duration::from_millis(millis);
            prop_assert_eq!(duration(&show(given)), Ok(given));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = (duration(&text), size(&text));
        }
    }
}
