//! The class of the client's device, by which a rule may key: three answers instead of one for each User-Agent.

use http::{HeaderName, header};

use crate::fields::FieldLines;

/// The class, as the upstream is sent it. A client's own is never sent on where a rule keys it.
pub const X_DEVICE_CLASS: HeaderName = HeaderName::from_static("x-device-class");

/// Whether a browser says of itself that it prefers a mobile page (the User-Agent Client Hints specification, §3.5).
const SEC_CH_UA_MOBILE: HeaderName = HeaderName::from_static("sec-ch-ua-mobile");

/// Most bytes of a User-Agent that are looked at; what tells devices apart stands near its front.
const MAX_LOOKED_AT: usize = 512;

/// A class of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceClass {
    /// Telephones.
    Mobile,
    /// Tablets that say so; those of Apple call themselves Macintosh and count as desktop.
    Tablet,
    /// All others: computers, televisions, robots, and what says nothing.
    Desktop,
}

/// Robots read what computers get, whatever device they claim to be.
const ROBOTS: [&str; 6] = ["bot", "crawl", "spider", "slurp", "facebookexternalhit", "lighthouse"];
/// Televisions run Android without being held in a hand.
const TELEVISIONS: [&str; 5] = ["android tv", "googletv", "smart-tv", "smarttv", "bravia"];
const TABLETS: [&str; 5] = ["ipad", "tablet", "kindle", "playbook", "silk/"];
const MOBILES: [&str; 9] =
    ["iphone", "ipod", "mobile", "windows phone", "iemobile", "blackberry", "bb10", "opera mini", "webos"];

// === impl DeviceClass ===

impl DeviceClass {
    /// By Sec-CH-UA-Mobile and User-Agent.
    pub fn of<'r>(request: impl Into<FieldLines<'r>>) -> Self {
        let request = request.into();
        let mut buffer = [0; MAX_LOOKED_AT];
        let agent = request.get(&header::USER_AGENT).unwrap_or_default();
        let agent = &agent[..agent.len().min(MAX_LOOKED_AT)];
        let lower = &mut buffer[..agent.len()];
        lower.copy_from_slice(agent);
        lower.make_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| memchr::memmem::find(lower, word.as_bytes()).is_some());
        let hint = request.get(&SEC_CH_UA_MOBILE);
        let is_android = says(&["android"]);
        match () {
            () if says(&ROBOTS) || says(&TELEVISIONS) => Self::Desktop,
            () if hint == Some(b"?1") => Self::Mobile,
            () if says(&TABLETS) || (is_android && !says(&["mobile"])) => Self::Tablet,
            () if says(&MOBILES) => Self::Mobile,
            () => Self::Desktop,
        }
    }

    /// Its name, in keys and in [`X_DEVICE_CLASS`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
            Self::Desktop => "desktop",
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn class(agent: &'static str, hint: &'static str) -> DeviceClass {
        let lines = [(header::USER_AGENT, agent), (SEC_CH_UA_MOBILE, hint)];
        let given = lines.into_iter().filter(|(_, value)| !value.is_empty());
        DeviceClass::of(&given.map(|(name, value)| (name, HeaderValue::from_static(value))).collect())
    }

    #[test]
    fn devices_fall_into_three_classes() {
        use DeviceClass::{Desktop, Mobile, Tablet};
        for (agent, hint, expected) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.5 Mobile/15E148 Safari/604.1",
                "",
                Mobile,
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36",
                "?1",
                Mobile,
            ),
            ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36", "?0", Tablet),
            ("Mozilla/5.0 (iPad; CPU OS 12_2 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", "", Tablet),
            ("Mozilla/5.0 (Android 13; Tablet; rv:127.0) Gecko/127.0 Firefox/127.0", "", Tablet),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
                "",
                Desktop,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
                "?0",
                Desktop,
            ),
            (
                "Mozilla/5.0 (Linux; Android 12; BRAVIA 4K UR2) AppleWebKit/537.36 Chrome/110.0 Safari/537.36",
                "",
                Desktop,
            ),
            (
                "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) Chrome/126.0 Mobile Safari/537.36 (compatible; Googlebot/2.1)",
                "",
                Desktop,
            ),
            ("facebookexternalhit/1.1", "?1", Desktop),
            ("curl/8.5.0", "", Desktop),
            ("something new", "?1", Mobile),
            ("", "", Desktop),
        ] {
            assert_eq!(class(agent, hint), expected, "{agent} {hint}");
        }
    }

    #[test]
    fn only_the_front_of_a_long_agent_is_read() {
        let long = format!("{}iphone", "x".repeat(MAX_LOOKED_AT));
        let mut request = HeaderMap::new();
        request.insert(header::USER_AGENT, HeaderValue::from_str(&long).unwrap());
        assert_eq!(DeviceClass::of(&request), DeviceClass::Desktop);
        request.insert(header::USER_AGENT, HeaderValue::from_bytes(b"\xff iPhone").unwrap());
        assert_eq!(DeviceClass::of(&request), DeviceClass::Mobile);
    }
}
