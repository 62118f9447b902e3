//! `[[listen.certificates]]`: they are read when the configuration is, so that what cannot be used is told with its place.

use super::problems::Problems;
use super::raw::RawListen;
use crate::downstream::{CertificateError, CertificateFiles, Key};

/// Compiles them; `None` where one cannot be used.
pub(super) fn compile(raw: &RawListen, problems: &mut Problems<'_>) -> Option<Vec<CertificateFiles>> {
    match (&raw.https, raw.certificates.first()) {
        (Some(https), None) => {
            let help = "add [[listen.certificates]] with `certificate` and `key`".to_owned();
            problems.error(https, "`https` needs a certificate", Some(help));
        }
        (None, Some(first)) => problems.warn(first, "no `https` uses the certificates", None),
        _ => {}
    }
    let compiled: Vec<Option<CertificateFiles>> = raw
        .certificates
        .iter()
        .map(|entry| {
            let entry = entry.get_ref();
            let certificate = entry.certificate.get_ref().into();
            let files = CertificateFiles { certificate, key: Key::of(entry.key.get_ref()) };
            let error = files.check().err();
            if let Some(error) = &error {
                let at_key = match error {
                    CertificateError::Read { file, .. } => *file != files.certificate,
                    CertificateError::NoCertificate(_) | CertificateError::Malformed(_) => false,
                    CertificateError::NoKey(_)
                    | CertificateError::UnknownKey(_)
                    | CertificateError::Mismatch { .. } => true,
                };
                let message = error.to_string();
                if at_key {
                    problems.error(&entry.key, message, None);
                } else {
                    problems.error(&entry.certificate, message, None);
                }
            }
            error.is_none().then_some(files)
        })
        .collect();
    compiled.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use rcgen::{CertificateParams, KeyPair};
    use vitrine_shared::config::Source;

    use crate::config::Config;
    use crate::config::testing::told;
    use crate::downstream::Key;

    /// `CERT` is a certificate's file, `KEY` its key's; `OTHER` is another key, `TEXT` no PEM.
    fn load(listen: &str) -> Result<Config, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["shop.example".to_owned()]).unwrap().self_signed(&key).unwrap();
        let mut text = format!(
            "[upstreams.o]\naddresses = [\"h:1\"]\n[listen]\nhttp = \"127.0.0.1:1\"\nops = \"127.0.0.1:2\"\n{listen}\n"
        );
        for (name, content) in [
            ("CERT", certificate.pem()),
            ("KEY", key.serialize_pem()),
            ("OTHER", KeyPair::generate().unwrap().serialize_pem()),
            ("TEXT", "text".to_owned()),
        ] {
            std::fs::write(folder.path().join(name), content).unwrap();
            text = text.replace(&format!("\"{name}\""), &format!("\"{}/{name}\"", folder.path().display()));
        }
        let env = |name: &str| (name == "PEM").then(|| BASE64_STANDARD.encode(key.serialize_pem()));
        let source = Source::of(Path::new("p.toml"), &text, env).unwrap();
        Config::of_source(&source).map_err(|errors| {
            told(errors).iter().map(|told| told.replace(folder.path().to_str().unwrap(), "")).collect()
        })
    }

    fn entry(certificate: &str, key: &str) -> String {
        format!("https = \"127.0.0.1:3\"\n[[listen.certificates]]\ncertificate = \"{certificate}\"\nkey = \"{key}\"")
    }

    #[test]
    fn a_certificate_is_taken_with_its_key_from_a_file_or_a_variable() {
        let config = load(&entry("CERT", "KEY")).unwrap();
        assert_eq!(config.listen.https.map(|https| https.port()), Some(3));
        assert!(matches!(config.listen.certificates[0].key, Key::File(_)));
        let config = load(&entry("CERT", "${PEM}")).unwrap();
        assert!(matches!(config.listen.certificates[0].key, Key::Here(_)));
        assert!(!format!("{config:?}").contains("LS0t"), "no key is printed");
        assert_eq!(load(&entry("CERT", "KEY").replace("https", "# https")).unwrap().warnings.len(), 1);
    }

    #[test]
    fn what_cannot_be_used_is_told_at_its_line() {
        for (listen, expected) in [
            (
                "https = \"127.0.0.1:3\"".to_owned(),
                "6: `https` needs a certificate: add [[listen.certificates]] with `certificate` and `key`",
            ),
            (entry("NONE", "KEY"), "8: NONE cannot be read: No such file or directory (os error 2): "),
            (entry("TEXT", "KEY"), "8: /TEXT holds no certificate in PEM (-----BEGIN CERTIFICATE-----): "),
            (entry("CERT", "NONE"), "9: NONE cannot be read: No such file or directory (os error 2): "),
            (entry("CERT", "TEXT"), "9: /TEXT holds no private key in PEM (-----BEGIN PRIVATE KEY-----): "),
            (entry("CERT", "CERT"), "9: /CERT holds no private key in PEM (-----BEGIN PRIVATE KEY-----): "),
            (entry("CERT", "OTHER"), "9: /CERT is not the certificate of the key in /OTHER: "),
            (entry("CERT", "KEY").replace(":3", ":1"), "6: `https` and `http` cannot share an address: "),
            (entry("CERT", "KEY").replace(":3", ":2"), "5: clients and operators cannot share an address: "),
        ] {
            assert_eq!(load(&listen).unwrap_err(), [expected], "{listen}");
        }
    }
}
