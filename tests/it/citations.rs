//! Files and tests that prose names: each must exist. Links are checked by `.ci/run`.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use super::layers::manifest_path;

/// Folders in which a path that prose gives may begin.
const BASES: [&str; 4] = ["", "src", "tests", "benches"];

/// What is wrong with the names in one text. Pages name source files and tests, and
/// everything else names pages.
fn mistakes(file: &Path, text: &str) -> Vec<String> {
    let is_page = file.extension() == Some(OsStr::new("md"));
    let named = if is_page { ".rs" } else { ".md" };
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || "_-./:".contains(c);
    let mut mistakes = Vec::new();
    // Most lines name nothing.
    let naming = text.lines().filter(|line| line.contains(named));
    for word in naming.flat_map(|line| line.split(|c| !is_of_a_name(c))) {
        let word = word.trim_end_matches(['.', ':']);
        let (path, test) = word.split_once("::").unwrap_or((word, ""));
        // So do issue forms link to files.
        let path = path.strip_prefix("../blob/main/").unwrap_or(path);
        if !path.ends_with(named) || path == named || path.contains("//") {
            continue;
        }
        match found(file, path) {
            None => mistakes.push(format!("{}: {path} does not exist", file.display())),
            Some(cited) => {
                let cited = fs::read_to_string(cited).unwrap();
                if !test.is_empty() && !cited.contains(&format!("fn {test}(")) {
                    mistakes.push(format!("{}: {path} has no {test}", file.display()));
                }
            }
        }
    }
    mistakes
}

/// The file of this name, seen from where `file` is or from one of [`BASES`].
fn found(file: &Path, path: &str) -> Option<PathBuf> {
    let beside = file.parent().unwrap_or(Path::new(""));
    let bases = BASES.map(Path::new).into_iter().chain([beside]);
    let mut places = bases.map(|base| manifest_path("").join(base).join(path));
    places.find(|place| place.is_file())
}

/// Every text of the repository that people write, with its path inside.
fn texts(folder: &Path, texts: &mut Vec<(PathBuf, String)>) {
    let skipped = ["target", "node_modules", "__pycache__", ".git", "keys"];
    let kinds = ["md", "rs", "toml", "yml", "yaml", "html", "js", "py"];
    for entry in fs::read_dir(manifest_path("").join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = folder.join(&name);
        if entry.file_type().unwrap().is_dir() {
            if !skipped.contains(&name.as_str()) {
                self::texts(&path, texts);
            }
        } else if kinds.iter().any(|kind| name.ends_with(&format!(".{kind}"))) {
            let text = fs::read_to_string(entry.path()).unwrap();
            texts.push((path, text));
        }
    }
}

#[test]
fn every_file_and_test_that_prose_names_exists() {
    let mut all = Vec::new();
    texts(Path::new(""), &mut all);
    assert!(all.len() > 200, "only {} texts were found", all.len());
    let this = Path::new("tests/it/citations.rs");
    let others = all.iter().filter(|(path, _)| path != this);
    let mistakes: Vec<String> = others
        .flat_map(|(path, text)| mistakes(path, text))
        .collect();
    assert!(mistakes.is_empty(), "{mistakes:#?}");
}

#[test]
fn a_name_that_leads_nowhere_is_found() {
    for (file, text, expected) in [
        ("A.md", "`it/layers.rs`, [b](src/lib.rs).", None),
        ("A.md", "`layers.rs`", Some("layers.rs does not exist")),
        (
            "A.md",
            "it/layers.rs::no_test, x",
            Some("it/layers.rs has no no_test"),
        ),
        (
            "A.md",
            "`it/layers.rs::a_violation_is_found_wherever_it_stands`.",
            None,
        ),
        ("docs/a.md", "https://example.com/x.rs", None),
        ("src/a.rs", "// keys.md", Some("keys.md does not exist")),
        ("src/a.rs", "// (docs/keys.md).", None),
        (
            ".github/a.yml",
            "(../blob/main/no.md)",
            Some("no.md does not exist"),
        ),
        ("docs/providers/a.rs", "// box.md, ../keys.md: yes", None),
    ] {
        let expected: Vec<String> = expected
            .map(|m| format!("{file}: {m}"))
            .into_iter()
            .collect();
        assert_eq!(mistakes(Path::new(file), text), expected, "{text}");
    }
}

/// `.github/workflows/release.yml` publishes the section.
#[test]
fn the_change_log_has_a_section_for_this_version_with_its_date() {
    let changes = include_str!("../../CHANGELOG.md");
    let start = concat!("## ", env!("CARGO_PKG_VERSION"), " - ");
    let (_, section) = changes.split_once(start).expect(start);
    let (date, section) = section.split_once('\n').unwrap();
    assert!(authseal::clock::UnixTime::parse(date).is_some(), "{date}");
    let section = section.split("\n## ").next().unwrap();
    assert!(section.contains("\n- "), "{start} says nothing");
}
