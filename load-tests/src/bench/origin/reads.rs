//! A contender's turn with one kind of GET.

use std::sync::Arc;
use std::time::Instant;

use super::contender::Contender;
use super::kinds::{Kind, URLS};
use super::load::{self, Requests, Window};
use super::writer::Writer;
use super::{OriginBenchOptions, WARM_UP};
use crate::bench::BenchError;

/// What a turn found.
#[derive(Debug)]
pub(super) struct Turn {
    /// Requests a second.
    pub(super) rate: f64,
    /// How long each took, in milliseconds.
    pub(super) ms: Vec<f64>,
    /// Processor time for each request, in milliseconds: the server's processes, and Postgres's.
    pub(super) server_cpu_ms: f64,
    pub(super) postgres_cpu_ms: f64,
    /// Length of a body.
    pub(super) bytes: f64,
}

/// Asks for a while, with one write to the catalog a second beside it.
pub(super) async fn turn(options: &OriginBenchOptions, kind: &Kind, contender: &Contender) -> Result<Turn, BenchError> {
    let heads = (0..URLS).map(|number| contender.head(&(kind.url)(&contender.catalog, number))).collect();
    let requests = Requests { address: contender.address, heads: Arc::new(heads) };
    let begin = Instant::now() + WARM_UP;
    let window = Window { begin, end: begin + options.measured() };
    let writer = Writer::start(contender);
    let asked = tokio::spawn(load::ask(requests, options.connections, window));
    tokio::time::sleep_until(window.begin.into()).await;
    let before = contender.usage()?;
    tokio::time::sleep_until(window.end.into()).await;
    let used = contender.usage()?.since(&before);
    let answers = asked.await.map_err(|error| BenchError::Answer(error.to_string()))??;
    writer.stop().await?;
    let count = crate::bench::as_f64(answers.ms.len());
    if answers.ms.is_empty() {
        return Err(BenchError::Answer(format!("{}: {} was not answered in time", contender.name, kind.name)));
    }
    Ok(Turn {
        rate: count / options.seconds,
        server_cpu_ms: used.server.as_secs_f64() * 1_000.0 / count,
        postgres_cpu_ms: used.postgres.as_secs_f64() * 1_000.0 / count,
        bytes: answers.bytes / count,
        ms: answers.ms,
    })
}
