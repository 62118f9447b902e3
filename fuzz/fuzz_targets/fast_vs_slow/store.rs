//! Storing generated responses as fills do, and purging some of it.

use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use vitrine_proxy::encoding::codec::{Limits, recode};
use vitrine_proxy::encoding::{Accept, Coding, Form, form_of};
use vitrine_proxy::key::{Scheme, Target};
use vitrine_proxy::policy::{Exchange, assess, fill_fields, stored_fields};
use vitrine_proxy::purge::Provenance;
use vitrine_proxy::rules::{Action, RequestFacts};
use vitrine_proxy::store::{Meta, Object, Promise, StoredBody, Variants};
use vitrine_proxy::vary::VarySpec;
use vitrine_shared::clock::unix_millis;
use vitrine_shared::feed::Mode;
use vitrine_shared::tag::Tag;

use crate::edge::Edge;
use crate::words::{self, HOSTS};

const STATUSES: [u16; 10] = [200, 200, 200, 200, 404, 301, 204, 203, 410, 299];
const LENGTHS: [usize; 5] = [0, 1, 99, 100, 3000];

pub fn store(edge: &Edge, paths: &[String], input: &mut Unstructured<'_>) -> Result<()> {
    let path = input.choose(paths)?.clone();
    let lines = words::of_client(input)?;
    let client: HeaderMap = fields(lines);
    let response = fields(words::of_response(input)?);
    let status = *input.choose(&STATUSES)?;
    let body = body(&response, *input.choose(&LENGTHS)?, input)?;
    let age = 1000 * u64::from(input.int_in_range(0..=200u32)?) + 500;
    let promise = if input.arbitrary()? { Promise::Within } else { Promise::Outside };
    let derives: bool = input.arbitrary()?;

    let scheme = if input.ratio(1, 8)? { Scheme::Https } else { Scheme::Http };
    let Ok(target) = Target::parse(scheme, HOSTS[0], &path) else { return Ok(()) };
    let snapshot = edge.current.load_full();
    let decision = snapshot.config.rules.decide(&RequestFacts::new(&Method::GET, &target, &client));
    let Action::Cache(plan) = decision.action else { return Ok(()) };
    let settings = &plan.settings;
    let primary = settings.key.canonical(&target, &client).key;
    let received_at = unix_millis() - age;
    let sent = fill_fields(&client, settings);
    let Ok(status) = StatusCode::from_u16(status) else { return Ok(()) };
    let exchange = Exchange { request: &sent, status, response: &response, requested_at: received_at, received_at };
    let (Ok((lifetime, source)), Ok(spec)) = (assess(&exchange, settings), VarySpec::of(&response, settings)) else {
        return Ok(());
    };
    let context = edge.engine.context();
    let variants = (!spec.is_empty()).then(|| Arc::new(Variants::new(primary.clone(), spec)));
    let key = variants.as_ref().map_or_else(|| primary.clone(), |variants| variants.variant(&sent));
    let url = Tag::url(&path).hash();
    let provenance =
        Provenance { stamp: context.live.stamp(), tags: vec![url].into(), url: context.presence.of(url) };
    let meta = Meta { key, status, fields: stored_fields(&response, received_at), provenance, promise, lifetime, source };
    let object = Object::new(meta, body);
    match variants {
        None => context.store.insert(object.clone()),
        Some(variants) => {
            context.store.insert_variants(variants);
            context.store.insert_variant(object.clone(), &primary);
        }
    }
    if derives && let Some(compression) = &settings.compression {
        let accept = *input.choose(&["gzip", "br", "zstd", "identity"])?;
        let request = fields(vec![(header::ACCEPT_ENCODING, http::HeaderValue::from_static(accept))]);
        let stored = object.fields().to_map();
        let derive = async {
            let mut fields = stored.clone();
            context.deriver.represent(compression, 1 << 20, &object, &stored, &request, &mut fields).await;
        };
        edge.run(derive);
        let _ = Accept::of(&request);
    }
    Ok(())
}

pub fn purge(edge: &Edge, paths: &[String], input: &mut Unstructured<'_>) -> Result<()> {
    let url = Tag::url(input.choose(paths)?).hash();
    let context = edge.engine.context();
    match input.int_in_range(0..=11)? {
        0 => drop(context.live.purge(&[url], false, Mode::Hard)),
        1 => drop(context.live.purge(&[url], false, Mode::Soft)),
        2 => drop(context.presence.invalidate(url, &context.live)),
        _ => {}
    }
    Ok(())
}

fn fields(lines: words::Lines) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in lines {
        fields.append(name, value);
    }
    fields
}

/// In the form that the fields say, or something else.
fn body(response: &HeaderMap, length: usize, input: &mut Unstructured<'_>) -> Result<StoredBody> {
    let plain: Bytes = (0..length).map(|at| b"many words "[at % 11]).collect();
    let is_as_it_says = input.ratio(7, 8)?;
    let bytes = match form_of(StatusCode::OK, response) {
        Some(form @ Form::Coded(Coding::Gzip | Coding::Br | Coding::Zstd)) if is_as_it_says && length > 0 => {
            let limits = Limits { decoded: 1 << 20, result: 1 << 20 };
            recode(&[plain], Form::Identity, form, limits).expect("room for a coded body")
        }
        _ => plain,
    };
    let at = bytes.len() / 2;
    let chunks = if input.arbitrary()? { vec![bytes.slice(..at), bytes.slice(at..)] } else { vec![bytes] };
    Ok(StoredBody::new(chunks))
}
