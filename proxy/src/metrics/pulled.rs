//! Counters that are kept elsewhere.

use std::collections::HashMap;
use std::fmt;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, LabelPair, Metric, MetricFamily, MetricType};

/// Counters that are kept elsewhere, and read when they are scraped.
pub(crate) struct Pulled {
    desc: Desc,
    read: Box<Read>,
}

/// Gives the values with those of their labels, in the order of the labels' names.
type Read = dyn Fn() -> Vec<(Vec<String>, u64)> + Send + Sync;

// === impl Pulled ===

impl Pulled {
    /// A counter without labels.
    pub(crate) fn counter(
        name: &str,
        help: &str,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> prometheus::Result<Self> {
        Self::counters(name, help, &[], move || vec![(Vec::new(), read())])
    }

    /// Counters with these labels, which are in the order of their names.
    pub(crate) fn counters(
        name: &str,
        help: &str,
        labels: &[&str],
        read: impl Fn() -> Vec<(Vec<String>, u64)> + Send + Sync + 'static,
    ) -> prometheus::Result<Self> {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let desc = Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())?;
        Ok(Self { desc, read: Box::new(read) })
    }

    fn metric(&self, values: Vec<String>, count: u64) -> Metric {
        let label = |(name, value): (&String, String)| {
            let mut pair = LabelPair::default();
            pair.set_name(name.clone());
            pair.set_value(value);
            pair
        };
        let mut counter = Counter::default();
        // Exact below 2^53.
        #[allow(clippy::cast_precision_loss)]
        counter.set_value(count as f64);
        let mut metric = Metric::from_label(self.desc.variable_labels.iter().zip(values).map(label).collect());
        metric.set_counter(counter);
        metric
    }
}

impl Collector for Pulled {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(MetricType::COUNTER);
        family.set_metric((self.read)().into_iter().map(|(values, count)| self.metric(values, count)).collect());
        vec![family]
    }
}

impl fmt::Debug for Pulled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulled").field("name", &self.desc.fq_name).finish_non_exhaustive()
    }
}
