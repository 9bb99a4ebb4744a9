//! The stylesheet and the script, as they are served: without comments and indentation, because
//! every page loads them.

use std::sync::LazyLock;

/// The files of the stylesheet.
pub(super) const STYLE: &str = concat!(
    include_str!("style/tokens.css"),
    include_str!("style/page.css"),
    include_str!("style/forms.css"),
    include_str!("style/parts.css"),
    include_str!("style/tabs.css"),
);
const SCRIPT: &str = include_str!("authseal.js");

static SERVED_STYLE: LazyLock<String> = LazyLock::new(|| compact_style(STYLE));
static SERVED_SCRIPT: LazyLock<String> = LazyLock::new(|| compact_script(SCRIPT));

/// Returns the stylesheet, which pages load from prefix + [`super::STYLE_PATH`].
pub fn style() -> &'static str {
    &SERVED_STYLE
}

/// Returns the script of the pages, for example of the copy button; they load it from prefix +
/// [`super::SCRIPT_PATH`].
pub fn script() -> &'static str {
    &SERVED_SCRIPT
}

/// Joins lines at the marks that end a part of a rule. No string of ours has a comment's marks.
fn compact_style(style: &str) -> String {
    let mut compact = String::with_capacity(style.len());
    for part in style.split("/*") {
        let css = part.split_once("*/").map_or(part, |(_, css)| css);
        for line in css.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if !compact.ends_with(['{', '}', ';', ',']) && !compact.is_empty() {
                compact.push(' ');
            }
            compact.push_str(line);
        }
    }
    compact
        .replace(": ", ":")
        .replace(" {", "{")
        .replace(";}", "}")
}

/// Leaves out the lines that are comments, and indentation. Line ends stay: some end a statement.
fn compact_script(script: &str) -> String {
    let lines = script.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compact_style_has_the_same_rules() {
        let style =
            "/* a */\n.b:is(p, a) > c {\n  d: 1px\n    2px;\n}\n\n/* e */\n.f,\n.g { h: i; }\n";
        let compact = ".b:is(p, a) > c{d:1px 2px}.f,.g{ h:i; }";
        assert_eq!(compact_style(style), compact);
    }

    #[test]
    fn a_compact_script_has_the_same_statements() {
        let script = "// a\nif (b) {\n  // c\n  d(); // e\n\n}\n";
        assert_eq!(compact_script(script), "if (b) {\nd(); // e\n}\n");
    }

    #[test]
    fn what_is_served_has_no_comment() {
        assert!(!style().contains("/*") && !style().contains("\n"));
        assert!(!script().contains("\n//"));
        // A string over several lines would lose its indentation.
        assert_eq!(SCRIPT.matches('`').count(), 0);
    }
}
