//! Loading a TOML file so that a mistake in it names the file, line and key, and the nearest valid one.
//!
//! Inside basic strings `${NAME}` stands for an environment variable and `${NAME:-default}` gives it a default.

use std::fmt;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Most bytes of a configuration file.
pub const MAX_FILE: u64 = 4 << 20;

/// Most unknown keys and unreadable values that are told at once: the file is read anew after each.
const MAX_UNREAD: usize = 32;

/// What is wrong in a configuration file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigError {
    /// The file.
    #[serde(serialize_with = "shown")]
    pub file: PathBuf,
    /// Line, from 1; absent where the file as a whole is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The key that stands there, with the tables that it is in, such as `rules.edge_ttl`; absent where none is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
    /// The way out, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// A parsed file with its text, so that checks made later can name lines too. Two are equal where they say the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    file: PathBuf,
    text: String,
}

// === impl Source ===

impl Source {
    /// Reads a file and puts in the variables that `env` knows.
    pub fn read(file: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::of(file, &Self::read_text(file)?, env)
    }

    /// The text of a file as it stands, for [`Source::of`].
    pub fn read_text(file: &Path) -> Result<String, ConfigError> {
        let unreadable = |error: std::io::Error| ConfigError::whole(file, format!("cannot be read: {error}"));
        let found = std::fs::metadata(file).map_err(|error| {
            let help = Some("name the file with --config".to_owned());
            ConfigError { help, ..unreadable(error) }
        })?;
        // Opening a named pipe waits for who writes into it, and a device may never end: a reload would hang.
        if !found.is_file() {
            return Err(ConfigError::whole(file, "is no regular file"));
        }
        // Read, and not believed: the file may grow meanwhile.
        let mut text = String::new();
        let mut reader = std::fs::File::open(file).map_err(unreadable)?.take(MAX_FILE + 1);
        reader.read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_FILE {
            return Err(ConfigError::whole(file, format!("is longer than {MAX_FILE} bytes")));
        }
        Ok(text)
    }

    /// As [`Source::read`], from text that is at hand; `file` is for messages only.
    pub fn of(file: &Path, raw: &str, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut text = String::with_capacity(raw.len());
        for (index, line) in raw.split_inclusive('\n').enumerate() {
            expand_line(line, &env, &mut text).map_err(|(message, help)| ConfigError {
                line: Some(index + 1),
                help: Some(help),
                ..ConfigError::whole(file, message)
            })?;
        }
        Ok(Self { file: file.to_owned(), text })
    }

    /// Parses it; the type should refuse unknown fields.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        toml::from_str(&self.text).map_err(|error| self.told(&error))
    }

    /// As [`Source::parse`], but a mistake does not end it: an unknown key is read as the nearest valid one, and where none is near, or
    /// where a value cannot be read, as if it were not there. So all are told at once, with what the file says besides, for the checks that follow.
    pub fn parse_on<T: DeserializeOwned>(&self) -> (Option<T>, Vec<ConfigError>) {
        let mut table = match DeTable::parse(&self.text) {
            Ok(table) => table,
            Err(error) => return (None, vec![self.told(&error)]),
        };
        let mut errors: Vec<ConfigError> = Vec::new();
        loop {
            let error = match T::deserialize(toml::Deserializer::from(table.clone())) {
                Ok(read) => return (Some(read), errors),
                Err(error) => error,
            };
            let mended = errors.len() < MAX_UNREAD
                && error.span().is_some_and(|at| mend(table.get_mut(), &at, nearest_in_message(error.message())));
            // What lacks may be what an unknown key was meant to be.
            if errors.is_empty() || !error.message().starts_with("missing field") {
                errors.push(self.told(&error));
            }
            if !mended {
                return (None, errors);
            }
        }
    }

    fn told(&self, error: &toml::de::Error) -> ConfigError {
        let mut message = error.message().to_owned();
        if let (Some(key), "duplicate key") = (error.span().and_then(|at| self.text.get(at)), error.message()) {
            message = format!("duplicate key `{key}`");
        }
        ConfigError {
            line: error.span().map(|span| self.line_at(span.start)),
            key: error.span().and_then(|span| key_at(&self.text, &span)),
            help: nearest_in_message(&message).map(|near| format!("did you mean `{near}`?")),
            ..ConfigError::whole(&self.file, message)
        }
    }

    /// An error at a byte position, as `toml::Spanned` tells it.
    pub fn error_at(&self, offset: usize, message: impl Into<String>, help: Option<String>) -> ConfigError {
        ConfigError {
            line: Some(self.line_at(offset)),
            key: key_at(&self.text, &(offset..offset + 1)),
            help,
            ..ConfigError::whole(&self.file, message)
        }
    }

    /// The line, from 1, of a byte position.
    pub fn line_at(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        before.matches('\n').count() + 1
    }

    /// Its text, variables put in: it may hold secrets.
    pub fn text(&self) -> &str {
        &self.text
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
fn nearest_in_message(message: &str) -> Option<&str> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown ") {
        return None;
    }
    let given = quoted.next()?;
    nearest(given, quoted)
}

