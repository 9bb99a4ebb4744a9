//! Every message of the program in one list, docs/messages.md, so that people can read them
//! one after the other.
//!
//! To write the list again after a change: `AUTHSEAL_WRITE_MESSAGES=1 cargo test --test it
//! messages::`, then read what changed.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use toml::Value;

use super::layers::manifest_path;
use crate::support::emulators::shipped;

/// Limit of a reason, which the advice and the address share.
const LONGEST: usize = 300;

const INTRODUCTION: &str = "\
# Messages

Every message of authseal, from its source and from providers.toml. Words in braces stand for
names, numbers and addresses. The messages of clients are in
[Troubleshooting](../docs/troubleshooting.md).

A test holds this list to the source; `tests/it/messages.rs` says how to write it again.
";

/// The list's other sections: title, introduction, and the sources.
const SECTIONS: [(&str, &str, &[&str]); 3] = [
    (
        "Pages",
        "Texts of pages in English. `src/pages/texts` has them in the other languages too.",
        &["src/pages/texts/en.rs"],
    ),
    (
        "Reasons",
        "Parts of the reason of `/refresh` and `/token`. A reason says what happened, \
         then what to do.",
        &[
            "src/server/errors",
            "src/server/handlers",
            "src/server/unserved.rs",
            "src/outbound/connect_fault.rs",
            "src/outbound/proxy/no_tunnel.rs",
        ],
    ),
    (
        "Settings",
        "Complaints at the start and of `authseal check`. Each follows the name of a variable or \
         of a key in providers.toml.",
        &[
            "src/config/callbacks.rs",
            "src/config/connections.rs",
            "src/config/credential_forms.rs",
            "src/config/cross_checks.rs",
            "src/config/declaration.rs",
            "src/config/fields.rs",
            "src/config/keys.rs",
            "src/config/login_gates.rs",
            "src/config/misspelt.rs",
            "src/config/odd_values.rs",
            "src/config/offer.rs",
            "src/config/parsers.rs",
            "src/config/partial.rs",
            "src/config/provider_table.rs",
            "src/config/tables.rs",
            "src/config/table_layers.rs",
            "src/config/service_names.rs",
            "src/config/unknown.rs",
        ],
    ),
];

const TURNS: [(&str, &str); 5] = [
    ("login", "the user logs in again"),
    ("user", "the user, at the provider"),
    (
        "organisation",
        "the administrator of the user's organisation",
    ),
    ("server", "the administrator of this server"),
    ("wait", "nobody: it passes"),
];

/// Codes that a new login cures wherever they come from.
const CURED_BY_LOGIN: [&str; 4] = [
    "invalid_grant",
    "invalid_code",
    "interaction_required",
    "consent_required",
];

/// The string literals of a source file outside of tests and comments, with true for those in
/// `#[error(…)]`.
fn literals(source: &str) -> Vec<(String, bool)> {
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap();
    let tokens: TokenStream = source.parse().unwrap();
    let mut found = Vec::new();
    walk(tokens, false, &mut found);
    found
}

fn walk(tokens: TokenStream, in_error: bool, found: &mut Vec<(String, bool)>) {
    let mut after_hash = false;
    let mut word = String::new();
    for token in tokens {
        let before = std::mem::take(&mut word);
        match token {
            TokenTree::Group(group) => {
                let mut inner = group.stream().into_iter();
                let name = inner.next().map(|first| first.to_string());
                let is_error = after_hash && name.as_deref() == Some("error");
                // Documentation, derives, serde's words and invariants are no messages.
                if (!after_hash && before != "expect") || is_error {
                    walk(group.stream(), in_error || is_error, found);
                }
                after_hash = false;
            }
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if let Some(text) = text
                    .strip_prefix('"')
                    .and_then(|text| text.strip_suffix('"'))
                {
                    found.push((unescaped(text), in_error));
                }
                after_hash = false;
            }
            // Also in `#![…]`.
            TokenTree::Punct(punct) => {
                let char = punct.as_char();
                after_hash = char == '#' || (after_hash && char == '!');
            }
            TokenTree::Ident(ident) => {
                after_hash = false;
                word = ident.to_string();
            }
        }
    }
}

/// A literal as it is printed, in one line.
fn unescaped(literal: &str) -> String {
    let mut text = String::new();
    let mut chars = literal.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, chars.peek()) {
            ('\\', Some('\n')) => while chars.next_if(|next| next.is_whitespace()).is_some() {},
            ('\\', Some('n')) => {
                chars.next();
                text.push(' ');
            }
            ('\\', Some(_)) => text.extend(chars.next()),
            (char, _) => text.push(char),
        }
    }
    text.trim().to_owned()
}

/// True for a text of several words: not a name, a path, or a part that joins others.
fn is_message(text: &str) -> bool {
    let is_word = |word: &&str| word.chars().any(char::is_alphabetic);
    text.split_whitespace().filter(is_word).count() >= 3
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut found: Vec<PathBuf> = fs::read_dir(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| files(&path))
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .collect();
    found.sort();
    found
}

/// The messages of these sources, each once, in their order.
fn messages(sources: &[&str], of_errors: bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for file in sources
        .iter()
        .flat_map(|source| files(&manifest_path("").join(source)))
    {
        for (text, in_error) in literals(&fs::read_to_string(&file).unwrap()) {
            let is_one = match of_errors {
                true => in_error && text.contains(' '),
                false => !in_error && is_message(&text),
            };
            if is_one && !found.contains(&text) {
                found.push(text);
            }
        }
    }
    found
}

