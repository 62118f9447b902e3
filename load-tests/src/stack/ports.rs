//! TCP ports on the loopback address.

use std::net::{Ipv4Addr, TcpListener};

use super::StackError;

/// Private servers listen here: below the ports that Linux gives to outgoing connections, so that none of those
/// can take a port between our finding it free and the server's listening on it.
const PRIVATE_PORTS: std::ops::Range<u16> = 15_000..32_000;
const TRIES: u32 = 200;

/// A port of 127.0.0.1 on which nothing listens now.
pub fn free_port() -> Result<u16, StackError> {
    (0..TRIES)
        .map(|_| rand::random_range(PRIVATE_PORTS))
        .find(|port| is_free(*port))
        .ok_or(StackError::NoFreePort { tries: TRIES })
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