/// Gives the key that stands here, or whose value does, another name, or takes it out where there is none, or where it is taken.
/// False where no key is there.
fn mend(table: &mut DeTable<'_>, at: &Range<usize>, name: Option<&str>) -> bool {
    let found = table.iter().find(|(key, value)| key.span() == *at || value.span() == *at);
    let found = found.map(|(key, _)| key.get_ref().clone());
    if let Some(value) = found.and_then(|key| table.remove(key.as_ref())) {
        if let Some(name) = name.filter(|name| !table.contains_key(*name)) {
            table.insert(Spanned::new(at.clone(), name.to_owned().into()), value);
        }
        return true;
    }
    table.iter_mut().any(|(_, value)| mend_value(value.get_mut(), at, name))
}

fn mend_value(value: &mut DeValue<'_>, at: &Range<usize>, name: Option<&str>) -> bool {
    match value {
        DeValue::Table(table) => mend(table, at, name),
        DeValue::Array(list) => list.iter_mut().any(|element| mend_value(element.get_mut(), at, name)),
        _ => false,
    }
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

/// The innermost key whose name or value holds all of these bytes, with the tables that it is in.
fn key_at(text: &str, bytes: &Range<usize>) -> Option<String> {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut best = None;
    visit_table(table.get_ref(), "", bytes, &mut best);
    best.map(|(_, key)| key)
}

/// The shortest place so far, and its key.
type Best = Option<(usize, String)>;

fn visit_table(table: &DeTable<'_>, within: &str, bytes: &Range<usize>, best: &mut Best) {
    for (name, value) in table {
        let dot = if within.is_empty() { "" } else { "." };
        let key = format!("{within}{dot}{}", name.get_ref());
        for place in [name.span(), value.span()] {
            let holds = !bytes.is_empty() && place.start <= bytes.start && bytes.end <= place.end;
            if holds && best.as_ref().is_none_or(|&(length, _)| place.len() <= length) {
                *best = Some((place.len(), key.clone()));
            }
        }
        visit_value(value.get_ref(), &key, bytes, best);
    }
}

/// Elements of a list go by the key of the list.
fn visit_value(value: &DeValue<'_>, key: &str, bytes: &Range<usize>, best: &mut Best) {
    match value {
        DeValue::Table(table) => visit_table(table, key, bytes, best),
        DeValue::Array(list) => list.iter().for_each(|element| visit_value(element.get_ref(), key, bytes, best)),
        _ => {}
    }
}

/// A path need not be UTF-8, and text must be.
fn shown<S: Serializer>(file: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&file.display())
}

// === impl ConfigError ===

