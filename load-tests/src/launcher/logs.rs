//! What the children say, shortened for a terminal. The full logs stay in the data folder.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::task::JoinHandle;

/// Longer lines are cut.
const WIDTH: usize = 200;
const INTERVAL: Duration = Duration::from_millis(100);
/// Fields that the short form shows elsewhere or leaves out.
const NOT_SHOWN: [&str; 6] = ["timestamp", "level", "message", "target", "span", "spans"];

/// Prints what is added to a log file until it is dropped.
pub(crate) struct Follower {
    task: JoinHandle<()>,
}

impl Follower {
    /// Follows `log` from its present end, each line after `name`.
    pub(crate) fn start(name: &str, log: &Path) -> Self {
        let mut tail =
            Tail { path: log.to_owned(), read: std::fs::metadata(log).map_or(0, |file| file.len()), rest: Vec::new() };
        let name = name.to_owned();
        let task = tokio::spawn(async move {
            loop {
                for line in tail.lines() {
                    if let Some(short) = shorten(&line) {
                        say(&name, &short);
                    }
                }
                tokio::time::sleep(INTERVAL).await;
            }
        });
        Self { task }
    }

    /// Gives the last lines time to appear.
    pub(crate) async fn finish(self) {
        tokio::time::sleep(INTERVAL * 2).await;
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One line for the terminal.
pub(crate) fn say(name: &str, line: &str) {
    println!("{name:>9} | {line}");
}

struct Tail {
    path: PathBuf,
    read: u64,
    rest: Vec<u8>,
}

impl Tail {
    /// The whole lines that were added since the last call.
    fn lines(&mut self) -> Vec<String> {
        let mut added = Vec::new();
        let read = std::fs::File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.read))?;
            file.read_to_end(&mut added)
        });
        let Ok(read) = read else { return Vec::new() };
        self.read += read as u64;
        self.rest.extend(added);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect()
    }
}

/// A JSON line becomes `LEVEL message key=value ...`, detail levels nothing, any other line itself.
fn shorten(line: &str) -> Option<String> {
    let line = line.trim_end();
    if line.is_empty() {
        return None;
    }
    let Ok(Value::Object(entry)) = serde_json::from_str(line) else { return Some(cut(line)) };
    let level = text(entry.get("level"));
    if matches!(level.as_str(), "DEBUG" | "TRACE") {
        return None;
    }
    // Some subscribers put message and fields in an object of their own.
    let nested = entry.get("fields").and_then(Value::as_object);
    let fields = nested.unwrap_or(&entry);
    let mut short = text(fields.get("message"));
    for (name, value) in shown(fields) {
        short = format!("{short} {name}={}", text(Some(value)));
    }
    let level = if level == "INFO" || level.is_empty() { String::new() } else { format!("{level} ") };
    Some(cut(&format!("{level}{}", short.trim())))
}

fn shown(fields: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    fields.iter().filter(|(name, _)| !NOT_SHOWN.contains(&name.as_str()))
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn json_becomes_one_short_line() {
        let line = r#"{"timestamp":"2026","level":"WARN","message":"slow","ms":12,"path":"/a","target":"x"}"#;
        assert_eq!(shorten(line).unwrap(), "WARN slow ms=12 path=/a");
        let nested = r#"{"level":"INFO","fields":{"message":"ready","port":9000},"target":"x"}"#;
        assert_eq!(shorten(nested).unwrap(), "ready port=9000");
        assert_eq!(shorten(r#"{"level":"DEBUG","message":"detail"}"#), None);
    }

    #[test]
    fn other_lines_stay_and_long_ones_are_cut() {
        assert_eq!(shorten("seeded 10 of 100").unwrap(), "seeded 10 of 100");
        assert_eq!(shorten("  "), None);
        let long = shorten(&"é".repeat(300)).unwrap();
        assert_eq!(long.chars().count(), WIDTH + 3);
    }

    #[test]
    fn only_whole_new_lines_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        let mut file = std::fs::File::create(&path).unwrap();
        let mut tail = Tail { path, read: 0, rest: Vec::new() };
        write!(file, "one\ntw").unwrap();
        assert_eq!(tail.lines(), ["one"]);
        writeln!(file, "o").unwrap();
        assert_eq!(tail.lines(), ["two"]);
        assert!(tail.lines().is_empty());
    }
}
