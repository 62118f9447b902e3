//! `trusted_proxies` and `trusted_fields` of `[listen]`: whose word on the client is believed.

use ipnet::IpNet;

use super::problems::Problems;
use super::raw::{RawListen, Text};
use crate::client::{TrustedFields, TrustedProxies};

/// Compiles them. What is wrong is noted, so that nothing is compiled in the end.
pub(super) fn compile(raw: &RawListen, problems: &mut Problems<'_>) -> TrustedProxies {
    let networks: Vec<IpNet> = raw.trusted_proxies.iter().filter_map(|text| network(text, problems)).collect();
    let fields = match raw.trusted_fields.as_ref().map(|word| (word, word.get_ref().as_str())) {
        None | Some((_, "x-forwarded")) => TrustedFields::XForwarded,
        Some((_, "forwarded")) => TrustedFields::Forwarded,
        Some((word, _)) => {
            problems.unknown(word, "value of `trusted_fields`", ["x-forwarded", "forwarded"]);
            TrustedFields::default()
        }
    };
    TrustedProxies { networks, fields }
}

/// A network, or a single address.
pub(super) fn network(text: &Text, problems: &mut Problems<'_>) -> Option<IpNet> {
    let network: IpNet = problems.parse(text, "a network", |text| {
        let single = || text.parse::<std::net::IpAddr>().map(IpNet::from);
        text.parse().or_else(|_| single()).map_err(|_| "write an address, or a network such as \"10.0.0.0/8\"")
    })?;
    if network.prefix_len() == 0 {
        let help = "right only where nobody but your own proxies can connect; else name their networks";
        problems.warn(text, format!("`{}` trusts everybody", text.get_ref()), Some(help.into()));
    }
    Some(network)
}

#[cfg(test)]
mod tests {
    use crate::client::TrustedFields;
    use crate::config::testing::{load, told};

    #[test]
    fn networks_and_single_addresses_are_trusted() {
        let config = load("trusted_proxies = [\"10.0.0.0/8\", \"192.0.2.7\", \"2001:db8::/32\"]").unwrap();
        let networks: Vec<String> = config.listen.trusted.networks.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]);
        assert_eq!(config.listen.trusted.fields, TrustedFields::XForwarded);
        assert_eq!(load("trusted_fields = \"forwarded\"").unwrap().listen.trusted.fields, TrustedFields::Forwarded);
    }

    #[test]
    fn mistakes_are_told_with_the_way_out() {
        for (keys, expected) in [
            (
                "trusted_proxies = [\"ten\"]",
                "`ten` is not a network: write an address, or a network such as \"10.0.0.0/8\"",
            ),
            ("trusted_fields = \"forward\"", "unknown value of `trusted_fields` `forward`: did you mean `forwarded`?"),
        ] {
            assert_eq!(told(load(keys).unwrap_err()), [format!("6: {expected}")], "{keys}");
        }
        let config = load("trusted_proxies = [\"0.0.0.0/0\"]").unwrap();
        assert_eq!(config.warnings[0].message, "`0.0.0.0/0` trusts everybody");
    }
}
