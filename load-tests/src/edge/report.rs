//! What was measured: a table with ratios, JSON, and the one line at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::contender::Contender;
use crate::bench::Summary;

/// What was read of each contender, round by round.
pub(super) type Readings = BTreeMap<Contender, Vec<f64>>;

/// One reading of each contender, over the rounds.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    /// The row, such as `hit-1k`.
    pub(super) row: &'static str,
    /// What is read, such as `cpu`.
    pub(super) reading: &'static str,
    /// In words, for people.
    pub(super) title: String,
    pub(super) unit: &'static str,
    /// Medians and the like; a contender that cannot do it, or was left out, is absent.
    pub(super) contenders: BTreeMap<Contender, Summary>,
}

impl Line {
    /// Of the readings of each round.
    pub(super) fn new(
        (row, reading): (&'static str, &'static str),
        title: impl Into<String>,
        unit: &'static str,
        readings: &Readings,
    ) -> Self {
        let contenders = readings.iter().map(|(contender, values)| (*contender, Summary::of(values.clone()))).collect();
        Self { row, reading, title: title.into(), unit, contenders }
    }

    /// Theirs divided by ours; for the floor too.
    fn ratio(&self, contender: Contender) -> Option<f64> {
        let median = |contender| self.contenders.get(&contender).map(|summary| summary.p50);
        let (theirs, ours) = (median(contender)?, median(Contender::Vitrine)?);
        (ours > 0.0).then_some(theirs / ours)
    }
}

/// All of one run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) rounds: u32,
    pub(super) seconds: f64,
    pub(super) connections: usize,
    /// The processor, as the system names it.
    pub(super) machine: String,
    pub(super) versions: BTreeMap<Contender, String>,
    pub(super) lines: Vec<Line>,
}

/// The table, of those that took part.
pub(super) fn table(lines: &[Line], contenders: &[Contender]) -> String {
    let mut text = format!("{:<38}", "");
    for contender in contenders {
        let _ = write!(text, "{:>16}", contender.name());
    }
    text.push('\n');
    for line in lines {
        let _ = write!(text, "{:<30}{:>8}", line.title, line.unit);
        for contender in contenders {
            let Some(summary) = line.contenders.get(contender) else {
                let _ = write!(text, "{:>16}", "-");
                continue;
            };
            let ratio = line.ratio(*contender).filter(|_| *contender != Contender::Vitrine);
            let ratio = ratio.map_or_else(String::new, |ratio| format!("x{}", figure(ratio)));
            let _ = write!(text, "{:>9}{ratio:>7}", figure(summary.p50));
        }
        text.push('\n');
    }
    text
}

/// Three digits that count.
fn figure(value: f64) -> String {
    match value.abs() {
        10_000_000.0.. => format!("{:.0}M", value / 1e6),
        100_000.0.. => format!("{:.0}k", value / 1e3),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// How many times our processor time others take for a hit of 1 KB, and we that of the floor; `-` where there is no reading.
pub(super) fn last_line(lines: &[Line]) -> String {
    let line = lines.iter().find(|line| line.row == "hit-1k" && line.reading == "cpu");
    let mut text = "BENCH-EDGE".to_owned();
    for contender in Contender::ALL.into_iter().filter(|contender| !contender.is_ours()) {
        let ratio = line.and_then(|line| line.ratio(contender));
        let ratio = if contender == Contender::Floor { ratio.map(f64::recip) } else { ratio };
        let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        let _ = write!(text, " {}={ratio}", contender.name());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(row: &'static str, readings: &[(Contender, f64)]) -> Line {
        let contenders = readings.iter().map(|(contender, value)| (*contender, Summary::of(vec![*value]))).collect();
        Line { row, reading: "cpu", title: "hit of 1 KB, CPU".to_owned(), unit: "us", contenders }
    }

    #[test]
    fn the_last_line_tells_ratios_and_what_is_missing() {
        let lines = [
            line("hit-10k", &[(Contender::Vitrine, 1.0), (Contender::Nginx, 9.0)]),
            line("hit-1k", &[(Contender::Vitrine, 4.0), (Contender::Nginx, 7.4), (Contender::Floor, 3.2)]),
        ];
        assert_eq!(last_line(&lines), "BENCH-EDGE nginx=1.85 varnish=- ats=- haproxy=- floor=1.25");
        assert_eq!(last_line(&[]), "BENCH-EDGE nginx=- varnish=- ats=- haproxy=- floor=-");
    }

    #[test]
    fn the_table_has_a_column_for_each_and_ratios_for_others() {
        let lines = [line("hit-1k", &[(Contender::Vitrine, 4.0), (Contender::Nginx, 7.4)])];
        let text = table(&lines, &[Contender::Vitrine, Contender::Nginx, Contender::Ats]);
        let rows: Vec<Vec<_>> = text.lines().map(|row| row.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["vitrine", "nginx", "ats"]);
        assert_eq!(rows[1], ["hit", "of", "1", "KB,", "CPU", "us", "4.00", "7.40", "x1.85", "-"]);
    }

    #[test]
    fn figures_are_short() {
        for (value, expected) in [(4.154, "4.15"), (17.06, "17.1"), (231.4, "231"), (231_412.0, "231k"), (0.0, "0.00")]
        {
            assert_eq!(figure(value), expected);
        }
    }
}
