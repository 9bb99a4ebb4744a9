//! `authseal check`: everything that is wrong, at once, by name and never by value.

use std::{collections::BTreeSet, fs};

use authseal::config::{DECLARED, Declared};

use crate::support::run;

/// A client id of Microsoft's form.
pub const GUID: &str = "01234567-89ab-cdef-0123-456789abcdef";

/// What the program printed, standard output and error together.
pub struct Printed {
    pub code: Option<i32>,
    pub text: String,
}

impl Printed {
    pub fn assert_says(&self, expected: &[&str]) {
        for line in expected {
            assert!(
                self.text.contains(line),
                "{line:?} is missing:\n{}",
                self.text
            );
        }
        assert!(!self.text.contains("never-print"), "{}", self.text);
    }
}

/// Runs `authseal check` with an empty keys folder, a public URL, free ports and these.
pub async fn check(more: &[(&str, &str)]) -> Printed {
    check_with(&["check"], more).await
}

/// The same with other arguments.
pub async fn check_with(arguments: &[&str], more: &[(&str, &str)]) -> Printed {
    let folder = tempfile::tempdir().unwrap();
    let mut environment = vec![
        ("AUTHSEAL_PUBLIC_URL", "https://auth.example"),
        ("AUTHSEAL_KEYS_DIR", folder.path().to_str().unwrap()),
        ("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:0"),
    ];
    // Duplicati's own server has other names for the address.
    if !more.iter().any(|(name, _)| name.starts_with("ASPNETCORE_")) {
        environment.push(("AUTHSEAL_LISTEN", "127.0.0.1:0"));
    }
    environment.retain(|(name, _)| !more.iter().any(|(other, _)| name == other));
    environment.extend(more);
    environment.retain(|(_, value)| !value.is_empty());
    let output = run(arguments, &environment).await;
    let text = [output.stdout, output.stderr].concat();
    Printed {
        code: output.status.code(),
        text: String::from_utf8(text).unwrap(),
    }
}

#[tokio::test]
async fn what_is_configured_is_shown_and_why_the_rest_is_not_offered() {
    let printed = check(&[
        ("AUTHSEAL_PUBLIC_URL", "https://auth.example.com"),
        ("GD_CLIENT_ID", "1.apps.googleusercontent.com"),
        ("GD_CLIENT_SECRET", "never-print-1"),
        ("MSGRAPH_CLIENT_ID", GUID),
        ("MSGRAPH_CLIENT_SECRET", "never-print-2"),
        ("AUTHSEAL_SERVICES", "GD, onedrivev2"),
    ])
    .await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    printed.assert_says(&[
        "Redirect URI   https://auth.example.com/logged-in",
        "Listening on   127.0.0.1:0",
        "Health on      127.0.0.1:0",
        "serve makes the first",
        "googledrive    Google Drive (limited) (credentials GD)",
        "                 This login sees only files that were made with this server's client id",
        "  without a button, at /?type=ID: googledocs, googledrive-readonly",
        "For the administrator of an organisation that must consent first\n  onedrivev2     https://",
        ": not named in AUTHSEAL_SERVICES\n",
    ]);
    assert!(printed.text.starts_with("Ready.\n"), "{}", printed.text);
    let (_, last) = printed.text.split_once("\nNot offered\n").unwrap();
    assert!(
        last.contains("dropbox") && last.lines().count() <= 2,
        "{last}"
    );
    let printed = check(&[]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    printed.assert_says(&[
        "none yet",
        "set DROPBOX_CLIENT_ID and DROPBOX_CLIENT_SECRET",
    ]);
}

#[tokio::test]
async fn the_verdict_comes_first_with_what_is_wrong_and_unusual() {
    let printed = check(&[
        ("DROPBOX_CLIENT_ID", "the-client-id"),
        ("DROPBOX_CLIENT_SECRET", "never-print-1"),
        ("AUTHSEAL_LOGIN_REQUIRE", "any"),
        ("GOOGLE_CLIENT_ID", "never-print-2"),
    ])
    .await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    let lines: Vec<&str> = printed.text.lines().take(3).collect();
    assert_eq!(lines[0], "Ready, with 2 warnings:");
    assert!(lines[1..].iter().all(|line| line.starts_with("Warning: ")));
    printed.assert_says(&[": no credentials; authseal check --json says what to set\n"]);

    let output = run(&["check"], &[("AUTHSEAL_PUBLIC_URL", "nonsense")]).await;
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.starts_with("1 error. What is wrong:\n- AUTHSEAL_PUBLIC_URL is not a URL"));
}

