//! What a Rust source names of its own crate and of others: a lexer, and just
//! enough grammar for paths.

use std::collections::BTreeSet;

/// The paths in one source file.
#[derive(Debug, Default)]
pub struct Paths {
    /// Top modules of the own crate.
    pub modules: BTreeSet<String>,
    /// First segments of other paths: crates, and also local names.
    pub crates: BTreeSet<String>,
    /// Whether std is asked what time it is.
    pub asks_the_time: bool,
}

impl Paths {
    /// Those of a file whose module is `depth` levels below the crate.
    pub fn of(source: &str, depth: usize) -> Self {
        let tokens = tokens(source);
        let mut paths = Self::default();
        // For each open brace, whether a module began there.
        let mut open = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            let at = |index: usize| tokens.get(index).map_or("", String::as_str);
            let before = |back: usize| index.checked_sub(back).map_or("", at);
            match token.as_str() {
                "{" => open.push(before(2) == "mod"),
                "}" => drop(open.pop()),
                "crate" if at(index + 1) == "::" => paths.modules(&tokens, index + 2),
                "super" if before(1) != "::" => {
                    let supers = (index..)
                        .step_by(2)
                        .take_while(|index| at(*index) == "super" && at(index + 1) == "::");
                    let up = supers.count();
                    let inner = open.iter().filter(|module| **module).count();
                    if up >= depth + inner {
                        paths.modules(&tokens, index + 2 * up);
                    }
                }
                "now" if before(1) == "::" && ["SystemTime", "Instant"].contains(&before(2)) => {
                    paths.asks_the_time = true;
                }
                name if at(index + 1) == "::" && is_name(name) => {
                    paths.crates.insert(name.to_owned());
                }
                _ => {}
            }
        }
        paths
    }

    /// Takes the first segments of the path or group that stands at `index`.
    fn modules(&mut self, tokens: &[String], index: usize) {
        let mut depth = 0_usize;
        let mut is_first = true;
        for token in &tokens[index..] {
            match token.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                "," => is_first = depth == 1,
                name if is_first => {
                    self.modules.insert(name.to_owned());
                    is_first = false;
                }
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Names, `::`, and single marks; comments and literals left out.
fn tokens(source: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = literal(rest) {
            length
        } else if is_name(rest) {
            let is_inside = |c: char| c.is_alphanumeric() || c == '_';
            let length = rest.find(|c| !is_inside(c)).unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// The length of the string, character or lifetime at the start of `rest`.
fn literal(rest: &str) -> Option<usize> {
    let unprefixed = rest.trim_start_matches(['b', 'c']);
    let prefix = rest.len() - unprefixed.len();
    if let Some(raw) = unprefixed.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let content = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(prefix + 2 + hashes + content.find(&end)? + end.len());
    }
    if let Some(content) = unprefixed.strip_prefix('"') {
        return Some(prefix + 1 + closing(content, '"')?);
    }
    let content = unprefixed.strip_prefix('\'')?;
    let is_character = content.starts_with('\\') || content.chars().nth(1) == Some('\'');
    Some(
        prefix
            + 1
            + if is_character {
                closing(content, '\'')?
            } else {
                0
            },
    )
}

/// The length up to and including the next quote that is not escaped.
fn closing(content: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (index, character) in content.char_indices() {
        if character == quote && !escaped {
            return Some(index + 1);
        }
        escaped = character == '\\' && !escaped;
    }
    None
}
