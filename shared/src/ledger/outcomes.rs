//! What a member told of the fate of its purges.

use std::collections::BTreeMap;

use crate::clock::{BootTime, millis};
use crate::epoch::Epoch;
use crate::outcome::{Fate, MAX_OUTCOMES, MAX_URL, Outcome};

/// Outcomes of one member that are remembered, those of the newest epochs.
const MOST: usize = 512;

/// The fates of a member's newest purges, as it told them.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcomes(BTreeMap<Epoch, (BootTime, Fate)>);

// === impl Outcomes ===

impl Outcomes {
    /// Takes in what a report that came at `now` tells.
    pub(super) fn note(&mut self, now: BootTime, told: &[Outcome]) {
        for Outcome { epoch, fate } in told.iter().take(MAX_OUTCOMES) {
            let mut fate = fate.clone();
            if let Some(fill) = &mut fate.first_fresh_fill {
                fill.url.truncate(fill.url.floor_char_boundary(MAX_URL));
            }
            self.0.insert(*epoch, (now, fate));
        }
        while self.0.len() > MOST {
            self.0.pop_first();
        }
    }

    /// The fate of an epoch, as seen at `now`.
    pub(super) fn of(&self, now: BootTime, epoch: Epoch) -> Option<Fate> {
        let (told, fate) = self.0.get(&epoch)?;
        Some(fate.clone().later(millis(now.since(*told))))
    }
}
