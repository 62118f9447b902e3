//! Vary and the negotiation of forms, languages and types: what is chosen was accepted, and equal normal forms are one variant.
//!
//! Input: a line of choices, the response's fields, an empty line, one request's fields, an empty line, the other's.
#![no_main]

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use libfuzzer_sys::fuzz_target;
use vitrine_fuzz::{Choices, combined, fields, line, reversed, section};
use vitrine_proxy::encoding::{Accept, Coding, Compression, Form, choose};
use vitrine_proxy::key::KeyHeader;
use vitrine_proxy::policy::fill_fields;
use vitrine_proxy::rules::{CacheSettings, Forward};
use vitrine_proxy::vary::{Codings, VaryMode, VarySpec};

const LANGUAGES: [&str; 6] = ["en", "en-GB", "de-CH-1996", "de", "zh-Hant-TW", "fr"];
const TYPES: [&str; 5] = ["text/html", "application/json", "text/plain", "image/avif", "image/webp"];
const FORMS: [Form; 4] =
    [Form::Identity, Form::Coded(Coding::Zstd), Form::Coded(Coding::Br), Form::Coded(Coding::Gzip)];

fuzz_target!(|data: &[u8]| {
    let (choices, rest) = line(data);
    let (response, rest) = section(rest);
    let (one, other) = section(rest);
    let (response, one, other) = (fields(response), fields(one), fields(other));
    let mut choices = Choices(choices);
    forms(&one, &mut choices);
    let settings = settings(&mut choices);
    languages_and_types(&one, &settings);
    variants(&response, &one, &other, &settings);
});

fn settings(choices: &mut Choices<'_>) -> CacheSettings {
    let mut settings = CacheSettings::of_scope("o".into());
    let some = |of: &[&str], choices: &mut Choices<'_>| -> Arc<[Box<str>]> {
        let from = choices.among(of.len());
        of[from..].iter().map(|&offer| offer.into()).collect()
    };
    settings.vary.unknown = if choices.flag() { VaryMode::Exact } else { VaryMode::Refuse };
    settings.vary.named = vec![
        (header::ACCEPT_LANGUAGE, VaryMode::Languages(some(&LANGUAGES, choices))),
        (header::ACCEPT, VaryMode::Types(some(&TYPES, choices))),
        (header::ORIGIN, VaryMode::Ignore),
        (header::USER_AGENT, if choices.flag() { VaryMode::Exact } else { VaryMode::Refuse }),
    ];
    settings.forward = [Forward::Keyed, Forward::Headers, Forward::All][choices.among(3)];
    if choices.flag() {
        settings.key.headers =
            vec![KeyHeader { name: HeaderName::from_static("x-locale"), empty_is_absent: choices.flag() }];
        settings.key.cookies = vec!["currency".into()];
        settings.key.device = choices.flag();
    }
    if choices.flag() {
        settings.compression = Some(Arc::new(Compression::default()));
    }
    settings
}

/// The weight that a request gives a coding, by RFC 9110 §12.5.3, of lists that keep to the grammar.
fn weight(request: &HeaderMap, coding: &str) -> Option<u16> {
    let mut own: Option<u16> = None;
    for line in request.get_all(header::ACCEPT_ENCODING) {
        for member in line.to_str().ok()?.split(',') {
            let (name, weight) = member.split_once(';').unwrap_or((member, "q=1"));
            let name = name.trim().to_ascii_lowercase();
            let name = if name == "x-gzip" { "gzip" } else { &name };
            let weight = thousandths(weight.trim()).unwrap_or(0);
            if name == coding {
                own = Some(own.map_or(weight, |before| before.min(weight)));
            }
        }
    }
    own
}

/// `None` for what is no weight (RFC 9110 §12.4.2).
fn thousandths(parameter: &str) -> Option<u16> {
    let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let fits = whole.len() == 1 && decimals.len() <= 3 && (whole.to_owned() + decimals).bytes().all(|b| b.is_ascii_digit());
    let number = format!("{whole}{decimals:0<3}").parse().ok()?;
    (fits && number <= 1000).then_some(number)
}

fn forms(request: &HeaderMap, choices: &mut Choices<'_>) {
    let accept = Accept::of(request);
    assert_eq!(accept, Accept::of(&reversed(request)), "the order of lines means something");
    assert_eq!(accept, Accept::of(&combined(request)), "lines are no list");
    let stored = FORMS[choices.among(FORMS.len())];
    let offered = &Coding::ALL[choices.among(3)..][..1];
    let offered = if choices.flag() { &Coding::ALL[..] } else { offered };
    let is_text = request.get_all(header::ACCEPT_ENCODING).iter().all(|line| line.to_str().is_ok());
    let acceptable = |form: Form| {
        let own = match form {
            Form::Identity => weight(request, "identity"),
            Form::Coded(coding) => weight(request, coding.token()),
        };
        match own.or(weight(request, "*")) {
            Some(weight) => weight > 0,
            None => form == Form::Identity,
        }
    };
    if is_text {
        for form in FORMS {
            assert_eq!(accept.weight(form).is_some(), acceptable(form), "{form:?}");
        }
    }
    match choose(&accept, stored, offered) {
        Some(chosen) => {
            let weight = accept.weight(chosen).expect("what is chosen was accepted");
            let candidates = || offered.iter().map(|&coding| Form::Coded(coding)).chain([stored, Form::Identity]);
            assert!(candidates().any(|form| form == chosen), "what is chosen is to be had");
            assert!(candidates().filter_map(|form| accept.weight(form)).all(|other| other <= weight));
        }
        None => {
            assert!(accept.weight(stored).is_none() && accept.weight(Form::Identity).is_none());
        }
    }
    // The normal form says the same, and is its own.
    let codings = Codings::of(request);
    let mut normal = HeaderMap::new();
    normal.extend(codings.field().map(|field| (header::ACCEPT_ENCODING, field)));
    assert_eq!(Codings::of(&normal), codings);
}

