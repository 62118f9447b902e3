//! TCP ports on the loopback address.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::StackError;

/// Private servers listen here: below the ports that Linux gives to outgoing connections, so that none of those
/// can take a port between our finding it free and the server's listening on it.
const PRIVATE_PORTS: Range<u16> = 15_000..32_000;
const TRIES: u32 = 200;

/// Ports of one slot of the test runner: tests that run at the same time draw from different ones, so that none takes the port
/// that another has found free and not yet listens on.
const SLOT_PORTS: u16 = 500;
/// The slot of this test, where a test runner says it.
const SLOT_VARIABLE: &str = "NEXTEST_TEST_GLOBAL_SLOT";

/// A port of 127.0.0.1 on which nothing listens now, and that this process has not been given before.
pub fn free_port() -> Result<u16, StackError> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let range = range(std::env::var(SLOT_VARIABLE).ok().as_deref());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    (0..TRIES)
        .map(|_| rand::random_range(range.clone()))
        .find(|port| !given.contains(port) && is_free(*port))
        .inspect(|port| {
            given.insert(*port);
        })
        .ok_or(StackError::NoFreePort { tries: TRIES })
}

/// The ports of a slot; all of them where there is none, or more than there is room for.
fn range(slot: Option<&str>) -> Range<u16> {
    let begin = slot
        .and_then(|slot| slot.parse::<u16>().ok())
        .and_then(|slot| slot.checked_mul(SLOT_PORTS)?.checked_add(PRIVATE_PORTS.start))
        .filter(|begin| begin.saturating_add(SLOT_PORTS) <= PRIVATE_PORTS.end);
    begin.map_or(PRIVATE_PORTS, |begin| begin..begin + SLOT_PORTS)
}

/// Fails when something listens on `port`, naming `purpose` and the `variable` that changes it.
pub fn require_free(port: u16, purpose: &str, variable: &str) -> Result<(), StackError> {
    if is_free(port) {
        return Ok(());
    }
    Err(StackError::PortInUse { port, purpose: purpose.to_owned(), variable: variable.to_owned() })
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_do_not_meet() {
        assert_eq!(range(None), PRIVATE_PORTS);
        assert_eq!(range(Some("0")), 15_000..15_500);
        assert_eq!(range(Some("1")), 15_500..16_000);
        assert_eq!(range(Some("33")), 31_500..32_000);
        for slot in ["34", "65535", "none"] {
            assert_eq!(range(Some(slot)), PRIVATE_PORTS, "{slot}");
        }
    }

    #[test]
    fn a_free_port_can_be_listened_on() {
        let port = free_port().unwrap();
        assert!(PRIVATE_PORTS.contains(&port));
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }

    #[test]
    fn a_taken_port_is_named_with_its_variable() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = require_free(port, "the proxy", "PROXY_PORT").unwrap_err().to_string();
        assert!(message.contains(&port.to_string()), "{message}");
        assert!(message.contains("the proxy") && message.contains("PROXY_PORT"), "{message}");
    }
}
