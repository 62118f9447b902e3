//! `make bench-origin`: our origin beside Medusa on the same data, the edge out of the way.
//!
//! All contenders run at once on one Postgres and one Redis and are measured in turn, round after round, so that what disturbs
//! the machine meets all of them. Every server has both cores, and shares them with Postgres, Redis and the load.

mod carts;
mod contender;
mod equal;
mod ids;
mod kinds;
mod load;
mod medusa;
mod reads;
mod report;
mod scale;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use super::BenchError;
use contender::Shop;
use kinds::Kind;
use report::Report;

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct OriginBenchOptions {
    /// How often each contender has its turn.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// How long a turn of each kind of GET is measured.
    #[arg(long, default_value_t = 6.0)]
    pub seconds: f64,
    /// Connections that ask at once.
    #[arg(long, default_value_t = 16)]
    pub connections: usize,
    /// Carts that are filled in each turn, one after the other.
    #[arg(long, default_value_t = 15)]
    pub carts: u32,
    /// Kinds to measure, with commas between; all without it.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Products of our shop alone, for the cost of lists, with commas between. Zero: leave that out.
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000")]
    pub scale: Vec<u32>,
    /// Leave Medusa out: then there are no ratios.
    #[arg(long)]
    pub alone: bool,
    /// Where the result is written as JSON, besides the table.
    #[arg(long, default_value = ".run/bench-origin.json")]
    pub json: PathBuf,
}

/// Products of the shops that are compared: the data set of Medusa's samples.
const PRODUCTS: u32 = 1_000;
/// A turn begins with so much that is not measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// Runs it all, prints tables, and fails below the bars.
pub async fn run(options: &OriginBenchOptions) -> Result<(), BenchError> {
    let mut report = Report::default();
    let kinds: Vec<Kind> = kinds::ALL.into_iter().filter(|kind| options.wants(kind.name)).collect();
    if options.measures_contenders() {
        let mut shop = Shop::start(PRODUCTS, options.alone).await?;
        let contenders = shop.contenders();
        equal::check(&contenders, &kinds).await?;
        for round in 0..options.rounds {
            for kind in &kinds {
                eprintln!("bench-origin: round {} of {}: {}", round + 1, options.rounds, kind.name);
                for contender in &contenders {
                    report.read(kind, contender, reads::turn(options, kind, contender).await?);
                }
            }
            if options.wants(carts::NAME) {
                eprintln!("bench-origin: round {} of {}: {}", round + 1, options.rounds, carts::NAME);
                for contender in &contenders {
                    report.cart(contender, carts::turn(options, contender).await?);
                }
            }
        }
        report.memory(&contenders)?;
        shop.stop().await;
    }
    if options.wants(scale::NAME) {
        for products in options.scale.iter().copied().filter(|products| *products > 0) {
            report.scale(scale::measure(options, products).await?);
        }
    }
    report.finish(options)
}

impl OriginBenchOptions {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    fn measures_contenders(&self) -> bool {
        kinds::ALL.iter().any(|kind| self.wants(kind.name)) || self.wants(carts::NAME)
    }

    fn measured(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds).unwrap_or(WARM_UP)
    }
}
