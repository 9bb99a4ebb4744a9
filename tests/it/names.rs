//! Type names in src: one type each, so that a name means the same wherever it stands.

use std::collections::BTreeMap;

use crate::layers;

/// Returns the name of the type that this line defines. Associated types, which are
/// indented, have the name that their trait gives them.
fn defined(line: &str) -> Option<&str> {
    let text = line.trim_start();
    let is_indented = text.len() < line.len();
    let text = match text.strip_prefix("pub(") {
        Some(restricted) => restricted.split_once(") ")?.1,
        None => text.strip_prefix("pub ").unwrap_or(text),
    };
    let (keyword, rest) = text.split_once(' ')?;
    let is_type = match keyword {
        "struct" | "enum" | "trait" => true,
        "type" => !is_indented,
        _ => false,
    };
    let end = rest.find(|c: char| !c.is_alphanumeric());
    is_type.then(|| &rest[..end.unwrap_or(rest.len())])
}

#[test]
fn a_definition_is_found_whatever_stands_before_it() {
    assert_eq!(defined("pub struct Metrics {"), Some("Metrics"));
    assert_eq!(defined("    pub(in crate::cli) enum A<'a> {"), Some("A"));
    assert_eq!(defined("type Bucket = RateLimiter<A>;"), Some("Bucket"));
    assert_eq!(defined("    type Error = BoxError;"), None);
    assert_eq!(defined("/// A struct of its own"), None);
}

#[test]
fn each_type_name_is_defined_once() {
    let mut counts = BTreeMap::<String, usize>::new();
    for (_, _, source) in layers::sources() {
        for name in source.lines().filter_map(defined) {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    assert!(counts.len() > 200, "only {} types were found", counts.len());
    counts.retain(|_, count| *count > 1);
    assert!(counts.is_empty(), "defined more than once: {counts:?}");
}