fn languages_and_types(request: &HeaderMap, settings: &CacheSettings) {
    let mut sent = HeaderMap::new();
    settings.vary.normalise(request, &mut sent);
    for (name, mode) in &settings.vary.named {
        let best = sent.get(name).map(|best| best.to_str().expect("an offer is text"));
        match mode {
            VaryMode::Languages(offered) => {
                assert!(best.is_none_or(|best| offered.iter().any(|offer| **offer == *best)));
                assert!(best.is_none() || request.contains_key(name));
            }
            VaryMode::Types(offered) => {
                assert!(best.is_none_or(|best| offered.iter().any(|offer| **offer == *best)));
                best_type_is_accepted(request, best, offered);
            }
            _ => assert_eq!(best, None),
        }
    }
    // The best is the best again: what caches behind do with it is nothing more.
    let mut again = HeaderMap::new();
    settings.vary.normalise(&sent, &mut again);
    assert_eq!(again, sent);
    let mut of_combined = HeaderMap::new();
    settings.vary.normalise(&combined(request), &mut of_combined);
    assert_eq!(of_combined, sent, "lines are no list");
}

/// RFC 9110 §12.5.1: the most specific range that matches a type gives its weight.
fn best_type_is_accepted(request: &HeaderMap, best: Option<&str>, offered: &[Box<str>]) {
    let (mut ranges, mut count): (Vec<(String, u16)>, usize) = (Vec::new(), 0);
    for line in request.get_all(header::ACCEPT) {
        let Ok(line) = line.to_str() else { return };
        for member in line.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            count += 1;
            let mut parts = member.split(';').map(str::trim);
            let (name, parameters) = (parts.next().unwrap_or_default(), parts.collect::<Vec<_>>());
            match parameters[..] {
                [] => ranges.push((name.to_ascii_lowercase(), 1000)),
                // Other text than a weight: of something narrower than what is offered.
                [one] if one.len() > 1 && one[..2].eq_ignore_ascii_case("q=") => {
                    ranges.extend(thousandths(one).map(|weight| (name.to_ascii_lowercase(), weight)));
                }
                _ => {}
            }
        }
    }
    // So many are read.
    if count > 32 {
        return;
    }
    let weight = |offer: &str| {
        let major = offer.split('/').next().unwrap_or_default();
        let of = |wanted: &str| ranges.iter().filter(|(name, _)| name == wanted).map(|(_, weight)| *weight).min();
        of(offer).or_else(|| of(&format!("{major}/*"))).or_else(|| of("*/*")).unwrap_or(0)
    };
    let most = offered.iter().map(|offer| weight(offer)).max().unwrap_or(0);
    match best {
        Some(best) => assert!(weight(best) == most && most > 0, "{best} of {ranges:?}"),
        None => assert_eq!(most, 0, "{ranges:?}"),
    }
}

fn variants(response: &HeaderMap, one: &HeaderMap, other: &HeaderMap, settings: &CacheSettings) {
    let spec = VarySpec::of(response, settings);
    assert_eq!(spec, VarySpec::of(&reversed(response), settings), "the order of lines means something");
    assert_eq!(spec, VarySpec::of(&combined(response), settings), "lines are no list");
    let sent = (fill_fields(one, settings), fill_fields(other, settings));
    assert_eq!(fill_fields(&sent.0, settings), sent.0, "what is sent is sent otherwise by the next cache");
    for line in response.get_all(header::VARY) {
        if line.as_bytes().split(|&byte| byte == b',').any(|name| name.trim_ascii() == b"*") {
            assert!(spec.is_err());
        }
    }
    let Ok(spec) = spec else { return };
    assert!(spec.names().len() <= 12 && spec.names().windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
    let keys = (spec.variant(&sent.0), spec.variant(&sent.1));
    let lines = |sent: &HeaderMap, name: &HeaderName| -> Vec<HeaderValue> { sent.get_all(name).iter().cloned().collect() };
    if spec.names().iter().all(|name| lines(&sent.0, name) == lines(&sent.1, name)) {
        assert_eq!(keys.0, keys.1, "equal fields are two variants");
    }
    if keys.0 == keys.1 {
        // RFC 9111 §4.1: equal but for whitespace and the division into lines.
        for name in spec.names() {
            let normal = |sent: &HeaderMap| -> Option<String> {
                let mut text = String::new();
                for (index, line) in sent.get_all(name).iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "=" });
                    text.push_str(&String::from_utf8_lossy(line.as_bytes()));
                }
                text.retain(|c| c != ' ' && c != '\t');
                if *name == header::ACCEPT_LANGUAGE {
                    text.make_ascii_lowercase();
                }
                (!text.is_empty()).then_some(text)
            };
            assert_eq!(normal(&sent.0), normal(&sent.1), "two questions are one variant: {name}");
        }
    }
}
