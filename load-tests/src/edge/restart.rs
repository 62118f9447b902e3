//! The row with a restart: how soon objects are served again that were stored before it.

use std::time::{Duration, Instant};

use super::EdgeError;
use super::browser::HOST;
use super::catalog::Object;
use super::client::Client;
use super::contender::Contender;
use super::fleet::{Bench, Terms};
use super::hot::{SIZES, SMALL_FROM};
use super::load;
use super::report::{Line, Readings};
use super::scripts::Once;

pub(super) const ROW: &str = "restart";
const OBJECTS: u32 = 200_000;
const OBJECTS_QUICK: u32 = 20_000;
const BUDGET: u64 = 2 << 30;
/// Objects that are asked for after the restart.
const LOOKED_AT: u32 = 2_000;
/// Traffic Server writes its directory every few seconds here (every minute by itself), and not when it ends.
const DIRECTORY_WRITTEN: Duration = Duration::from_secs(20);
/// Who has found nothing by then does not find it.
const LIMIT: Duration = Duration::from_mins(1);

/// Fills each on the disk, restarts it in order and asks for what was there.
///
/// The files stay in the system's own cache of the disk, for all of them.
pub(super) fn run(bench: &Bench) -> Result<Vec<Line>, EdgeError> {
    let count = if bench.options.quick { OBJECTS_QUICK } else { OBJECTS };
    let object = |number: u32| Object { id: SMALL_FROM + number, bytes: SIZES[0] };
    let (mut first, mut found, mut cpu) = (Readings::new(), Readings::new(), Readings::new());
    let terms = Terms { budget: BUDGET, average: 2_000, tags: true, on_disk: true };
    let mut servers = Vec::new();
    for contender in bench.contenders.iter().copied().filter(|contender| contender.survives_restart()) {
        eprintln!("{ROW}: filling {} with {count} objects on the disk ...", contender.name());
        let server = bench.server(contender, terms)?;
        // Twice, for those who store what is asked for again.
        for _ in 0..2 {
            load::run(bench.job(&server, None)?, &mut Once::new((0..count).map(object)), &bench.stop)?;
        }
        servers.push(server);
    }
    if servers.iter().any(|server| server.contender == Contender::Ats) {
        eprintln!("{ROW}: waiting until Traffic Server has written its directory ...");
        std::thread::sleep(DIRECTORY_WRITTEN);
    }
    for mut server in servers {
        let contender = server.contender;
        server.restart(bench.options.server_core)?;
        let begin = Instant::now();
        let mut before = bench.origin_count()?;
        let mut next = 0;
        loop {
            let answered = Client::connect(server.addresses.http)
                .and_then(|mut client| client.get(HOST, &object(next).target()))
                .is_ok();
            let asked = bench.origin_count()?;
            if answered && asked == before {
                break;
            }
            if begin.elapsed() > LIMIT {
                return Err(EdgeError::Answer(format!("{} serves nothing of what it had stored", contender.name())));
            }
            (next, before) = (next + u32::from(answered), asked);
            std::thread::sleep(Duration::from_millis(2));
        }
        first.insert(contender, vec![begin.elapsed().as_secs_f64() * 1e3]);
        let some = (0..count).step_by((count / LOOKED_AT) as usize).skip(1).map(object);
        let before = bench.origin_count()?;
        let cost = load::run(bench.job(&server, None)?, &mut Once::new(some), &bench.stop)?;
        found.insert(contender, vec![cost.hit_ratio(bench.origin_count()? - before)]);
        cpu.insert(contender, vec![cost.cpu_us()]);
        server.forget_files();
    }
    Ok(vec![
        Line::new((ROW, "first"), "restart: until the first hit", "ms", &first),
        Line::new((ROW, "found"), "  found again of 100", "%", &found),
        Line::new((ROW, "cpu"), "  a first hit of each, CPU", "us", &cpu),
    ])
}
