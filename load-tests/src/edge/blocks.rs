//! How much of its memory `HAProxy` has used: it takes its whole budget at the start and lists what it stores, in blocks.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::EdgeError;

/// Blocks that hold objects.
pub(super) fn used(socket: &Path) -> Result<u64, EdgeError> {
    let ask = || {
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(b"show cache\n")?;
        let mut blocks = 0;
        for line in BufReader::new(stream).lines() {
            blocks += of_object(&line?).unwrap_or_default();
        }
        Ok(blocks)
    };
    ask().map_err(EdgeError::file(socket))
}

/// `0x.. hash:.. vary:0x.. size:1350 (2 blocks), refs:0, expire:86399`.
fn of_object(line: &str) -> Option<u64> {
    let (before, _) = line.split_once(" blocks)")?;
    before.rsplit_once('(')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blocks_of_an_object_are_read() {
        let line = "0x7f6ac6c5b4cc hash:286881868 vary:0x0011223344556677 size:39114 (39 blocks), refs:9, expire:237";
        assert_eq!(of_object(line), Some(39));
        assert_eq!(of_object("0x7f6ac6c5b03a: edge (shctx:0x7f6ac6c5b000, available blocks:3918)"), None);
    }
}
