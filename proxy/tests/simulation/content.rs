//! What the simulated shop shows: three things that change, each on a page of its own, and a list of all three.

use vitrine_shared::tag::{Tag, TagHash};

/// Things that change.
pub(crate) const THINGS: usize = 3;
/// Pages: one for each thing, and the list.
pub(crate) const PAGES: usize = THINGS + 1;

/// Which version of each thing a page shows. Versions are numbers of writes, so no two are the same in any history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content([Option<u64>; THINGS]);

impl Content {
    /// What a page shows of these versions.
    pub(crate) fn of(page: usize, versions: [u64; THINGS]) -> Self {
        let shows = |thing: usize| page == thing || page == THINGS;
        Self(std::array::from_fn(|thing| shows(thing).then(|| versions[thing])))
    }

    /// The first thing that is shown older than it must be: which, shown, and at least.
    pub(crate) fn older_than(&self, least: &[u64; THINGS]) -> Option<(usize, u64, u64)> {
        (0..THINGS).find_map(|thing| {
            let shown = self.0[thing]?;
            (shown < least[thing]).then_some((thing, shown, least[thing]))
        })
    }
}

/// The tags of a page: what it shows. The list has a tag of its own, as a list of any product has.
pub(crate) fn tags_of(page: usize) -> Vec<TagHash> {
    if page == THINGS { vec![Tag::products_any().hash()] } else { vec![Tag::product(&page.to_string()).hash()] }
}

/// What a change of a thing purges.
pub(crate) fn purged_by(thing: usize) -> Vec<Tag> {
    vec![Tag::product(&thing.to_string()), Tag::products_any()]
}
