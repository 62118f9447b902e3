//! Whether the machine has been running all the while since something was written.
//!
//! What a process has written outlives its end at once, and not that of the machine: that takes a sync, which nothing here waits
//! for but at a stop. So after another start of the machine a folder that was not left in order is in doubt.

use vitrine_shared::clock::{BootTime, unix_millis};

/// Where Linux names the present run of the machine. A service's sandbox may hide it.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// By how much the wall clock may have been set meanwhile, where nothing names the run, in milliseconds.
const TOLERANCE: u64 = 2_000;

/// A moment in one run of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// The run's name, where that is told.
    pub(super) run: Option<Box<str>>,
    /// Milliseconds since the machine was started.
    pub(super) uptime: u64,
    /// Unix milliseconds.
    pub(super) at: u64,
}

impl Moment {
    /// Now.
    pub(super) fn now() -> Self {
        let run = std::fs::read_to_string(BOOT_ID).ok().map(|text| text.trim().into());
        let uptime = BootTime::now().since(BootTime::at(std::time::Duration::ZERO));
        Self { run, uptime: u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX), at: unix_millis() }
    }

    /// Whether the machine has been running from `earlier` until this.
    pub(super) fn is_same_run_as(&self, earlier: &Self) -> bool {
        match (&self.run, &earlier.run) {
            (Some(run), Some(other)) => run == other,
            // Both clocks have gone on by as much, as far as nobody has set the one that can be.
            (None, None) => {
                let began = |moment: &Self| moment.at.saturating_sub(moment.uptime);
                self.uptime >= earlier.uptime && began(self).abs_diff(began(earlier)) <= TOLERANCE
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_known_by_its_name_or_else_by_both_clocks() {
        let moment = |run: Option<&str>, uptime, at| Moment { run: run.map(Into::into), uptime, at };
        for (now, earlier, same, why) in [
            (moment(Some("a"), 5, 5), moment(Some("a"), 9, 900), true, "the name decides"),
            (moment(Some("a"), 9, 9), moment(Some("b"), 9, 9), false, "the name decides"),
            (moment(None, 9_000, 100_000), moment(None, 4_000, 95_500), true, "both clocks went on"),
            (moment(None, 9_000, 100_000), moment(None, 4_000, 90_000), false, "the machine was away for a time"),
            (moment(None, 3_000, 94_500), moment(None, 4_000, 95_500), false, "the machine was started since"),
            (moment(Some("a"), 9, 9), moment(None, 9, 9), false, "not known"),
        ] {
            assert_eq!(now.is_same_run_as(&earlier), same, "{why}");
        }
        assert!(Moment::now().is_same_run_as(&Moment::now()));
    }
}
