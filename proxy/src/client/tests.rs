//! Whom the edge takes a request's client for.

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;

fn trusted(fields: TrustedFields) -> TrustedProxies {
    let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().unwrap());
    TrustedProxies { networks: networks.into(), fields }
}

fn map(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in lines {
        fields.append(*name, HeaderValue::from_str(value).unwrap());
    }
    fields
}

/// `address scheme host | X-Forwarded-For`
fn told(client: &Client) -> String {
    let chain = client.forwarded_for();
    format!(
        "{} {} {} | {}",
        client.address.map_or("-".to_owned(), |address| address.to_string()),
        client.scheme.as_str(),
        client.host.as_deref().unwrap_or("-"),
        chain.as_ref().map_or("-", |chain| chain.to_str().unwrap()),
    )
}

fn by_x_forwarded(peer: &str, lines: &[(&'static str, &str)]) -> String {
    told(&trusted(TrustedFields::XForwarded).client(peer.parse().ok(), Scheme::Http, &map(lines)))
}

fn by_forwarded(peer: &str, lines: &[&str]) -> String {
    let lines: Vec<(&'static str, &str)> = lines.iter().map(|&line| ("forwarded", line)).collect();
    told(&trusted(TrustedFields::Forwarded).client(peer.parse().ok(), Scheme::Http, &map(&lines)))
}

const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";

#[test]
fn strangers_are_not_believed() {
    let claims = [(FOR, "6.6.6.6"), (PROTO, "https"), (HOST, "evil"), ("forwarded", "for=6.6.6.6;proto=https")];
    assert_eq!(by_x_forwarded("192.0.2.1", &claims), "192.0.2.1 http - | 192.0.2.1");
    assert_eq!(by_forwarded("192.0.2.1", &["for=6.6.6.6;proto=https;host=evil"]), "192.0.2.1 http - | 192.0.2.1");
    assert_eq!(by_x_forwarded("unix", &claims), "- http - | -");
    let nobody = TrustedProxies::default();
    assert_eq!(
        told(&nobody.client("127.0.0.1".parse().ok(), Scheme::Http, &map(&claims))),
        "127.0.0.1 http - | 127.0.0.1"
    );
}

#[test]
fn the_first_untrusted_address_from_the_right_is_the_client() {
    for (lines, expected) in [
        (&[][..], "10.0.0.1 http - | 10.0.0.1"),
        (&[(FOR, "192.0.2.1")], "192.0.2.1 http - | 192.0.2.1, 10.0.0.1"),
        (&[(FOR, "6.6.6.6, 192.0.2.1")], "192.0.2.1 http - | 192.0.2.1, 10.0.0.1"),
        (&[(FOR, "6.6.6.6"), (FOR, "192.0.2.1, 10.0.0.2")], "192.0.2.1 http - | 192.0.2.1, 10.0.0.2, 10.0.0.1"),
        (&[(FOR, "10.0.0.9, 192.0.2.1,10.0.0.2")], "192.0.2.1 http - | 192.0.2.1, 10.0.0.2, 10.0.0.1"),
        // All trusted: the farthest is the client.
        (&[(FOR, "10.0.0.3, 10.0.0.2")], "10.0.0.3 http - | 10.0.0.3, 10.0.0.2, 10.0.0.1"),
        (&[(FOR, "192.0.2.1:4711")], "192.0.2.1 http - | 192.0.2.1, 10.0.0.1"),
        (&[(FOR, "[2001:db9::1]:4711")], "2001:db9::1 http - | 2001:db9::1, 10.0.0.1"),
        (&[(FOR, "::ffff:192.0.2.1")], "192.0.2.1 http - | 192.0.2.1, 10.0.0.1"),
        // What is no address ends the chain: the client is not known, and is nobody's proxy.
        (&[(FOR, "6.6.6.6, unknown, 10.0.0.2")], "- http - | unknown, 10.0.0.2, 10.0.0.1"),
        (&[(FOR, "6.6.6.6,")], "- http - | unknown, 10.0.0.1"),
        (&[(FOR, "192.0.2.1"), (PROTO, "https")], "192.0.2.1 https - | 192.0.2.1, 10.0.0.1"),
        (&[(PROTO, "https, http")], "10.0.0.1 http - | 10.0.0.1"),
        (&[(PROTO, "http"), (PROTO, "HTTPS")], "10.0.0.1 https - | 10.0.0.1"),
        (&[(PROTO, "ftp")], "10.0.0.1 http - | 10.0.0.1"),
        (&[(HOST, "evil, shop.example")], "10.0.0.1 http shop.example | 10.0.0.1"),
        // The other way of saying it is the client's own.
        (&[("forwarded", "for=6.6.6.6;host=evil;proto=https")], "10.0.0.1 http - | 10.0.0.1"),
    ] {
        assert_eq!(by_x_forwarded("10.0.0.1", lines), expected, "{lines:?}");
    }
    assert_eq!(by_x_forwarded("2001:db8::1", &[(FOR, "192.0.2.1")]), "192.0.2.1 http - | 192.0.2.1, 2001:db8::1");
    assert_eq!(by_x_forwarded("::ffff:10.0.0.1", &[(FOR, "192.0.2.1")]), "192.0.2.1 http - | 192.0.2.1, 10.0.0.1");
}

#[test]
fn forwarded_is_followed_as_rfc_7239_writes_it() {
    for (lines, expected) in [
        (&["for=192.0.2.1"][..], "192.0.2.1 http - | 192.0.2.1, 10.0.0.1"),
        (
            &["For=\"192.0.2.1:80\";Proto=https;Host=\"shop.example:8443\""],
            "192.0.2.1 https shop.example:8443 | 192.0.2.1, 10.0.0.1",
        ),
        // The word of the proxy that the client contacted, as far as trusted ones pass it on.
        (
            &[
                "for=6.6.6.6;proto=http;host=evil, for=192.0.2.1;proto=https;host=shop",
                "for=10.0.0.2;proto=http;host=inner",
            ],
            "192.0.2.1 https shop | 192.0.2.1, 10.0.0.2, 10.0.0.1",
        ),
        (&["for=\"[2001:db9::1]\""], "2001:db9::1 http - | 2001:db9::1, 10.0.0.1"),
        (&["for=6.6.6.6, for=unknown;proto=https"], "- https - | unknown, 10.0.0.1"),
        (&["for=6.6.6.6, for=_hidden"], "- http - | unknown, 10.0.0.1"),
        // A comma or an unclosed quote of the client's must not hide or make an element.
        (&["for=\"6.6.6.6, for=192.0.2.1\""], "- http - | unknown, 10.0.0.1"),
        (&["for=\"6.6.6.6, for=192.0.2.1"], "- http - | unknown, 10.0.0.1"),
        (&["for=\"6.6.6.6", "for=192.0.2.1"], "192.0.2.1 http - | 192.0.2.1, 10.0.0.1"),
        (&["for=192.0.2.1", "for=\"10.0.0.2"], "- http - | unknown, 10.0.0.1"),
        (&["nonsense"], "- http - | unknown, 10.0.0.1"),
        (&[], "10.0.0.1 http - | 10.0.0.1"),
    ] {
        assert_eq!(by_forwarded("10.0.0.1", lines), expected, "{lines:?}");
    }
}

#[test]
fn a_client_cannot_hide_a_proxys_word_behind_bytes_that_are_no_text() {
    let of = |line: &[u8]| {
        let mut fields = HeaderMap::new();
        fields.insert(FOR, HeaderValue::from_bytes(line).unwrap());
        told(&trusted(TrustedFields::XForwarded).client("10.0.0.1".parse().ok(), Scheme::Http, &fields))
    };
    assert_eq!(of(b"\xff, 192.0.2.1"), "192.0.2.1 http - | 192.0.2.1, 10.0.0.1");
    assert_eq!(of(b"192.0.2.1, \xff"), "- http - | unknown, 10.0.0.1");
}

#[test]
fn long_chains_end() {
    let chain = vec!["10.0.0.2"; MAX_HOPS + 10].join(",");
    let client =
        trusted(TrustedFields::XForwarded).client("10.0.0.1".parse().ok(), Scheme::Http, &map(&[(FOR, &chain)]));
    assert_eq!(client.between.len(), MAX_HOPS - 1);
}

#[test]
fn claims_are_withheld_from_the_upstream() {
    let stranger = Client::default();
    let proxied = Client { behind_proxy: true, ..Client::default() };
    for (name, from_stranger, from_proxy) in [
        ("x-forwarded-prefix", true, true),
        ("forwarded", true, true),
        ("x-original-url", true, true),
        ("x-rewrite-url", true, true),
        ("x-host", true, true),
        ("x-original-uri", true, true),
        ("front-end-https", true, true),
        ("x-url-scheme", true, true),
        ("client-ip", true, false),
        // What gateways to applications take for the same.
        ("x_forwarded_for", true, true),
        ("x-forwarded_host", true, true),
        ("x_original-url", true, true),
        ("x_real_ip", true, true),
        ("proxy", true, true),
        ("x_forwarded", false, false),
        ("my_own", false, false),
        ("x-real-ip", true, false),
        ("cf-connecting-ip", true, false),
        ("true-client-ip", true, false),
        // The application's own.
        ("x-http-method-override", false, false),
        ("x-forwarded", false, false),
        ("cookie", false, false),
    ] {
        let name = HeaderName::from_static(name);
        assert_eq!((stranger.withholds(&name), proxied.withholds(&name)), (from_stranger, from_proxy), "{name}");
    }
}

proptest! {
    /// Whatever stands left of the first address that is not trusted changes nothing.
    #[test]
    fn what_strangers_write_before_changes_nothing(claimed in "[ -~]{0,40}") {
        let honest = by_x_forwarded("10.0.0.1", &[(FOR, "192.0.2.1, 10.0.0.2")]);
        let spoofed = format!("{claimed}, 192.0.2.1, 10.0.0.2");
        prop_assert_eq!(by_x_forwarded("10.0.0.1", &[(FOR, &spoofed)]), honest.clone());
        prop_assert_eq!(by_x_forwarded("10.0.0.1", &[(FOR, &claimed), (FOR, "192.0.2.1, 10.0.0.2")]), honest);
    }

    /// Nor can they be taken for a proxy by what they write before an element that a trusted proxy appends.
    #[test]
    fn no_claim_makes_its_client_a_trusted_one(claimed in "[ -~]{0,40}") {
        for line in [format!("{claimed}, for=192.0.2.1"), format!("{claimed},for=\"192.0.2.1\"")] {
            let client = trusted(TrustedFields::Forwarded).client("10.0.0.1".parse().ok(), Scheme::Http, &map(&[("forwarded", &line)]));
            let honest = "192.0.2.1".parse().ok();
            prop_assert!(client.address.is_none() || client.address == honest, "{} {:?}", line, client);
        }
    }

    #[test]
    fn no_field_panics(line in "\\PC{0,60}") {
        if HeaderValue::from_str(&line).is_ok() {
            by_forwarded("10.0.0.1", &[&line]);
            by_x_forwarded("10.0.0.1", &[(FOR, &line), (PROTO, &line), (HOST, &line)]);
        }
    }
}