#[tokio::test]
async fn programs_get_json_with_the_fields_that_are_documented() {
    let page = include_str!("../../docs/operations.md");
    let (_, section) = page.split_once("### check --json\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let fields = |json: &serde_json::Value| -> Vec<String> {
        json.as_object().unwrap().keys().cloned().collect()
    };
    let credentials = [
        ("MSGRAPH_CLIENT_ID", GUID),
        ("MSGRAPH_CLIENT_SECRET", "never-print-1"),
        ("AUTHSEAL_LOGIN_REQUIRE", "any"),
    ];
    let printed = check_with(&["check", "--json"], &credentials).await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    let json: serde_json::Value = serde_json::from_str(&printed.text).unwrap();
    assert_eq!(json["verdict"], "warnings");
    assert_eq!(json["errors"], serde_json::json!([]));
    assert_eq!(json["settings"]["public_url"], "https://auth.example");
    assert_eq!(json["offered"][0]["id"], "onedrivev2");
    assert_eq!(json["online"], serde_json::Value::Null);
    let link = json["admin_consent"]["msgroup"].as_str().unwrap();
    assert!(link.starts_with(
        "https://login.microsoftonline.com/organizations/v2.0/adminconsent?client_id=01234567-89ab-"
    ));
    let time = json["checked_at"].as_str().unwrap();
    assert!(authseal::clock::UnixTime::parse(time).is_some(), "{time}");
    let parts = [
        &json,
        &json["settings"],
        &json["offered"][0],
        &json["not_offered"][0],
    ];
    for field in parts.iter().flat_map(|part| fields(part)) {
        assert!(section.contains(&format!("`{field}`")), "{field}");
    }

    let printed = check_with(&["check", "--json"], &[]).await;
    let json: serde_json::Value = serde_json::from_str(&printed.text).unwrap();
    assert_eq!(json["verdict"], "warnings");
    let warning = json["warnings"][0].as_str().unwrap();
    assert!(
        warning.starts_with("no service is offered yet"),
        "{warning}"
    );

    let printed = check_with(&["check", "--json"], &[("AUTHSEAL_LISTEN", "never-print")]).await;
    assert_eq!(printed.code, Some(1));
    let json: serde_json::Value = serde_json::from_str(&printed.text).unwrap();
    assert_eq!(json["verdict"], "errors");
    assert_eq!(json["settings"], serde_json::Value::Null);
    let error = json["errors"][0].as_str().unwrap();
    assert!(
        error.starts_with("AUTHSEAL_LISTEN is not a place"),
        "{error}"
    );
    printed.assert_says(&[]);
}

#[tokio::test]
async fn the_redirect_uri_of_each_provider_is_shown_offered_or_not() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let own = |id: &str, more: &str| {
        format!(
            "[provider.{id}]\nname = \"Name of {id}\"\ncredentials = [\"{id}\"]\n\
             authorize_url = \"https://{id}.example/a\"\ntoken_url = \"https://{id}.example/t\"\n\
             refresh_tokens = \"stable\"\n{more}\n\
             [service.{id}]\nprovider = \"{id}\"\nname = \"{id}\"\n"
        )
    };
    let built_in = "[provider.google]\nredirect_path = \"/logged-in/google\"\n".to_owned();
    let tables = built_in
        + &own("one", "")
        + &own("two", "redirect_path = \"/logged-in/second\"")
        + &own("three", "redirect_path = \"/logged-in\"");
    fs::write(file.path(), tables).unwrap();
    let printed = check(&[
        ("AUTHSEAL_PUBLIC_URL", "https://auth.example/seal"),
        ("AUTHSEAL_PROVIDERS", file.path().to_str().unwrap()),
        ("one_CLIENT_ID", "the-client-id"),
        ("one_CLIENT_SECRET", "never-print-1"),
    ])
    .await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    printed.assert_says(&[
        "Redirect URI   https://auth.example/seal/logged-in for all providers but these:\n",
        "  https://auth.example/seal/logged-in/google for Google\n",
        "  https://auth.example/seal/logged-in/one for Name of one\n",
        "  https://auth.example/seal/logged-in/second for Name of two\n",
    ]);
    assert!(!printed.text.contains("three for"), "{}", printed.text);
}

