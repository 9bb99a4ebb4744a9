//! Tests that the languages have the same texts, and the templates none of their own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use super::*;

/// Words of templates that are the same in every language.
const NAMES: [&str; 2] = ["AuthID", "rclone"];

/// Attributes whose values people read or hear.
const READ: [&str; 15] = [
    "alt",
    "aria-label",
    "aria-description",
    "content",
    "data-done",
    "data-failed",
    "data-heading",
    "data-none",
    "data-one",
    "data-sent",
    "data-wrong",
    "label",
    "placeholder",
    "title",
    "value",
];

/// Values of these attributes that programs read, and an address that is an example.
const FOR_PROGRAMS: [&str; 3] = [
    "width=device-width, initial-scale=1",
    "light dark",
    "http://localhost:8200",
];

/// Texts that are the same in every language.
const SAME: [&str; 5] = ["code", "cookies", "generation", "name", "region"];

/// The files of the languages; the first one declares the texts.
const FILES: [&str; 2] = ["en.rs", "de.rs"];

fn pages() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages")
}

/// The texts of a file by their keys, each as it stands in the file.
fn texts(file: &str) -> BTreeMap<String, String> {
    let source = fs::read_to_string(pages().join("texts").join(file)).unwrap();
    let mut found = BTreeMap::new();
    let mut open: Option<(String, String)> = None;
    for line in source.lines() {
        let line = line.trim();
        if let Some((key, text)) = &mut open {
            text.push_str(line);
            if line == "};" {
                let whole = std::mem::take(text);
                assert!(found.insert(key.clone(), whole).is_none(), "{key}");
                open = None;
            }
        } else if let Some((declared, text)) = line.split_once(" = ")
            && !line.starts_with("//")
        {
            let key = declared.split('(').next().unwrap().to_owned();
            if text == "{" {
                open = Some((key, text.to_owned()));
            } else {
                let before = found.insert(key.clone(), text.to_owned());
                assert!(before.is_none(), "{key} stands twice in {file}");
            }
        }
    }
    found
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    let names = text.split('{').skip(1);
    let names = names.filter_map(|rest| rest.split_once('}'));
    names
        .map(|(name, _)| name)
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase()))
        .collect()
}

/// The tags of a text, in any order: another language may have another order of words.
fn tags(text: &str) -> Vec<&str> {
    let tags = text.split('<').skip(1);
    let mut names: Vec<_> = tags
        .filter_map(|tag| tag.split([' ', '>']).next())
        .collect();
    names.sort_unstable();
    names
}

/// The tags with their attributes. English words in another language are marked so.
fn whole_tags(text: &str) -> BTreeSet<String> {
    let tags = text.split('<').skip(1);
    let tags = tags.filter_map(|tag| tag.split('>').next());
    tags.map(|tag| tag.replace(r#" lang="en""#, "")).collect()
}

/// The placeholders of each plural form; of a text without such forms those of the text.
fn forms(text: &str) -> Vec<BTreeSet<&str>> {
    match text.contains(" => \"") {
        true => text.split(" => \"").skip(1).map(placeholders).collect(),
        false => vec![placeholders(text)],
    }
}

#[test]
fn every_language_has_the_same_texts_placeholders_and_tags() {
    let english = texts(FILES[0]);
    assert!(english.len() > 250, "{}", english.len());
    for file in &FILES[1..] {
        let other = texts(file);
        let keys = |texts: &BTreeMap<String, String>| texts.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&other), keys(&english), "{file}");
        for (key, text) in &english {
            assert_eq!(placeholders(&other[key]), placeholders(text), "{key}");
            assert_eq!(whole_tags(&other[key]), whole_tags(text), "{key}");
            // A form may leave out what an English one leaves out: the number.
            let needed = forms(text).into_iter().reduce(|all, form| &all & &form);
            for form in forms(&other[key]) {
                assert!(form.is_superset(needed.as_ref().unwrap()), "{key}");
            }
        }
    }
}

