//! That what was coded is decoded to the same, that what is broken is told, and that nothing grows without bounds.

use proptest::prelude::*;

use super::*;

const FORMS: [Form; 4] =
    [Form::Identity, Form::Coded(Coding::Zstd), Form::Coded(Coding::Br), Form::Coded(Coding::Gzip)];
const AMPLE: Limits = Limits { decoded: 1 << 30, result: 1 << 30 };

fn chunked(bytes: &[u8], size: usize) -> Vec<Bytes> {
    bytes.chunks(size.max(1)).map(Bytes::copy_from_slice).collect()
}

fn coded(bytes: &[u8], form: Form) -> Bytes {
    recode(&[Bytes::copy_from_slice(bytes)], Form::Identity, form, AMPLE).unwrap()
}

fn codings() -> impl Iterator<Item = (Coding, Form)> {
    Coding::ALL.into_iter().map(|coding| (coding, Form::Coded(coding)))
}

/// Text that shrinks, with noise that does not.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        (any::<u8>(), 0usize..100_000).prop_map(|(byte, times)| vec![byte; times]),
        "(<div class=\"[a-z]{3}\">){0,40}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Every form comes from every other, whatever pieces it lies in, and decodes to the same.
    #[test]
    fn what_is_derived_decodes_to_the_same(body in body(), size in 1usize..5000) {
        for from in FORMS {
            let stored = chunked(&coded(&body, from), size);
            for to in FORMS {
                let derived = recode(&stored, from, to, AMPLE).unwrap();
                let plain = recode(&[derived], to, Form::Identity, AMPLE).unwrap();
                prop_assert!(plain == body, "{from:?} {to:?}");
            }
        }
    }

    /// Strangers' bytes end in an error or a result, never in a panic or a loop.
    #[test]
    fn no_bytes_panic(noise in proptest::collection::vec(any::<u8>(), 0..300), flip in any::<prop::sample::Index>()) {
        for (_, form) in codings() {
            let _ = recode(&[Bytes::from(noise.clone())], form, Form::Identity, AMPLE);
            let mut broken = coded(&noise, form).to_vec();
            let at = flip.index(broken.len());
            broken[at] ^= 0x10;
            let _ = recode(&[Bytes::from(broken)], form, Form::Identity, AMPLE);
        }
    }
}

#[test]
fn what_ends_short_or_goes_on_is_corrupt() {
    let body = b"hello, hello, hello".repeat(50);
    for (coding, form) in codings() {
        let whole = coded(&body, form);
        let plain = |bytes: Bytes| recode(&[bytes], form, Form::Identity, AMPLE);
        for end in [0, 1, whole.len() / 2, whole.len() - 1] {
            assert_eq!(plain(whole.slice(..end)), Err(CodecError::Corrupt), "{coding:?} cut at {end}");
        }
        let trailed = [&whole[..], b"trailing"].concat();
        assert_eq!(plain(trailed.into()), Err(CodecError::Corrupt), "{coding:?}");
    }
}

#[test]
fn members_of_gzip_follow_one_another() {
    let gzip = Form::Coded(Coding::Gzip);
    let two = [coded(b"one ", gzip), coded(b"two", gzip)].concat();
    for size in [1, 7, two.len()] {
        let plain = recode(&chunked(&two, size), gzip, Form::Identity, AMPLE).unwrap();
        assert_eq!(&plain[..], b"one two", "RFC 1952 §2.2");
    }
}

#[test]
fn limits_hold() {
    let zeros = vec![0; 1 << 20];
    for (coding, form) in codings() {
        let bomb = coded(&zeros, form);
        assert!(bomb.len() < 10_000, "{coding:?}");
        let to = |to, limits| recode(std::slice::from_ref(&bomb), form, to, limits);
        let few = Limits { decoded: (1 << 20) - 1, result: 1 << 30 };
        assert_eq!(to(Form::Identity, few), Err(CodecError::TooLarge), "{coding:?}");
        assert_eq!(to(Form::Coded(Coding::Gzip), few), Err(CodecError::TooLarge), "{coding:?}");
        let small = Limits { decoded: 1 << 30, result: 100_000 };
        assert_eq!(to(Form::Identity, small), Err(CodecError::TooLarge), "{coding:?}");
        assert!(to(Form::Coded(Coding::Gzip), small).is_ok(), "{coding:?}: only the result is kept");
    }
}