/// One line of advice: its code, whose turn it is, and what is said.
struct Advice {
    provider: String,
    code: String,
    turn: &'static str,
    login: Option<String>,
    refresh: Option<String>,
    revoke: Option<String>,
}

impl Advice {
    fn texts(self) -> impl Iterator<Item = String> {
        [self.login, self.refresh, self.revoke]
            .into_iter()
            .flatten()
    }
}

fn advice() -> Vec<Advice> {
    let mut all = Vec::new();
    for (id, provider) in shipped()["provider"].as_table().unwrap() {
        let name = provider["name"].as_str().unwrap();
        let lines = provider.get("advice").and_then(Value::as_table);
        for (code, value) in lines.into_iter().flatten() {
            let part = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
            let text = value.as_str().map(str::to_owned).or_else(|| part("text"));
            let cure = part("cure").unwrap_or_else(|| {
                assert!(
                    CURED_BY_LOGIN.contains(&code.as_str()),
                    "{id}: {code} needs a cure"
                );
                "login".to_owned()
            });
            let turn = TURNS.iter().find(|(name, _)| *name == cure);
            let (_, turn) = turn.unwrap_or_else(|| panic!("{id}: {code}: {cure} is no cure"));
            all.push(Advice {
                provider: name.to_owned(),
                code: code.clone(),
                turn,
                login: part("login").or_else(|| text.clone()),
                refresh: part("refresh").or(text),
                revoke: part("revoke"),
            });
        }
    }
    all
}

fn advice_table(lines: &[Advice]) -> String {
    let mut page = String::new();
    let mut provider = "";
    for line in lines {
        if line.provider != provider {
            provider = &line.provider;
            let _ = write!(
                page,
                "\n### {provider}\n\n| code | whose turn | message |\n|---|---|---|\n"
            );
        }
        let said = match (&line.login, &line.refresh) {
            (Some(login), Some(refresh)) if login == refresh => login.clone(),
            (Some(login), Some(refresh)) => format!("At a login: {login} Later: {refresh}"),
            (Some(one), None) => format!("At a login: {one}"),
            (None, Some(one)) => format!("Later: {one}"),
            (None, None) => panic!("{} says nothing", line.code),
        };
        let said = match &line.revoke {
            Some(revoke) => format!("{said} When revoking: {revoke}"),
            None => said,
        };
        let said = said.replace('|', "\\|");
        let _ = writeln!(page, "| `{}` | {} | {said} |", line.code, line.turn);
    }
    page
}

fn list(texts: &[String]) -> String {
    let lines = texts
        .iter()
        .map(|text| format!("- {}\n", as_markdown(text)));
    lines.collect()
}

/// A text in which Markdown sees no tags and no links.
fn as_markdown(text: &str) -> String {
    match text.contains(['<', '>', '[', ']', '*', '_', '`', '|']) {
        true if text.contains('`') => format!("`` {text} ``"),
        true => format!("`{text}`"),
        false => text.to_owned(),
    }
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page += "\n## Advice on errors of providers\n\n\
             At a refresh the codes follow in parentheses and, where the user logs in again, the \
             address.\n";
    page += &advice_table(&advice());
    for (title, introduction, sources) in SECTIONS {
        let texts = messages(sources, false);
        let _ = write!(page, "\n## {title}\n\n{introduction}\n\n{}", list(&texts));
    }
    let errors = messages(&["src"], true);
    let _ = write!(
        page,
        "\n## Errors\n\nIn the log, of commands, and as parts of the messages above.\n\n{}",
        list(&errors)
    );
    page
}

#[test]
fn the_list_of_messages_is_that_of_the_source() {
    let path = manifest_path("").join("docs/messages.md");
    let page = page();
    if std::env::var_os("AUTHSEAL_WRITE_MESSAGES").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let changed: Vec<&str> = page
        .lines()
        .filter(|line| !written.lines().any(|known| known == *line))
        .chain(
            written
                .lines()
                .filter(|line| !page.lines().any(|known| known == *line)),
        )
        .collect();
    assert!(
        written == page,
        "docs/messages.md is not up to date: run AUTHSEAL_WRITE_MESSAGES=1 cargo test --test it \
         messages:: and read what changed: {changed:#?}"
    );
}

#[test]
fn no_message_is_too_long_or_a_riddle() {
    let mut all = messages(&["src"], true);
    let (pages, others) = SECTIONS.split_first().unwrap();
    for (_, _, sources) in others {
        all.extend(messages(sources, false));
    }
    for line in advice() {
        all.extend(line.texts());
    }
    assert!(all.len() > 300, "{}", all.len());
    for text in &all {
        assert!(
            text.chars().count() <= LONGEST,
            "{} characters: {text}",
            text.len()
        );
    }
    // A page has room for more.
    all.extend(messages(pages.2, false));
    for text in &all {
        let first = text.split_whitespace().next().unwrap_or_default();
        assert!(
            !["What", "Whether", "Who", "That"].contains(&first),
            "a riddle: {text}"
        );
        for word in [
            " he ", " she ", " him ", " his ", "Go on", "whoever", "somehow",
        ] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
}

#[test]
fn advice_ends_with_a_full_stop_and_repeats_nothing_that_is_added_to_it() {
    for line in advice() {
        for text in line.texts() {
            assert!(text.ends_with('.') && !text.contains('\n'), "{text}");
            assert!(!text.contains("to get a new AuthID"), "{text}");
            assert!(!text.contains("http"), "{text}");
        }
    }
}
