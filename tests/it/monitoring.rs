//! The alerts and the dashboard in deploy/ name metrics that exist, and every alert leads to
//! its place in the runbook.

use std::{collections::BTreeSet, fs, path::Path};

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every word of a text that is the name of one of authseal's metrics or of the process's.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    let names = words.filter(|word| word.starts_with("authseal_") || word.starts_with("process_"));
    names.map(str::to_owned).collect()
}

/// The metrics of the pages that `tests/it/metrics.rs` holds to what a collector finds.
fn documented() -> BTreeSet<String> {
    let pages = ["docs/operations.md", "docs/keys.md", "docs/store.md"];
    pages
        .iter()
        .flat_map(|page| metrics_in(&file(page)))
        .collect()
}

fn undocumented(text: &str) -> Vec<String> {
    let documented = documented();
    let is_known = |name: &String| {
        let histogram = ["_bucket", "_count", "_sum"];
        let base = histogram
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix));
        documented.contains(name) || base.is_some_and(|base| documented.contains(base))
    };
    let names = metrics_in(text).into_iter();
    names.filter(|name| !is_known(name)).collect()
}

#[test]
fn every_query_of_the_dashboard_names_metrics_that_exist() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&file("deploy/grafana/authseal.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    let mut count = 0;
    for target in targets {
        let query = target["expr"].as_str().unwrap();
        assert!(!metrics_in(query).is_empty(), "{query}");
        assert_eq!(undocumented(query), [""; 0], "{query}");
        count += 1;
    }
    assert!(count >= panels.len(), "a panel without a query");
}

#[test]
fn every_alert_says_how_grave_it_is_and_where_the_runbook_has_it() {
    let rules = file("deploy/prometheus/alerts.yaml");
    let runbook = file("docs/alerts.md");
    assert_eq!(undocumented(&rules), [""; 0]);
    let mut alerts: BTreeSet<String> = BTreeSet::new();
    for rule in rules.split("- alert: ").skip(1) {
        let name = rule.lines().next().unwrap();
        for part in ["labels: {severity: ", "summary: \"", "description: \""] {
            assert!(rule.contains(part), "{name} has no {part}");
        }
        let link = format!("docs/alerts.md#{}\n", name.to_lowercase());
        assert!(rule.contains(&link), "{name}: {link}");
        alerts.insert(format!("## {name}"));
    }
    let headings = runbook.lines().filter(|line| line.starts_with("## "));
    assert_eq!(headings.map(str::to_owned).collect::<BTreeSet<_>>(), alerts);
}
