//! The layer table in src/lib.rs, held to what the code names.

mod paths;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use paths::Paths;

/// From each module to its layer, 0 at the top.
type Layers = BTreeMap<String, usize>;

/// Reads the table out of the text of src/lib.rs.
fn layers(lib: &str) -> Layers {
    let (_, table) = lib.split_once("//! ```text\n").expect("a layer table");
    let (table, _) = table.split_once("//! ```").unwrap();
    let mut layers = Layers::new();
    for (layer, line) in table.lines().enumerate() {
        for module in line.trim_start_matches("//!").split_whitespace() {
            let before = layers.insert(module.to_owned(), layer);
            assert_eq!(before, None, "{module} stands twice in the table");
        }
    }
    layers
}

/// Everything about one file that the table forbids.
fn violations(layers: &Layers, module: &str, depth: usize, source: &str) -> Vec<String> {
    let found = Paths::of(source, depth);
    let mut violations = Vec::new();
    for imported in &found.modules {
        match (layers.get(module), layers.get(imported)) {
            _ if imported == module => {}
            (Some(here), Some(there)) if here < there => {}
            (Some(_), Some(_)) => violations.push(format!("{module} must not know {imported}")),
            _ => violations.push(format!("{module} or {imported} is not in the table")),
        }
    }
    let only = |user: &str, what: &str, used: bool| {
        (used && module != user).then(|| format!("{module} uses {what}, which only {user} may"))
    };
    violations.extend(only("provider", "oauth2", found.crates.contains("oauth2")));
    violations.extend(only("clock", "now()", found.asks_the_time));
    violations
}

fn check_snippet(module: &str, source: &str, expected: &[&str]) {
    let layers = layers("//! ```text\n//! top\n//! left right\n//! clock\n//! ```\n");
    assert_eq!(violations(&layers, module, 1, source), expected, "{source}");
}

pub fn manifest_path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every source file with its top module, and how deep below the crate it is.
pub fn sources() -> Vec<(String, usize, String)> {
    let src = manifest_path("src");
    let mut folders = vec![src.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(&src).unwrap().with_extension("");
            let mut names: Vec<&str> = inside.iter().map(|name| name.to_str().unwrap()).collect();
            if names.last() == Some(&"mod") {
                names.pop();
            }
            let is_root = matches!(names[..], ["lib" | "main"]);
            if path.extension().is_some_and(|extension| extension == "rs") && !is_root {
                let source = fs::read_to_string(&path).unwrap();
                sources.push((names[0].to_owned(), names.len(), source));
            }
        }
    }
    sources
}

#[test]
fn a_module_imports_only_from_layers_below_its_own() {
    let layers = layers(&fs::read_to_string(manifest_path("src/lib.rs")).unwrap());
    let mut imports = 0;
    let mut all = Vec::new();
    for (module, depth, source) in sources() {
        imports += Paths::of(&source, depth).modules.len();
        all.extend(violations(&layers, &module, depth, &source));
    }
    assert!(all.is_empty(), "{all:#?}");
    assert!(imports > 60, "only {imports} imports were found");
}

#[test]
fn the_demo_provider_shares_no_code_with_what_it_witnesses() {
    let mut known = BTreeSet::new();
    for (_, depth, source) in sources().iter().filter(|(module, ..)| module == "demo") {
        known.extend(Paths::of(source, *depth).modules);
    }
    assert!(known.contains("listen"), "{known:?}");
    for witnessed in ["seal", "provider", "login", "refresh", "outbound"] {
        assert!(!known.contains(witnessed), "{known:?}");
    }
}

#[test]
fn every_module_stands_in_the_table_and_the_other_way_round() {
    let lib = fs::read_to_string(manifest_path("src/lib.rs")).unwrap();
    let declared = lib.lines().filter_map(|line| {
        let module = line.trim_start_matches("pub ").strip_prefix("mod ")?;
        Some(module.trim_end_matches(';').to_owned())
    });
    let in_table: BTreeSet<String> = layers(&lib).into_keys().collect();
    assert_eq!(declared.collect::<BTreeSet<_>>(), in_table);
    let on_disk: BTreeSet<String> = sources().into_iter().map(|(module, ..)| module).collect();
    assert_eq!(on_disk, in_table);
}

#[test]
fn a_violation_is_found_wherever_it_stands() {
    let sideways = ["left must not know right"];
    check_snippet("left", "use crate::clock::Clock;", &[]);
    check_snippet("left", "use crate::{left::a, clock::{self, right}};", &[]);
    check_snippet("top", "use crate::{left, right::{a, b}, clock};", &[]);
    check_snippet("left", "use crate::right;", &sideways);
    check_snippet("left", "use crate::{clock, right::{a, b}};", &sideways);
    check_snippet("left", "use crate::{clock::{a, b}, right as r};", &sideways);
    check_snippet("left", "pub use crate :: right :: {a};", &sideways);
    check_snippet("left", "fn f() -> crate::right::A { loop {} }", &sideways);
    check_snippet("left", "mod tests { use crate::right; }", &sideways);
    check_snippet("left", "use super::right::A;", &sideways);
    check_snippet("left", "mod tests { use super::super::right; }", &sideways);
    check_snippet("left", "mod tests { use super::right; } use self::a;", &[]);
    check_snippet(
        "left",
        "fn f<'a>(c: char) { c == '\"'; crate::right::f() }",
        &sideways,
    );
    check_snippet("left", "// crate::right\n/* crate::right */", &[]);
    check_snippet("left", "const A: &str = \"\\\"crate::right\";", &[]);
    check_snippet("left", "const A: &str = r#\"\" crate::right\"#;", &[]);
    check_snippet("left", "use crate::top;", &["left must not know top"]);
    check_snippet("left", "use crate::x;", &["left or x is not in the table"]);
    check_snippet("clock", "use crate::left;", &["clock must not know left"]);

    let oauth2 = "left uses oauth2, which only provider may";
    check_snippet("left", "use oauth2::Scope;", &[oauth2]);
    check_snippet("left", "fn f(s: ::oauth2::Scope) {}", &[oauth2]);
    check_snippet("left", "use {http::Uri, oauth2::Scope};", &[oauth2]);
    let now = "left uses now(), which only clock may";
    check_snippet("left", "fn f() { std::time::SystemTime::now(); }", &[now]);
    check_snippet("left", "fn f() { Instant::now() }", &[now]);
    check_snippet("left", "fn f() { map(SystemTime::now) }", &[now]);
    check_snippet("clock", "fn f() { SystemTime::now() }", &[]);
    check_snippet("left", "fn f() { clock.now() }", &[]);
}
