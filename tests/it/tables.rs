//! An administrator's own providers.toml, and what `authseal check` says of it.

use std::fs;

use super::settings::check;

async fn check_tables(tables: &str, expected: &[&str]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), tables).unwrap();
    let printed = check(&[("AUTHSEAL_PROVIDERS", file.path().to_str().unwrap())]).await;
    assert_eq!(printed.code, Some(1), "{}", printed.text);
    printed.assert_says(expected);
}

#[tokio::test]
async fn every_complaint_about_a_table_names_table_and_key() {
    check_tables(
        r#"
[provider.google]
token_ulr = "https://never-print.example"
authorize_url = "http://public.example/authorize"
refresh_tokens = "sometimes"
pkce = "yes"
[provider.empty]
[provider."Not An Id"]
[service.gcs]
provider = "gogle"
scpoe = "x"
link = "javascript:alert(1)"
[service.one]
provider = "dropbox"
name = "One"
aliases = ["shared", "googledrive"]
[service.two]
provider = "dropbox"
name = "Two"
aliases = ["shared"]
[sevrice.three]
"#,
        &[
            "[provider.google]: token_ulr is not a known key; did you mean token_url?",
            "[provider.google]: authorize_url must be https; http is for loopback hosts",
            "[provider.google]: refresh_tokens ",
            "[provider.google]: pkce ",
            "[provider.empty]: credentials is missing",
            "[provider.empty]: name is missing",
            "[provider.empty]: authorize_url is missing",
            "[provider.empty]: token_url is missing",
            "[provider.empty]: refresh_tokens is missing",
            "[provider.\"Not An Id\"]: an id is made of small letters",
            "[service.gcs]: provider \"gogle\" is not known; did you mean \"google\"?",
            "[service.gcs]: scpoe is not a known key; did you mean scope?",
            "[service.gcs]: link is not a web address",
            "[service.two]: the alias shared belongs to [service.one]",
            "[service.one]: the alias googledrive belongs to [service.googledrive]",
            "sevrice is not a known key; write [provider.ID] or [service.ID]",
        ],
    )
    .await;
    check_tables(
        r#"
[provider.pasted]
name = "Pasted"
credentials = ["PASTED"]
login = "login-token"
token_url = "https://id.example/token"
refresh_tokens = "single-use"
[provider.jottacloud]
login_token_host = "https://id.jottacloud.com"
login_tokn_realm = "x"
[provider.tele2]
login_token_realm = "com hem"
[provider.google]
login_token_realm = "google"
"#,
        &[
            "[provider.pasted]: login_token_realm is missing",
            "[provider.pasted]: login_token_host is missing",
            "[provider.jottacloud]: login_token_realm and login_token_host must be the realm",
            "[provider.jottacloud]: login_tokn_realm is not a known key; did you mean \
             login_token_realm?",
            "[provider.tele2]: login_token_realm and login_token_host must be the realm",
            "[provider.google]: login_token_realm is not a known key",
        ],
    )
    .await;
    check_tables(
        r#"
[provider.google]
token_url = "https://oauth2.googleapis.com/{region}/token"
revoke_url = "https://oauth2.googleapis.com/{project}/revoke"
redirect_refuses = ["https"]
[provider.dropbox]
token_url = "https://never-print:x@api.dropboxapi.com/oauth2/token"
authorize_url = "https://www.dropbox.com/oauth2/authorize#never-print"
admin_consent = "https://consent.example"
[provider.microsoft]
admin_consent = { url = "http://never-print.example/{tenant}" }
[provider.box]
admin_consent = { url = "https://never-print.example/{tenant}" }
"#,
        &[
            "[provider.google]: token_url has a {tenant} or {region} that this table does not give",
            "[provider.google]: revoke_url has braces; only {tenant} and {region} are replaced",
            "[provider.google]: redirect_refuses unknown variant",
            "[provider.dropbox]: token_url must have no user, no password and no #",
            "[provider.dropbox]: authorize_url must have no user, no password and no #",
            "[provider.dropbox]: admin_consent invalid type: string \"https://consent.example\", expected a table with url",
            "[provider.microsoft]: admin_consent must have the https address of a page",
            "[provider.box]: admin_consent must have the https address of a page",
        ],
    )
    .await;
    check_tables("[provider.google\n", &["is not TOML", "line 1"]).await;
}

#[tokio::test]
async fn plain_http_is_for_loopback_or_for_who_asks_for_it() {
    let table = |url: &str, more: &str| format!("[provider.google]\ntoken_url = {url:?}\n{more}");
    for (url, more, fine) in [
        ("http://localhost:1/token", "", true),
        ("http://127.0.0.1:1/token", "", true),
        ("http://[::1]:1/token", "", true),
        ("http://10.0.0.1/token", "", false),
        ("http://localhost.example/token", "", false),
        ("http://127.0.0.1.example/token", "", false),
        ("http://10.0.0.1/token", "insecure_http = true", true),
        ("ftp://localhost/token", "insecure_http = true", false),
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), table(url, more)).unwrap();
        let printed = check(&[("AUTHSEAL_PROVIDERS", file.path().to_str().unwrap())]).await;
        assert_eq!(printed.code == Some(0), fine, "{url}: {}", printed.text);
    }
}

#[tokio::test]
async fn a_tenant_must_be_one() {
    for (tenant, fine) in [
        ("contoso.onmicrosoft.com", true),
        ("a/b", false),
        ("{x}", false),
    ] {
        let printed = check(&[("MSGRAPH_TENANT", tenant)]).await;
        assert_eq!(printed.code == Some(0), fine, "{tenant}: {}", printed.text);
    }
}
