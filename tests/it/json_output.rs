//! `--json` of the commands prints what docs/commands.md lists.

use std::{collections::BTreeSet, fs, path::Path};

use authseal::seal::Lineage;
use serde_json::Value;

use crate::support::Installation;

/// The fields that the page lists for a command.
fn documented(command: &str) -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let page = fs::read_to_string(page).unwrap();
    let start = format!("| `{command}` | ");
    let row = page.lines().find_map(|line| line.strip_prefix(&start));
    let cells = row.unwrap_or_else(|| panic!("no row for {command}"));
    let fields = cells.split([';', '|']).next().unwrap();
    let names = fields.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

/// Adds the path of every value that is no object and no list. An empty list adds its own, and
/// what the page has below it stays unseen.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) if path != "notes" => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                paths(value, &format!("{path}{dot}{name}"), found);
            }
        }
        Value::Array(values) => {
            let path = format!("{path}[]");
            values.iter().for_each(|value| paths(value, &path, found));
            if values.is_empty() {
                found.insert(path);
            }
        }
        value => {
            let is_time = value.as_u64().is_some_and(|number| number > 1_000_000_000);
            assert!(!is_time, "{path} is not RFC 3339: {value}");
            found.insert(path.to_owned());
        }
    }
}

#[tokio::test]
async fn every_command_prints_the_fields_that_the_docs_list() {
    let mut installation = Installation::with_store(std::time::Duration::from_secs(60)).await;
    let kid = installation.new_key(&[]).await;
    let other = installation.new_key(&[]).await;
    let authid = installation.log_in("stable");
    let lineage = Lineage::random().to_string();
    installation.set_passphrase("never-print-passphrase");
    let copy = installation.store_dir().with_extension("copy");
    let copy = format!("file:{}", copy.display());
    let server = installation.serve().await;
    let admin = server.admin_url.trim_start_matches("http://");
    installation.set("AUTHSEAL_ADMIN_LISTEN", admin);
    let cases: [(&str, &[&str]); 14] = [
        ("health", &[]),
        ("authid show", &[]),
        ("authid restrict", &[&authid, "--per-hour", "60"]),
        ("import", &[]),
        ("store show", &[]),
        ("store copy", &["--to", &copy]),
        ("keys list", &[]),
        ("keys new", &["--activate-in", "1h"]),
        ("keys retire", &[&kid, "--at", "2999-01-01"]),
        ("keys protect", &[]),
        ("keys unprotect", &[]),
        ("keys replace", &["--leaked", &kid]),
        ("keys remove", &[&other, "--yes"]),
        ("revoke", &[&lineage]),
    ];
    for (command, more) in cases {
        let words: Vec<&str> = command.split(' ').chain(more.iter().copied()).collect();
        let words = [&words, &["--json"][..]].concat();
        let input = if more.is_empty() { authid.as_str() } else { "" };
        let printed = installation.run_with_input(&words, input).await;
        let last = printed.good().trim_end().lines().last().unwrap();
        let json: Value = serde_json::from_str(last).unwrap();
        let mut found = BTreeSet::new();
        paths(&json, "", &mut found);
        assert_eq!(found, documented(command), "{command}: {json}");
        assert!(!printed.good().contains("never-print"), "{command}");
    }
}