impl ConfigError {
    /// What is wrong with a file as a whole.
    pub fn whole(file: &Path, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, key: None, message: message.into(), help: None }
    }

    /// File and line: `proxy.toml:12`.
    pub fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.file.display()),
            None => self.file.display().to_string(),
        }
    }

    /// Key, what is wrong, and the way out; the key is left out where the message names it.
    pub fn said(&self) -> String {
        let mut said = String::new();
        if let Some(key) = &self.key {
            let name = key.rsplit('.').next().unwrap_or(key);
            if !self.message.contains(&format!("`{name}`")) {
                said = format!("`{key}`: ");
            }
        }
        said.push_str(&self.message);
        if let Some(help) = &self.help {
            said = format!("{said} ({help})");
        }
        said
    }
}

/// The text holds what stood in variables, secrets among it, so it is never printed.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("file", &self.file).finish_non_exhaustive()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.said())
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
    fn all_unknown_keys_are_told_and_what_is_there_is_read() {
        let parse = |text: &str| Source::of(Path::new("x.toml"), text, |_| None).unwrap().parse_on::<Example>();
        let lines = |errors: &[ConfigError]| errors.iter().map(|error| error.line).collect::<Vec<_>>();

        let (read, errors) = parse("listn = \"a\"\nthread = 2\nzzzzzzzz = {}\n");
        assert_eq!(read, Some(Example { listen: "a".to_owned(), threads: 2 }));
        assert_eq!(lines(&errors), [Some(1), Some(2), Some(3)]);
        assert_eq!(errors[1].help.as_deref(), Some("did you mean `threads`?"));

        let (read, errors) = parse("zzzzzzzz = 1\nthreads = 900\n");
        assert_eq!((read, lines(&errors)), (None, vec![Some(2), Some(1)]), "what lacks is not told beside it");

        let (read, errors) = parse("zzzzzzzz = 1\n");
        assert_eq!((read, lines(&errors)), (None, vec![Some(1)]));

        let many: Vec<String> = (0..1000).map(|n| format!("zzzzzz{n} = 1\n")).collect();
        assert_eq!(parse(&many.concat()).1.len(), MAX_UNREAD + 1);
    }

    #[test]
    fn mistakes_name_the_key_with_its_tables() {
        let key = |text: &str| load(text).unwrap_err().key;
        assert_eq!(key("listen = \"a\"\nthread = 2").as_deref(), Some("thread"));
        assert_eq!(key("listen = 4").as_deref(), Some("listen"));
        assert_eq!(key("threads = 4"), None, "what lacks stands nowhere");
        assert_eq!(key("listen = \"a"), None, "text that is not TOML");

        let error = load("listen = \"a\"\nlisten = \"b\"").unwrap_err();
        assert_eq!(error.to_string(), "x.toml:2: duplicate key `listen`");

        let text = "[a]\nx = 1\n[[b]]\n[[b]]\nin = { y = [\"one\", \"two\"] }\n";
        let source = Source::of(Path::new("x.toml"), text, |_| None).unwrap();
        let at = |word: &str| source.error_at(text.find(word).unwrap(), "wrong", None);
        assert_eq!(at("x = 1").key.as_deref(), Some("a.x"));
        assert_eq!(at("\"two\"").key.as_deref(), Some("b.in.y"));
        assert_eq!(at("\"two\"").to_string(), "x.toml:5: `b.in.y`: wrong");
    }

    #[test]
    fn a_missing_file_says_how_to_name_one() {
        let error = Source::read(Path::new("no/such.toml"), |_| None).unwrap_err();
        assert!(error.to_string().contains("--config"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_or_waits_for_a_writer_is_not_read() {
        let error = Source::read_text(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(error.message, "is no regular file");
        let error = Source::read_text(Path::new("/")).unwrap_err();
        assert_eq!(error.message, "is no regular file");
    }

    #[test]
    fn a_file_that_is_too_long_is_not_read_to_its_end() {
        let file = std::env::temp_dir().join(format!("vitrine-too-long-{}.toml", std::process::id()));
        let long = std::fs::File::create(&file).unwrap();
        long.set_len(MAX_FILE + 1).unwrap();
        let error = Source::read_text(&file).unwrap_err();
        std::fs::remove_file(&file).unwrap();
        assert!(error.message.contains("is longer than"), "{error}");
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
