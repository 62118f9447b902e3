//! What an object knows of itself in few bytes.

use std::time::Duration;

use http::HeaderName;

use super::object::Promise;

use crate::encoding::{Coding, Form};
use crate::policy::{FreshnessBasis, FreshnessSource, Lifetime};
use crate::rules::BrowserTtl;

/// An instant or a duration in milliseconds, in 48 bits: until the year 10889.
#[derive(Clone, Copy)]
struct Millis([u8; 6]);

/// Above all instants.
const NONE: u64 = (1 << 48) - 1;
const RESPECT: u64 = NONE - 1;
const REVALIDATE: u64 = NONE - 2;
const LAST: u64 = NONE - 3;

/// A [`Lifetime`], a [`FreshnessSource`] without its field's name, a [`Promise`] and a form.
#[derive(Clone, Copy)]
pub(super) struct Packed {
    born: Millis,
    fresh_until: Millis,
    revalidate_until: Millis,
    error_until: Millis,
    ends: Millis,
    browser_ttl: Millis,
    entry: u8,
    basis: FreshnessBasis,
    /// What is below, and above [`FORM`] the form.
    flags: u8,
}

const STALE_FORBIDDEN: u8 = 1;
const CAPPED: u8 = 2;
const ENDED: u8 = 4;
const OUTSIDE: u8 = 8;
const FORM: u8 = 4;

// === impl Millis ===

impl Millis {
    fn exact(millis: u64) -> Self {
        // The lowest six of eight bytes.
        Self(millis.to_le_bytes().first_chunk().copied().unwrap_or_default())
    }

    fn of(millis: u64) -> Self {
        Self::exact(millis.min(LAST))
    }

    fn get(self) -> u64 {
        let mut bytes = [0; 8];
        bytes[..6].copy_from_slice(&self.0);
        u64::from_le_bytes(bytes)
    }
}

// === impl Packed ===

impl Packed {
    pub(super) fn of(lifetime: &Lifetime, source: &FreshnessSource, promise: Promise, form: Option<Form>) -> Self {
        let browser_ttl = match lifetime.browser_ttl {
            None => Millis::exact(NONE),
            Some(BrowserTtl::Respect) => Millis::exact(RESPECT),
            Some(BrowserTtl::Revalidate) => Millis::exact(REVALIDATE),
            Some(BrowserTtl::Override(ttl)) => {
                Millis::exact(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).min(LAST))
            }
        };
        // Entries are counted from 1; of very many the last are not told.
        let entry = source.entry.and_then(|entry| u8::try_from(entry).ok()).unwrap_or(0);
        Self {
            born: Millis::of(lifetime.born),
            fresh_until: Millis::of(lifetime.fresh_until),
            revalidate_until: Millis::of(lifetime.revalidate_until),
            error_until: Millis::of(lifetime.error_until),
            ends: lifetime.ends.map_or(Millis::exact(NONE), Millis::of),
            browser_ttl,
            entry,
            basis: source.basis,
            flags: flag(STALE_FORBIDDEN, lifetime.stale_forbidden)
                | flag(CAPPED, source.is_capped)
                | flag(ENDED, source.is_ended)
                | flag(OUTSIDE, promise == Promise::Outside)
                | of_form(form) << FORM,
        }
    }

    pub(super) fn lifetime(self) -> Lifetime {
        let browser_ttl = match self.browser_ttl.get() {
            NONE => None,
            RESPECT => Some(BrowserTtl::Respect),
            REVALIDATE => Some(BrowserTtl::Revalidate),
            millis => Some(BrowserTtl::Override(Duration::from_millis(millis))),
        };
        Lifetime {
            born: self.born.get(),
            fresh_until: self.fresh_until.get(),
            revalidate_until: self.revalidate_until.get(),
            error_until: self.error_until.get(),
            ends: Some(self.ends.get()).filter(|ends| *ends != NONE),
            stale_forbidden: self.has(STALE_FORBIDDEN),
            browser_ttl,
        }
    }

    pub(super) fn source(self, targeted: Option<HeaderName>) -> FreshnessSource {
        FreshnessSource {
            basis: self.basis,
            targeted,
            entry: (self.entry > 0).then_some(usize::from(self.entry)),
            is_capped: self.has(CAPPED),
            is_ended: self.has(ENDED),
        }
    }

    pub(super) fn promise(self) -> Promise {
        if self.has(OUTSIDE) { Promise::Outside } else { Promise::Within }
    }

    pub(super) fn form(self) -> Option<Form> {
        match self.flags >> FORM {
            1 => Some(Form::Identity),
            2 => Some(Form::Coded(Coding::Zstd)),
            3 => Some(Form::Coded(Coding::Br)),
            4 => Some(Form::Coded(Coding::Gzip)),
            _ => None,
        }
    }

    fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

fn flag(flag: u8, is_set: bool) -> u8 {
    if is_set { flag } else { 0 }
}

fn of_form(form: Option<Form>) -> u8 {
    match form {
        None => 0,
        Some(Form::Identity) => 1,
        Some(Form::Coded(Coding::Zstd)) => 2,
        Some(Form::Coded(Coding::Br)) => 3,
        Some(Form::Coded(Coding::Gzip)) => 4,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn browser_ttls() -> impl Strategy<Value = Option<BrowserTtl>> {
        prop_oneof![
            Just(None),
            Just(Some(BrowserTtl::Respect)),
            Just(Some(BrowserTtl::Revalidate)),
            (0_u64..1 << 40).prop_map(|millis| Some(BrowserTtl::Override(Duration::from_millis(millis)))),
        ]
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            times in proptest::array::uniform4(0..=LAST),
            ends in proptest::option::of(0..=LAST),
            browser_ttl in browser_ttls(),
            stale_forbidden: bool,
            entry in proptest::option::of(1_usize..=255),
            flags: (bool, bool),
        ) {
            let [born, fresh_until, revalidate_until, error_until] = times;
            let lifetime =
                Lifetime { born, fresh_until, revalidate_until, error_until, ends, stale_forbidden, browser_ttl };
            let targeted = Some(HeaderName::from_static("cdn-cache-control"));
            let basis = FreshnessBasis::SharedMaxAge;
            let source = FreshnessSource { basis, targeted, entry, is_capped: flags.0, is_ended: flags.1 };
            let packed = Packed::of(&lifetime, &source, Promise::Outside, None);
            prop_assert_eq!((packed.lifetime(), packed.promise(), packed.form()), (lifetime, Promise::Outside, None));
            prop_assert_eq!(packed.source(source.targeted.clone()), source);
        }
    }

    #[test]
    fn what_never_ends_ends_very_late() {
        let lifetime = Lifetime { ends: Some(u64::MAX), ..Lifetime::new(0, u64::MAX) };
        let packed = |form| Packed::of(&lifetime, &FreshnessSource::default(), Promise::Within, form);
        assert_eq!((packed(None).lifetime().fresh_until, packed(None).lifetime().ends), (LAST, Some(LAST)));
        for form in [None, Some(Form::Identity)].into_iter().chain(Coding::ALL.map(|coding| Some(Form::Coded(coding))))
        {
            assert_eq!((packed(form).form(), packed(form).promise()), (form, Promise::Within));
        }
    }
}
