//! Who is compared.

use serde::Serialize;

use super::EdgeError;

/// A server of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Contender {
    Vitrine,
    Nginx,
    Varnish,
    Ats,
    Haproxy,
    Floor,
    /// Ours without a feed, and so without a lease: what the two add to a hit. Takes part where it is named.
    Leaseless,
}

impl Contender {
    /// All, in the order in which a round goes and columns stand.
    pub(super) const ALL: [Self; 7] =
        [Self::Vitrine, Self::Nginx, Self::Varnish, Self::Ats, Self::Haproxy, Self::Floor, Self::Leaseless];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Vitrine => "vitrine",
            Self::Nginx => "nginx",
            Self::Varnish => "varnish",
            Self::Ats => "ats",
            Self::Haproxy => "haproxy",
            Self::Floor => "floor",
            Self::Leaseless => "leaseless",
        }
    }

    /// Those that the command line names, in our order; all, where it names none. Ours is always among them.
    pub(super) fn chosen(names: &[String]) -> Result<Vec<Self>, EdgeError> {
        if let Some(given) = names.iter().find(|name| !Self::ALL.iter().any(|known| known.name() == name.as_str())) {
            let known = Self::ALL.map(Self::name).join(", ");
            return Err(EdgeError::Unknown { kind: "contender", given: given.clone(), known });
        }
        let named = |contender: &Self| {
            let by_default = names.is_empty() && *contender != Self::Leaseless;
            by_default || *contender == Self::Vitrine || names.iter().any(|name| name == contender.name())
        };
        Ok(Self::ALL.into_iter().filter(named).collect())
    }

    /// Whether it is a cache of its own, and no mere responder.
    pub(super) fn is_cache(self) -> bool {
        !matches!(self, Self::Floor | Self::Leaseless)
    }

    /// Whether it is our program.
    pub(super) fn is_ours(self) -> bool {
        matches!(self, Self::Vitrine | Self::Leaseless)
    }

    /// Whether it speaks TLS by itself: Varnish 7.1 has none.
    pub(super) fn has_tls(self) -> bool {
        self.is_ours() || matches!(self, Self::Nginx | Self::Ats | Self::Haproxy)
    }

    /// Whether it takes h2 without TLS from a client that knows of it.
    pub(super) fn has_h2c(self) -> bool {
        self.is_ours() || matches!(self, Self::Nginx | Self::Varnish | Self::Haproxy)
    }

    /// Whether it finds its objects again after a restart.
    pub(super) fn survives_restart(self) -> bool {
        matches!(self, Self::Vitrine | Self::Nginx | Self::Ats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_always_among_the_chosen_and_a_stranger_is_told() {
        assert_eq!(Contender::chosen(&[]).unwrap(), Contender::ALL[..6]);
        assert_eq!(Contender::chosen(&["leaseless".to_owned()]).unwrap(), [Contender::Vitrine, Contender::Leaseless]);
        let chosen = Contender::chosen(&["floor".to_owned(), "nginx".to_owned()]).unwrap();
        assert_eq!(chosen, [Contender::Vitrine, Contender::Nginx, Contender::Floor]);
        let message = Contender::chosen(&["squid".to_owned()]).unwrap_err().to_string();
        assert!(message.contains("`squid`") && message.contains("haproxy"), "{message}");
    }
}