#[test]
fn each_language_has_a_file_and_each_file_is_a_language() {
    let folder = fs::read_dir(pages().join("texts")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // The other files have longer names.
    let found: BTreeSet<_> = names.filter(|name| name.len() == "en.rs".len()).collect();
    assert_eq!(found, FILES.map(str::to_owned).into());
    let tags = Language::ALL.map(|language| format!("{}.rs", language.tag()));
    assert_eq!(found, tags.into());
}

#[test]
fn no_text_is_a_copy_of_the_english_one() {
    let english = texts(FILES[0]);
    for file in &FILES[1..] {
        let copies = texts(file).into_iter();
        let copies = copies.filter(|(key, text)| english[key] == *text);
        let copies: Vec<_> = copies.map(|(key, _)| key).collect();
        assert_eq!(copies, SAME, "{file}");
    }
}

#[test]
fn a_text_in_an_attribute_or_a_title_has_no_tags() {
    let english = texts(FILES[0]);
    let mut seen = 0;
    for (name, template) in templates() {
        let in_attributes = template.split("=\"{{ ").skip(1);
        let titles = template.split("{% block title %}").skip(1);
        let titles = titles.filter_map(|rest| rest.split("{% endblock %}").next());
        let shown = in_attributes.chain(titles.flat_map(|title| title.split("{{ ").skip(1)));
        for shown in shown {
            let call = shown.strip_prefix("frame.").unwrap_or(shown);
            let call = call.strip_prefix("t().").or(call.strip_prefix("t."));
            let Some(key) = call.and_then(|call| call.split('(').next()) else {
                continue;
            };
            assert!(english.contains_key(key), "{key} in {name}");
            for file in FILES {
                let text = &texts(file)[key];
                assert!(!text.contains('<'), "{key} in {file}, shown in {name}");
            }
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn a_text_is_whole_html_and_fits_into_an_attribute() {
    for file in FILES {
        for (key, text) in texts(file) {
            let tags = tags(&text);
            let (ends, starts): (Vec<&str>, Vec<&str>) =
                tags.into_iter().partition(|tag| tag.starts_with('/'));
            let ends: Vec<_> = ends.iter().map(|tag| &tag[1..]).collect();
            assert_eq!(starts, ends, "{key} in {file}");
            if let Some(raw) = text.strip_prefix("r#") {
                assert!(raw.contains("=\""), "{key} in {file} needs no r#");
            } else {
                assert!(!text.contains("\\\""), "{key} in {file}");
            }
            assert!(!text.contains('&'), "{key} in {file}");
            assert!(!text.contains("  "), "{key} in {file}");
        }
    }
}

#[test]
fn a_language_is_known_by_its_tag() {
    for language in Language::ALL {
        assert_eq!(Language::of_tag(language.tag()), Some(language));
        let regional = format!("{}-XX", language.tag().to_uppercase());
        assert_eq!(Language::of_tag(&regional), Some(language));
    }
    for other in ["", "d", "deu", "e-n", "fr"] {
        assert_eq!(Language::of_tag(other), None);
    }
}

#[test]
fn numbers_and_dates_are_written_as_each_language_does() {
    let check = |language: Language, days: u64, date: &str, expected: [&str; 2]| {
        let text = language.texts().valid_while_used(&days, "P").to_string();
        assert!(text.contains(expected[0]), "{text}");
        let date = language.date(date).to_string();
        assert_eq!(date, expected[1]);
    };
    let shown = |date, text| format!(r#"<time datetime="{date}">{text}</time>"#);
    let [march, may] = ["2026-03-01", "2027-05-24"];
    let (german, english) = (Language::German, Language::English);
    check(english, 1, march, ["1 day ", &shown(march, "1 March 2026")]);
    check(english, 2, may, ["2 days ", &shown(may, "24 May 2027")]);
    check(german, 1, march, ["1 Tag ", &shown(march, "1. März 2026")]);
    check(german, 2, may, ["2 Tage ", &shown(may, "24. Mai 2027")]);
    assert_eq!(english.date("<soon>").to_string(), "&#60;soon&#62;");
}

#[test]
fn text_that_is_not_translated_says_that_it_is_english() {
    let english = Language::English.english("<b>");
    assert_eq!(english.to_string(), "&#60;b&#62;");
    let german = Language::German.english("<b>");
    assert_eq!(german.to_string(), r#"<span lang="en">&#60;b&#62;</span>"#);
}

/// Returns what remains of a template without the parts that askama reads, and those.
fn html_and_code(template: &str) -> (String, Vec<&str>) {
    let (mut html, mut codes) = (String::new(), Vec::new());
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        let (before, code) = rest.split_at(start);
        html.push_str(before);
        let end = match code.as_bytes().get(1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            Some(b'#') => "#}",
            _ => panic!("a brace: {code}"),
        };
        let (code, after) = code.split_at(code.find(end).unwrap() + 2);
        codes.push(code);
        rest = after;
    }
    (html + rest, codes)
}

/// Returns the strings of letters that a template shows by itself.
fn own_text(template: &str) -> Vec<String> {
    let (html, _) = html_and_code(template);
    let mut found = Vec::new();
    for part in html.split('<') {
        let (tag, text) = part.split_once('>').unwrap_or(("", part));
        found.push(text.trim().to_owned());
        for attribute in READ {
            let start = format!(" {attribute}=\"");
            let value = tag.split_once(&start).map(|(_, rest)| rest);
            found.extend(
                value
                    .and_then(|value| value.split('"').next())
                    .map(str::to_owned),
            );
        }
    }
    found.retain(|text| {
        text.chars().any(char::is_alphabetic)
            && !NAMES.contains(&text.as_str())
            && !FOR_PROGRAMS.contains(&text.as_str())
    });
    found
}

/// The templates by their names.
fn templates() -> Vec<(String, String)> {
    let paths = fs::read_dir(pages()).unwrap();
    let paths = paths.map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|it| it == "html"));
    paths
        .map(|path| {
            let name = path.file_name().unwrap().display().to_string();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn no_template_has_a_text_of_its_own() {
    let templates = templates();
    assert!(templates.len() > 15, "{}", templates.len());
    for (name, template) in templates {
        assert_eq!(own_text(&template), Vec::<String>::new(), "{name}");
        for code in html_and_code(&template).1 {
            assert!(!code.starts_with("{{ \""), "{code} in {name}");
            // A string in code is an id, or the name of a template or path.
            for literal in code.split('"').skip(1).step_by(2) {
                let is_name = |char: char| char.is_ascii_lowercase() || "-_./".contains(char);
                assert!(literal.chars().all(is_name), "{literal} in {name}");
            }
        }
    }
}

#[test]
fn a_template_with_a_text_of_its_own_would_be_found() {
    for (template, text) in [
        ("<p>{{ a }} Hello</p>", "Hello"),
        (r#"<p aria-label="Hello"></p>"#, "Hello"),
        (r#"<input placeholder="Hello">"#, "Hello"),
        ("{% if a %}Hello{% endif %}", "Hello"),
        ("<b>Privacy</b>", "Privacy"),
    ] {
        assert_eq!(own_text(template), [text], "{template}");
    }
    assert!(own_text(r#"<p class="x" id="y">{{ t.hello("x") }}, AuthID</p>"#).len() == 1);
    assert_eq!(own_text("<label>AuthID</label>"), Vec::<String>::new());
}
