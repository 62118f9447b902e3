//! The secrets of one stack: made once, kept in a file for the owner only, never printed.

use std::fmt::{self, Write};
use std::fs;
use std::path::Path;

use super::StackError;
use super::data_dir::write_private;

/// `bytes` random bytes from the operating system's generator, in hexadecimal.
pub fn random_hex(bytes: usize) -> String {
    use rand::TryRngCore;

    let mut buffer = vec![0_u8; bytes];
    // The thread's generator is seeded by the same source and as strong: a fallback, not a weakness.
    if rand::rngs::OsRng.try_fill_bytes(&mut buffer).is_err() {
        rand::fill(&mut buffer[..]);
    }
    buffer.iter().fold(String::with_capacity(bytes * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What the shop's programs and their operator prove themselves with.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// The administrator that the seed makes.
    pub admin_email: String,
    /// Their password.
    pub admin_password: String,
    /// The storefront's key (`pk_...`): public by design, but made once like the others.
    pub publishable_key: String,
    /// Signs session tokens.
    pub jwt_secret: String,
    /// Opens the origin's internal endpoints (purge feed, leases).
    pub internal_token: String,
    /// Opens an edge's operations endpoints.
    pub ops_token: String,
    /// Names the S3 account.
    pub s3_access_key: String,
    /// Signs S3 requests.
    pub s3_secret_key: String,
}

const FIELDS: [&str; 8] = [
    "ADMIN_EMAIL",
    "ADMIN_PASSWORD",
    "PUBLISHABLE_KEY",
    "JWT_SECRET",
    "INTERNAL_TOKEN",
    "OPS_TOKEN",
    "S3_ACCESS_KEY_ID",
    "S3_SECRET_ACCESS_KEY",
];

impl Secrets {
    /// New ones.
    pub fn generate() -> Self {
        Self {
            admin_email: "admin@vitrine.test".to_owned(),
            admin_password: random_hex(12),
            publishable_key: format!("pk_{}", random_hex(32)),
            jwt_secret: random_hex(32),
            internal_token: random_hex(32),
            ops_token: random_hex(32),
            s3_access_key: format!("VK{}", random_hex(9).to_uppercase()),
            s3_secret_key: random_hex(20),
        }
    }

    /// Those in the file, or new ones written there. A line that is missing (an older file) is added.
    pub fn load_or_generate(path: &Path) -> Result<Self, StackError> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.map_err(StackError::io("read", path))?,
        };
        let mut secrets = Self::generate();
        for (name, field) in FIELDS.iter().zip(secrets.fields_mut()) {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            if let Some(value) = line.map(str::trim).filter(|value| !value.is_empty()) {
                value.clone_into(field);
            }
        }
        let complete = secrets.to_lines();
        if complete != text {
            write_private(path, &complete)?;
        }
        Ok(secrets)
    }

    fn fields_mut(&mut self) -> [&mut String; 8] {
        [
            &mut self.admin_email,
            &mut self.admin_password,
            &mut self.publishable_key,
            &mut self.jwt_secret,
            &mut self.internal_token,
            &mut self.ops_token,
            &mut self.s3_access_key,
            &mut self.s3_secret_key,
        ]
    }

    fn to_lines(&self) -> String {
        let mut copy = self.clone();
        FIELDS.iter().zip(copy.fields_mut()).fold(String::new(), |text, (name, value)| text + name + "=" + value + "\n")
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secrets(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn they_are_made_once_and_kept_for_the_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.env");
        let first = Secrets::load_or_generate(&path).unwrap();
        assert!(first == Secrets::load_or_generate(&path).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(first.publishable_key.len(), 3 + 64);
    }

    #[test]
    fn a_missing_line_is_added_and_the_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.env");
        fs::write(&path, "ADMIN_PASSWORD=mine\nOPS_TOKEN=\n").unwrap();
        let secrets = Secrets::load_or_generate(&path).unwrap();
        assert_eq!(secrets.admin_password, "mine");
        assert_eq!(secrets.ops_token.len(), 64);
        assert!(fs::read_to_string(&path).unwrap().contains("ADMIN_PASSWORD=mine\n"));
    }

    #[test]
    fn printing_them_for_debugging_tells_nothing() {
        let secrets = Secrets::generate();
        assert!(!format!("{secrets:?}").contains(&secrets.jwt_secret));
    }
}
