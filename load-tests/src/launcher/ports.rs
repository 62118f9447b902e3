//! Which ports the shop listens on: four variables, and a stride for further edges.

use std::net::{Ipv4Addr, SocketAddr};

use super::LauncherError;
use crate::stack::require_free;

/// Edge i listens this much times i above the first.
const STRIDE: u16 = 10;

/// A place to listen, with the words for messages about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    purpose: String,
    variable: &'static str,
}

/// All places of one run.
#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) origin: Place,
    pub(crate) origin_internal: Place,
    /// For visitors and for operators, one pair an edge.
    pub(crate) edges: Vec<(Place, Place)>,
}

impl Ports {
    /// Reads the variables through `read`.
    pub(crate) fn read(edges: u16, read: impl Fn(&str) -> Option<String>) -> Result<Self, LauncherError> {
        let port = |variable, default| parse(variable, read(variable), default);
        let proxy = port("PROXY_PORT", 8080)?;
        let ops = port("OPS_PORT", 8081)?;
        let origin = place(port("ORIGIN_PORT", 9000)?, "the origin".to_owned(), "ORIGIN_PORT");
        let internal = port("ORIGIN_INTERNAL_PORT", 9001)?;
        let origin_internal = place(internal, "the origin's internal endpoints".to_owned(), "ORIGIN_INTERNAL_PORT");
        let pairs = (0..edges).map(|index| {
            let visitors = above(proxy, index, "PROXY_PORT", 8080)?;
            let operators = above(ops, index, "OPS_PORT", 8081)?;
            Ok((
                place(visitors, format!("edge {index}"), "PROXY_PORT"),
                place(operators, format!("the operations endpoints of edge {index}"), "OPS_PORT"),
            ))
        });
        let ports = Self { origin, origin_internal, edges: pairs.collect::<Result<_, LauncherError>>()? };
        ports.refuse_clashes()?;
        Ok(ports)
    }

    /// Fails if anything listens on one of them already.
    pub(crate) fn require_free(&self) -> Result<(), LauncherError> {
        for place in self.all() {
            require_free(place.address.port(), &place.purpose, place.variable)?;
        }
        Ok(())
    }

    fn all(&self) -> Vec<&Place> {
        let edges = self.edges.iter().flat_map(|(visitors, operators)| [visitors, operators]);
        [&self.origin, &self.origin_internal].into_iter().chain(edges).collect()
    }

    fn refuse_clashes(&self) -> Result<(), LauncherError> {
        let all = self.all();
        for (index, second) in all.iter().enumerate() {
            if let Some(first) = all[..index].iter().find(|first| first.address == second.address) {
                return Err(LauncherError::PortClash {
                    first: first.purpose.clone(),
                    second: second.purpose.clone(),
                    port: second.address.port(),
                    variable: second.variable,
                });
            }
        }
        Ok(())
    }
}

fn parse(variable: &'static str, value: Option<String>, default: u16) -> Result<u16, LauncherError> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(default) };
    match value.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(LauncherError::BadPort { variable, value, default }),
    }
}

fn above(first: u16, index: u16, variable: &'static str, default: u16) -> Result<u16, LauncherError> {
    let port = index.checked_mul(STRIDE).and_then(|step| first.checked_add(step));
    port.ok_or(LauncherError::BadPort { variable, value: format!("{first} + {STRIDE} x {index}"), default })
}

fn place(port: u16, purpose: String, variable: &'static str) -> Place {
    Place { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), purpose, variable }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(edges: u16, variables: &[(&str, &str)]) -> Result<Ports, LauncherError> {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Ports::read(edges, find)
    }

    #[test]
    fn edges_lie_ten_apart() {
        let ports = with(3, &[("PROXY_PORT", "7000")]).unwrap();
        let edges: Vec<_> = ports.edges.iter().map(|(a, b)| (a.address.port(), b.address.port())).collect();
        assert_eq!(edges, [(7000, 8081), (7010, 8091), (7020, 8101)]);
        assert_eq!((ports.origin.address.port(), ports.origin_internal.address.port()), (9000, 9001));
    }

    #[test]
    fn what_is_no_port_is_refused_with_its_variable() {
        for value in ["0", "65536", "web", "-1"] {
            let message = with(1, &[("OPS_PORT", value)]).unwrap_err().to_string();
            assert!(message.contains("OPS_PORT") && message.contains(value), "{message}");
        }
        assert!(with(2, &[("PROXY_PORT", "65530")]).is_err());
    }

    #[test]
    fn two_servers_on_one_port_are_refused() {
        let message = with(1, &[("ORIGIN_PORT", "8080")]).unwrap_err().to_string();
        assert!(message.contains("8080") && message.contains("PROXY_PORT"), "{message}");
        assert!(with(2, &[("OPS_PORT", "8090")]).is_err());
    }

    #[test]
    fn a_port_in_use_is_told_before_anything_starts() {
        let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port().to_string();
        let message = with(1, &[("ORIGIN_PORT", &port)]).unwrap().require_free().unwrap_err().to_string();
        assert!(message.contains(&port) && message.contains("ORIGIN_PORT"), "{message}");
    }
}