#[tokio::test]
async fn an_address_on_which_serve_cannot_listen_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("unix:{}/none/a.sock", folder.path().display());
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let file = format!("unix:{}", file.display());
    for (name, value, says) in [
        (
            "AUTHSEAL_LISTEN",
            "192.0.2.1:0",
            "this machine does not have the address",
        ),
        (
            "AUTHSEAL_ADMIN_LISTEN",
            "192.0.2.1:0",
            "this machine does not have the address",
        ),
        (
            "AUTHSEAL_LISTEN",
            missing.as_str(),
            "the folder does not exist",
        ),
        (
            "AUTHSEAL_LISTEN",
            &file,
            "a file that is no socket is there",
        ),
    ] {
        let printed = check(&[(name, value)]).await;
        assert_eq!(printed.code, Some(1), "{}", printed.text);
        printed.assert_says(&[&format!("- cannot listen on {value} ({name}): {says}")]);
    }
}

#[tokio::test]
async fn an_address_in_use_is_a_warning_and_a_free_one_is_left_free() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sock");
    let socket = format!("unix:{}", path.display());
    let free = check(&[("AUTHSEAL_LISTEN", &socket)]).await;
    assert!(!free.text.contains("listen"), "{}", free.text);
    assert!(!path.exists());

    let _unix = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    let printed = check(&[
        ("AUTHSEAL_LISTEN", &socket),
        ("AUTHSEAL_ADMIN_LISTEN", &address),
    ])
    .await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    printed.assert_says(&[
        &format!("Warning: {socket} (AUTHSEAL_LISTEN) is in use, perhaps by authseal itself"),
        &format!("Warning: {address} (AUTHSEAL_ADMIN_LISTEN) is in use"),
    ]);
    assert!(path.exists());
    let printed = check(&[("AUTHSEAL_LISTEN", "systemd")]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    printed.assert_says(&["(AUTHSEAL_LISTEN): systemd passed no socket"]);
}

