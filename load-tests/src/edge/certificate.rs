//! A certificate that is its own authority, for the rows with TLS.

use std::path::Path;

use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::EdgeError;
use super::browser::HOST;
use super::launch::Certificate;

/// Makes one (P-256) and writes it into the folder.
pub(super) fn make(folder: &Path) -> Result<Certificate, EdgeError> {
    let made = generate_simple_self_signed([HOST.to_owned()]);
    let CertifiedKey { cert, signing_key } =
        made.map_err(|error| EdgeError::Answer(format!("no certificate could be made: {error}")))?;
    let (chain, key) = (cert.pem(), signing_key.serialize_pem());
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(EdgeError::file(&path)).map(|()| path)
    };
    Ok(Certificate {
        chain: write("certificate.pem", &chain)?,
        key: write("key.pem", &key)?,
        both: write("both.pem", &format!("{chain}{key}"))?,
    })
}
