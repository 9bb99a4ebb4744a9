//! What a release is made of: one version everywhere, and the same names where files are made,
//! where they are fetched, and where README tells of them.

use std::{collections::BTreeSet, fs};

use super::layers::manifest_path;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn file(path: &str) -> String {
    fs::read_to_string(manifest_path(path)).unwrap()
}

/// The rest of each line that begins so, without quotes.
fn values(text: &str, beginning: &str) -> Vec<String> {
    let rests = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix(beginning));
    rests
        .map(|rest| rest.trim_matches([' ', '"']).to_owned())
        .collect()
}

/// The targets for which release.yml builds.
fn targets() -> BTreeSet<String> {
    let workflow = file(".github/workflows/release.yml");
    let targets = workflow.lines().filter_map(|line| {
        let (_, target) = line.split_once("target: ")?;
        target.strip_suffix('}').map(str::to_owned)
    });
    targets.collect()
}

/// A name as deploy/release builds it, for a target.
fn archive(target: &str) -> String {
    let script = file("deploy/release");
    let [name] = &values(&script, "name=")[..] else {
        panic!("one name");
    };
    assert!(script.contains("--file \"$dist/$name.tar.gz\""));
    assert!(script.contains("--directory \"$dist\""));
    name.replace("$version", VERSION).replace("$target", target)
}

/// A template of cargo-binstall with its values put in.
fn fetched(template: &str, target: &str) -> String {
    [
        ("{ name }", env!("CARGO_PKG_NAME")),
        ("{ repo }", env!("CARGO_PKG_REPOSITORY")),
        ("{ version }", VERSION),
        ("{ target }", target),
        ("{ bin }", "authseal"),
        ("{ binary-ext }", ""),
        ("{ archive-suffix }", ".tar.gz"),
    ]
    .iter()
    .fold(template.to_owned(), |text, (name, value)| {
        text.replace(name, value)
    })
}

#[test]
fn cargo_binstall_fetches_what_the_release_has() {
    let manifest: toml::Table = file("Cargo.toml").parse().unwrap();
    let binstall = &manifest["package"]["metadata"]["binstall"];
    let overrides = binstall["overrides"].as_table().unwrap();
    // It tries .tgz and .tar.gz for this format.
    assert_eq!(binstall["pkg-fmt"].as_str(), Some("tgz"));
    let targets = targets();
    assert_eq!(targets.len(), 2);
    for built in &targets {
        let name = archive(built);
        let url = format!(
            "{}/releases/download/v{VERSION}/{name}.tar.gz",
            env!("CARGO_PKG_REPOSITORY")
        );
        // A static program also runs where glibc is.
        let other = built.replace("musl", "gnu");
        for (target, table) in [(built, binstall), (&other, &overrides[&other])] {
            let template = |key: &str| fetched(table[key].as_str().unwrap(), target);
            assert_eq!(template("pkg-url"), url, "{target}");
            assert_eq!(template("bin-dir"), format!("{name}/authseal"), "{target}");
        }
    }
    assert_eq!(overrides.len(), targets.len());
}

#[test]
fn the_chart_has_the_version_of_the_program() {
    let chart = file("deploy/helm/authseal/Chart.yaml");
    assert_eq!(values(&chart, "version:"), [VERSION]);
    assert_eq!(values(&chart, "appVersion:"), [VERSION]);
}

#[test]
fn readme_names_files_that_the_release_has() {
    let readme = file("README.md")
        .replace("$(uname -m)", "x86_64")
        .replace("$(dpkg --print-architecture)", "amd64");
    let package = format!("authseal_{VERSION}-1_amd64.deb");
    let archive = archive("x86_64-unknown-linux-musl");
    let address = format!(
        "{}/releases/download/v{VERSION}",
        env!("CARGO_PKG_REPOSITORY")
    );
    for name in [package, format!("{archive}.tar.gz")] {
        assert!(readme.contains(&format!("{address}/{name}")), "{name}");
    }
    // No older version is left behind in a command.
    for text in [
        "releases/download/v",
        "authseal/authseal/v",
        "/authseal-v",
        "/authseal_",
    ] {
        for (place, _) in readme.match_indices(text) {
            let rest = &readme[place + text.len()..];
            assert!(rest.starts_with(VERSION), "{text}{}", &rest[..20]);
        }
    }
}