#[tokio::test]
async fn every_complaint_comes_at_once_and_names_its_variable() {
    let printed = check(&[
        ("AUTHSEAL_PUBLIC_URL", "ftp://never-print-1"),
        ("AUTHSEAL_LISTEN", "never-print-2"),
        ("AUTHSEAL_ADMIN_LISTEN", "never-print-3:8081"),
        ("AUTHSEAL_PRIVACY_POLICY_URL", "never-print-4"),
        ("AUTHSEAL_LOG", "never-print=5=6"),
        ("AUTHSEAL_LOG_FORMAT", "never-print-7"),
        ("AUTHSEAL_AUTHID_LIFETIME", "400"),
        ("AUTHSEAL_AUTHID_NETWORKS", "0.0.0.0/0"),
        ("AUTHSEAL_KEYS", "never-print-8"),
        ("AUTHSEAL_PROVIDERS", "/no/such/file"),
        ("AUTHSEAL_SERVICES", "gogledrive,onedrivev2"),
        ("AUTHSEAL_APP_NAM", "never-print-9"),
        ("GD_CLIENT_ID", "never-print-10"),
        ("DROPBOX_CLIENT_SECRET", "never-print-11"),
        ("MSGRAPH_CLIENT_SECRET_FILE", "/no/such/secret"),
    ])
    .await;
    assert_eq!(printed.code, Some(1));
    printed.assert_says(&[
        "- AUTHSEAL_PUBLIC_URL must start with https://",
        "- AUTHSEAL_LISTEN is not a place to listen",
        "- AUTHSEAL_ADMIN_LISTEN is not an address and port",
        "- AUTHSEAL_PRIVACY_POLICY_URL is not a web address",
        "- AUTHSEAL_LOG is not a log filter",
        "- AUTHSEAL_LOG_FORMAT must be text or json",
        "- AUTHSEAL_AUTHID_LIFETIME is no length of time; write it like 400d",
        "- AUTHSEAL_AUTHID_NETWORKS covers every IPv4 address; leave it out",
        "- AUTHSEAL_KEYS and AUTHSEAL_KEYS_DIR are both set",
        "- AUTHSEAL_PROVIDERS names /no/such/file",
        "- AUTHSEAL_SERVICES names gogledrive, which is no service or credential; \
         did you mean googledrive?",
        "- AUTHSEAL_SERVICES wants onedrivev2: set MSGRAPH_CLIENT_ID",
        "- AUTHSEAL_APP_NAM is not a setting; did you mean AUTHSEAL_APP_NAME?",
        "- GD_CLIENT_ID is set, but GD_CLIENT_SECRET is not",
        "- DROPBOX_CLIENT_SECRET is set, but DROPBOX_CLIENT_ID is not",
        "- MSGRAPH_CLIENT_SECRET_FILE names /no/such/secret",
    ]);
    for complaint in printed.text.lines().filter(|line| line.starts_with("- ")) {
        let times = printed.text.lines().filter(|line| *line == complaint);
        assert_eq!(times.count(), 1, "{complaint}");
    }
    let printed = check(&[("AUTHSEAL_PUBLIC_URL", "")]).await;
    assert_eq!(printed.code, Some(1));
    printed.assert_says(&["AUTHSEAL_PUBLIC_URL is not set"]);
}

#[tokio::test]
async fn a_setting_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let url = file("url", "https://from-file.example\n");
    let secret = file("secret", "never-print-1\r\n");
    let printed = check(&[
        ("AUTHSEAL_PUBLIC_URL", ""),
        ("AUTHSEAL_PUBLIC_URL_FILE", &url),
        ("DROPBOX_CLIENT_ID", "the-client-id"),
        ("DROPBOX_CLIENT_SECRET_FILE", &secret),
    ])
    .await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    printed.assert_says(&[
        "https://from-file.example/logged-in",
        "(credentials DROPBOX)",
    ]);

    let printed = check(&[("AUTHSEAL_PUBLIC_URL_FILE", &url)]).await;
    assert_eq!(printed.code, Some(1));
    printed.assert_says(&["AUTHSEAL_PUBLIC_URL and AUTHSEAL_PUBLIC_URL_FILE are both set"]);
}

#[tokio::test]
async fn what_is_no_command_is_told_with_the_commands() {
    let output = run(&["sreve"], &[]).await;
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("serve"), "{text}");
}

/// The row of the table in README.md that belongs to a declaration.
fn row(declared: &Declared) -> String {
    let default = match (declared.kind, declared.text) {
        ("required", _) => "required".to_owned(),
        ("default", "") => "none".to_owned(),
        ("default", text) => format!("`{text}`"),
        (_, words) => words.to_owned(),
    };
    let (name, meaning) = (declared.name, declared.meaning);
    format!("| `AUTHSEAL_{name}` | {meaning} | {default} |")
}

#[test]
fn the_table_in_readme_has_each_setting_as_it_is_declared() {
    let page = include_str!("../../README.md");
    let (_, section) = page.split_once("## Settings\n").unwrap();
    let table: BTreeSet<String> = section
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with("| `AUTHSEAL_"))
        .map(str::to_owned)
        .collect();
    let declared: BTreeSet<String> = DECLARED.iter().map(row).collect();
    let lines = |one: &BTreeSet<String>, other| {
        let lines: Vec<&str> = one.difference(other).map(String::as_str).collect();
        lines.join("\n")
    };
    assert!(
        table == declared,
        "write these rows into README.md:\n{}\ninstead of these:\n{}",
        lines(&declared, &table),
        lines(&table, &declared)
    );
}
