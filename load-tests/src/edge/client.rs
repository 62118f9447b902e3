//! Single requests over one kept connection, for all that is not load: counters, purges, readiness.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::EdgeError;
use super::load::parse_head;

/// Purging a tag of a million objects may take its time.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A connection.
pub(super) struct Client {
    address: SocketAddr,
    stream: TcpStream,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Result<Self, EdgeError> {
        let failed = || EdgeError::network("connect to", address);
        let stream = TcpStream::connect(address).map_err(failed())?;
        stream.set_nodelay(true).map_err(failed())?;
        stream.set_read_timeout(Some(TIMEOUT)).map_err(failed())?;
        Ok(Self { address, stream })
    }

    /// The body of a GET that must be answered with 200.
    pub(super) fn get(&mut self, host: &str, target: &str) -> Result<Vec<u8>, EdgeError> {
        match self.ask(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"))? {
            (200, body) => Ok(body),
            (status, _) => Err(EdgeError::Answer(format!("{} answered {target} with {status}", self.address))),
        }
    }

    /// Posts JSON with a token; it must be answered with 2xx.
    pub(super) fn post(&mut self, target: &str, token: &str, json: &str) -> Result<(), EdgeError> {
        let length = json.len();
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: ops\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json"
        );
        match self.ask(&format!("{head}\r\nContent-Length: {length}\r\n\r\n{json}"))? {
            (200..300, _) => Ok(()),
            (status, body) => {
                let told = String::from_utf8_lossy(&body).into_owned();
                Err(EdgeError::Answer(format!("{} answered {target} with {status}: {told}", self.address)))
            }
        }
    }

    fn ask(&mut self, request: &str) -> Result<(u16, Vec<u8>), EdgeError> {
        let address = self.address;
        self.stream.write_all(request.as_bytes()).map_err(EdgeError::network("send to", address))?;
        let mut bytes = Vec::new();
        loop {
            let head =
                parse_head(&bytes).map_err(|error| EdgeError::Answer(format!("{address} answered with {error}")))?;
            if let Some(head) = head.filter(|head| bytes.len() >= head.length + head.body) {
                return Ok((head.status, bytes.split_off(head.length)));
            }
            let mut part = [0; 8 << 10];
            let read = self.stream.read(&mut part).map_err(EdgeError::network("read from", address))?;
            if read == 0 {
                return Err(EdgeError::Answer(format!("{address} hung up instead of answering")));
            }
            bytes.extend_from_slice(&part[..read]);
        }
    }
}
