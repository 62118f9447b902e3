//! Loading a TOML file so that a mistake in it names the file, line and key, and the nearest valid one.
//!
//! Inside basic strings `${NAME}` stands for an environment variable and `${NAME:-default}` gives it a default.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// Most bytes of a configuration file.
pub const MAX_FILE: u64 = 4 << 20;

/// What is wrong in a configuration file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1; absent where the file as a whole is meant.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// The way out, where one is known.
    pub help: Option<String>,
}

/// A parsed file with its text, so that checks made later can name lines too.
#[derive(Clone)]
pub struct Source {
    file: PathBuf,
    text: String,
}

// === impl Source ===

impl Source {
    /// Reads a file and puts in the variables that `env` knows.
    pub fn read(file: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let whole =
            |message: String, help: Option<String>| ConfigError { file: file.to_owned(), line: None, message, help };
        let size = std::fs::metadata(file)
            .map_err(|error| whole(format!("cannot be read: {error}"), Some("name the file with --config".into())))?
            .len();
        if size > MAX_FILE {
            return Err(whole(format!("is {size} bytes long, more than {MAX_FILE}"), None));
        }
        let raw = std::fs::read_to_string(file).map_err(|error| whole(format!("cannot be read: {error}"), None))?;
        Self::of(file, &raw, env)
    }

    /// As [`Source::read`], from text that is at hand; `file` is for messages only.
    pub fn of(file: &Path, raw: &str, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut text = String::with_capacity(raw.len());
        for (index, line) in raw.split_inclusive('\n').enumerate() {
            expand_line(line, &env, &mut text).map_err(|(message, help)| ConfigError {
                file: file.to_owned(),
                line: Some(index + 1),
                message,
                help: Some(help),
            })?;
        }
        Ok(Self { file: file.to_owned(), text })
    }

    /// Parses it; the type should refuse unknown fields.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        toml::from_str(&self.text).map_err(|error| {
            let message = error.message().to_owned();
            let help = nearest_in_message(&message);
            ConfigError {
                file: self.file.clone(),
                line: error.span().map(|span| self.line_at(span.start)),
                message,
                help,
            }
        })
    }

    /// An error at a byte position, as `toml::Spanned` tells it.
    pub fn error_at(&self, offset: usize, message: impl Into<String>, help: Option<String>) -> ConfigError {
        ConfigError { file: self.file.clone(), line: Some(self.line_at(offset)), message: message.into(), help }
    }

    /// The line, from 1, of a byte position.
    pub fn line_at(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        before.matches('\n').count() + 1
    }

    /// The file that it was read from.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

/// Of `valid`, the word nearest to `given`, where one is near enough to have been meant.
pub fn nearest<'v>(given: &str, valid: impl IntoIterator<Item = &'v str>) -> Option<&'v str> {
    valid
        .into_iter()
        .map(|word| (distance(given, word), word))
        .filter(|&(distance, word)| distance <= 1 + word.len().max(given.len()) / 3)
        .min()
        .map(|(_, word)| word)
}

fn expand_line(line: &str, env: &impl Fn(&str) -> Option<String>, out: &mut String) -> Result<(), (String, String)> {
    let mut quote: Option<char> = None;
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        match (quote, c) {
            (None, '#') => {
                out.push_str(rest);
                return Ok(());
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (Some('"'), '\\') => {
                out.push(c);
                rest = &rest[1..];
                if let Some(escaped) = rest.chars().next() {
                    out.push(escaped);
                    rest = &rest[escaped.len_utf8()..];
                }
                continue;
            }
            (Some('"'), '$') if rest.starts_with("${") => {
                let end = rest
                    .find('}')
                    .ok_or_else(|| ("`${` has no `}`".to_owned(), "write ${NAME} or ${NAME:-default}".to_owned()))?;
                out.push_str(&variable(&rest[2..end], env)?);
                rest = &rest[end + 1..];
                continue;
            }
            _ => {}
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    Ok(())
}

fn variable(inner: &str, env: &impl Fn(&str) -> Option<String>) -> Result<String, (String, String)> {
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let value =
        env(name).filter(|value| !value.is_empty()).or_else(|| default.map(str::to_owned)).ok_or_else(|| {
            (
                format!("environment variable {name} is not set"),
                format!("set it, or give a default: ${{{name}:-value}}"),
            )
        })?;
    if value.chars().any(|c| c == '"' || c == '\\' || c.is_control()) {
        return Err((
            format!("the value of {name} holds a quote, backslash or control character"),
            "such values cannot stand in a configuration string".to_owned(),
        ));
    }
    Ok(value)
}

/// toml's words for an unknown field: "unknown field `x`, expected one of `a`, `b`".
fn nearest_in_message(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown ") {
        return None;
    }
    let given = quoted.next()?;
    let near = nearest(given, quoted)?;
    Some(format!("did you mean `{near}`?"))
}

/// Levenshtein distance in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(x != y)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The text holds what stood in variables, secrets among it, so it is never printed.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("file", &self.file).finish_non_exhaustive()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Example {
        listen: String,
        #[serde(default)]
        threads: u8,
    }

    fn load(text: &str) -> Result<Example, ConfigError> {
        let env = |name: &str| match name {
            "PORT" => Some("8080".to_owned()),
            "ODD" => Some("a\"b".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        Source::of(Path::new("x.toml"), text, env)?.parse()
    }

    #[test]
    fn variables_and_defaults_are_put_in() {
        assert_eq!(load("listen = \"h:${PORT}\"").unwrap().listen, "h:8080");
        assert_eq!(load("listen = \"h:${NONE:-90}\" # ${NONE}").unwrap().listen, "h:90");
        assert_eq!(load("listen = \"h:${EMPTY:-91}\"").unwrap().listen, "h:91");
        assert_eq!(load("listen = 'h:${PORT}'").unwrap().listen, "h:${PORT}");
    }

    #[test]
    fn mistakes_name_file_line_and_the_nearest_key() {
        let error = load("listen = \"a\"\n\nthread = 2\n").unwrap_err();
        assert_eq!(error.line, Some(3));
        assert_eq!(error.help.as_deref(), Some("did you mean `threads`?"));
        assert!(error.to_string().starts_with("x.toml:3: unknown field `thread`"), "{error}");

        assert_eq!(load("listen = \"a\"\nthreads = 900\n").unwrap_err().line, Some(2));
        assert_eq!(load("\n\nlisten = \"${NONE}\"").unwrap_err().line, Some(3));
        assert_eq!(load("\nlisten = \"${ODD}\"").unwrap_err().line, Some(2));
        assert_eq!(load("listen = \"${PORT\"").unwrap_err().line, Some(1));
    }

    #[test]
    fn a_missing_file_says_how_to_name_one() {
        let error = Source::read(Path::new("no/such.toml"), |_| None).unwrap_err();
        assert!(error.to_string().contains("--config"), "{error}");
    }

    #[test]
    fn far_words_are_not_suggested() {
        assert_eq!(nearest("upstrem", ["upstream", "listen"]), Some("upstream"));
        assert_eq!(nearest("zzz", ["upstream", "listen"]), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = load(&text);
        }
    }
}
