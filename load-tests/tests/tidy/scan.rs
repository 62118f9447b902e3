//! Rust source with everything blanked out that is not code, so that braces and names can be counted.

/// Replaces comments and the content of strings and characters by spaces. Line breaks stay.
pub(crate) fn code_only(source: &str) -> String {
    let text: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < text.len() {
        let end = end_of_blank(&text, at);
        if end > at {
            out.extend(text[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}

/// Where the comment, string or character that begins at `at` ends; `at` itself if none does.
fn end_of_blank(text: &[char], at: usize) -> usize {
    let next = text.get(at + 1).copied();
    let after_word = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_');
    match text[at] {
        '/' if next == Some('/') => find(text, at, |rest| rest[0] == '\n', 0),
        '/' if next == Some('*') => end_of_block_comment(text, at),
        '"' => end_of_string(text, at),
        'r' if !after_word || text[at - 1] == 'b' || text[at - 1] == 'c' => end_of_raw_string(text, at),
        '\'' => end_of_char(text, at),
        _ => at,
    }
}

fn find(text: &[char], from: usize, stop: impl Fn(&[char]) -> bool, add: usize) -> usize {
    (from..text.len()).find(|at| stop(&text[*at..])).map_or(text.len(), |at| at + add)
}

fn end_of_block_comment(text: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut here = at;
    while here < text.len() {
        match text[here..] {
            ['/', '*', ..] => {
                depth += 1;
                here += 2;
            }
            ['*', '/', ..] => {
                depth -= 1;
                here += 2;
                if depth == 0 {
                    return here;
                }
            }
            _ => here += 1,
        }
    }
    text.len()
}

fn end_of_string(text: &[char], at: usize) -> usize {
    let mut here = at + 1;
    while here < text.len() {
        match text[here] {
            '\\' => here += 2,
            '"' => return here + 1,
            _ => here += 1,
        }
    }
    text.len()
}

fn end_of_raw_string(text: &[char], at: usize) -> usize {
    let hashes = text[at + 1..].iter().take_while(|c| **c == '#').count();
    if text.get(at + 1 + hashes) != Some(&'"') {
        return at;
    }
    let closes = |rest: &[char]| rest[0] == '"' && rest.len() > hashes && rest[1..=hashes].iter().all(|c| *c == '#');
    find(text, at + 2 + hashes, closes, 1 + hashes)
}

/// A character in quotes, and not the name of a lifetime.
fn end_of_char(text: &[char], at: usize) -> usize {
    match text[at + 1..] {
        ['\\', _, ..] => find(text, at + 3, |rest| rest[0] == '\'', 1),
        [_, '\'', ..] => at + 3,
        _ => at,
    }
}

/// A function: the line of its `fn`, its name, and how many lines it has from there to its last brace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) lines: usize,
}

/// All functions that have a body, inner ones too. `code` comes from [`code_only`].
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let bytes = code.as_bytes();
    let line_of = |at: usize| code[..at].matches('\n').count() + 1;
    let starts = code.match_indices("fn ").map(|(at, _)| at);
    let word_starts = starts.filter(|at| *at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_'));
    word_starts
        .filter_map(|at| {
            let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let end = end_of_body(bytes, at).filter(|_| !name.is_empty())?;
            Some(Function { line: line_of(at), name, lines: line_of(end) - line_of(at) + 1 })
        })
        .collect()
}

/// The brace that closes the body; `None` for a declaration, which ends with a semicolon.
fn end_of_body(code: &[u8], from: usize) -> Option<usize> {
    let (mut braces, mut others) = (0_i32, 0_i32);
    for (at, byte) in code.iter().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => others += 1,
            b')' | b']' => others -= 1,
            b';' if braces == 0 && others == 0 => return None,
            b'{' => braces += 1,
            b'}' => {
                braces -= 1;
                if braces == 0 && others == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_code_is_blank() {
        let source = "a // {\nb /* { /* { */ */ c \"{\\\"\" d r#\"{\"}\"# e '{' f '\\'' g 'static \"\\\\\" h";
        let code = code_only(source);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "b", "c", "d", "e", "f", "g", "'static", "h"]);
        assert_eq!(code.lines().count(), source.lines().count());
    }

    #[test]
    fn functions_are_measured_to_their_last_brace() {
        let source = "trait T { fn declared(a: [u8; 3]) -> u8; }\n\nfn long<'a>(\n  x: &'a str,\n) {\n  if x == \"}\" {}\n  fn inner() {}\n}\nlet my_fn = 1;";
        let name = |function: &Function| (function.name.clone(), function.line, function.lines);
        let found: Vec<_> = functions(&code_only(source)).iter().map(name).collect();
        assert_eq!(found, [("long".to_owned(), 3, 6), ("inner".to_owned(), 7, 1)]);
    }
}
