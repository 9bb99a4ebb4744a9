//! The text format of Prometheus, from that of OpenMetrics.
//!
//! `prometheus-client` writes OpenMetrics alone. In the older format, which all collectors read,
//! the type of a counter stands under the name of its sample, and there are neither units nor
//! types of information.
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::{collections::HashMap, fmt::Write as _};

/// Returns the samples of a text in the OpenMetrics format, with the comments of the other.
pub(super) fn from_open_metrics(text: &str) -> String {
    let types: HashMap<_, _> = text.lines().filter_map(type_of).collect();
    let mut lines = String::with_capacity(text.len());
    for line in text.lines() {
        let _ = match comment(line) {
            Some(("HELP", name, help)) => {
                writeln!(lines, "# HELP {}{} {help}", name, suffix(types.get(name)))
            }
            Some(("TYPE", name, kind)) => {
                let kind = if kind == "info" { "gauge" } else { kind };
                writeln!(lines, "# TYPE {}{} {kind}", name, suffix(types.get(name)))
            }
            Some(_) => Ok(()),
            None if line.starts_with('#') => Ok(()),
            None => writeln!(lines, "{line}"),
        };
    }
    lines
}

/// Returns what OpenMetrics adds to the name of a metric of this type in its samples.
fn suffix(kind: Option<&&str>) -> &'static str {
    match kind {
        Some(&"counter") => "_total",
        Some(&"info") => "_info",
        _ => "",
    }
}

fn type_of(line: &str) -> Option<(&str, &str)> {
    let (_, name, kind) = comment(line).filter(|(keyword, ..)| *keyword == "TYPE")?;
    Some((name, kind))
}

/// Splits `# KEYWORD name rest`.
fn comment(line: &str) -> Option<(&str, &str, &str)> {
    let (keyword, rest) = line.strip_prefix("# ")?.split_once(' ')?;
    let (name, rest) = rest.split_once(' ')?;
    Some((keyword, name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stay_and_comments_follow_the_older_format() {
        let text = "# HELP a_refresh Refreshes.\n# TYPE a_refresh counter\n\
                    a_refresh_total{kid=\"# TYPE x counter\"} 3\n\
                    # HELP a_build This program.\n# TYPE a_build info\na_build_info{v=\"1\"} 1\n\
                    # HELP a_age_seconds Age.\n# TYPE a_age_seconds gauge\n\
                    # UNIT a_age_seconds seconds\na_age_seconds 1.5\n# EOF\n";
        let expected = "# HELP a_refresh_total Refreshes.\n# TYPE a_refresh_total counter\n\
                        a_refresh_total{kid=\"# TYPE x counter\"} 3\n\
                        # HELP a_build_info This program.\n# TYPE a_build_info gauge\n\
                        a_build_info{v=\"1\"} 1\n\
                        # HELP a_age_seconds Age.\n# TYPE a_age_seconds gauge\n\
                        a_age_seconds 1.5\n";
        assert_eq!(from_open_metrics(text), expected);
    }
}
