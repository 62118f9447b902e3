//! How much of its memory `HAProxy` has used: it takes its whole budget at the start, in blocks, and says how many are left.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::EdgeError;

/// Blocks of the cache that hold nothing.
pub(super) fn blocks_left(socket: &Path) -> Result<f64, EdgeError> {
    let ask = || {
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(b"show cache\n")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line)
    };
    let line = ask().map_err(EdgeError::file(socket))?;
    left(&line).ok_or_else(|| EdgeError::Answer(format!("HAProxy does not tell how many blocks are left: {line}")))
}

/// `0x..: edge (shctx:0x.., available blocks:3918)`.
fn left(line: &str) -> Option<f64> {
    let (_, rest) = line.split_once("available blocks:")?;
    rest.split(')').next()?.trim().parse::<u32>().ok().map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blocks_that_are_left_are_read() {
        assert_eq!(left("0x7f6ac6c5b03a: edge (shctx:0x7f6ac6c5b000, available blocks:3918)\n"), Some(3918.0));
        assert_eq!(left("Unknown command\n"), None);
    }
}
