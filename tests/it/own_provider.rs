//! An administrator's own providers.toml: laid over the built-in one, key by key.

use authseal::{config::Config, environment::Environment};

use crate::support::emulators::{CLIENT_ID, CLIENT_SECRET, Emulated};

const OWN_SERVICE: &str = r#"
[provider.nextcloud]
name           = "Our Nextcloud"
credentials    = ["NEXTCLOUD"]
pkce           = true
refresh_tokens = "stable"
advice         = { invalid_grant = "Ask Ann." }

[service.ourcloud]
provider   = "nextcloud"
name       = "Our cloud"
scope      = "files"
aliases    = ["cloud"]
manage_url = "https://cloud.example/settings"
"#;

/// Its tables, with these lines more in the provider's.
pub fn own_service(more: &str) -> String {
    let name = "name           = \"Our Nextcloud\"\n";
    OWN_SERVICE.replace(name, &format!("{name}{more}"))
}

async fn with_own_provider(client_authentication: &str, revokes: bool) -> Emulated {
    let whole_table = |tables: String| {
        // The emulator's lines belong to the same table.
        let (_, lines) = tables.split_once('\n').unwrap();
        let host = lines.split('"').nth(1).unwrap().replace("/authorize", "");
        let revoke_url = format!("revoke_url = \"{host}/revoke\"\n");
        let more = format!("client_authentication = \"{client_authentication}\"\n{lines}");
        own_service(&if revokes { more + &revoke_url } else { more })
    };
    Emulated::with(&["nextcloud"], whole_table, |app| {
        app.env("NEXTCLOUD_CLIENT_ID", CLIENT_ID)
            .env("NEXTCLOUD_CLIENT_SECRET", CLIENT_SECRET)
    })
    .await
}

#[tokio::test]
async fn a_provider_of_ones_own_works_by_its_table_alone() {
    for (client_authentication, revokes) in [("body", true), ("basic", true), ("basic", false)] {
        let emulated = with_own_provider(client_authentication, revokes).await;
        let provider = emulated.at("nextcloud");
        for id in ["ourcloud", "cloud"] {
            let authid = emulated.credential(id).await;
            assert!(authid.starts_with("v2:ourcloud:"), "{authid}");
            let answer = emulated.refresh(&authid).await.good();
            let json = answer.json();
            assert_eq!(json["type"], "ourcloud");
            // It says nothing of when its tokens expire.
            assert_eq!(json["expires"], 1800);
            assert!(
                provider
                    .books()
                    .accepts(json["access_token"].as_str().unwrap())
            );
            let is_basic = provider
                .calls("/token")
                .iter()
                .all(|call| call.basic().is_some());
            assert_eq!(is_basic, client_authentication == "basic");

            let revoked = emulated.revoke_by_header(&authid).await;
            assert_eq!(revoked.status, if revokes { 200 } else { 501 });
            if revokes {
                assert_eq!(emulated.refresh(&authid).await.status, 401);
            }
            let other = emulated.credential(id).await;
            provider.books().remove_all();
            let refused = emulated.refresh(&other).await;
            let login = format!("{}/?type=ourcloud", emulated.app.url);
            let reason = format!("Ask Ann (invalid_grant). Log in again at {login}");
            assert_eq!(refused.header("x-reason"), reason);
        }
    }
}

/// What `Config::load` says of this providers.toml, with these variables.
fn problems(tables: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("providers.toml");
    std::fs::write(&path, tables).unwrap();
    let keys = folder.path().join("keys");
    let always = [
        ("AUTHSEAL_PUBLIC_URL", "https://auth.example"),
        ("AUTHSEAL_KEYS_DIR", keys.to_str().unwrap()),
        ("AUTHSEAL_PROVIDERS", path.to_str().unwrap()),
    ];
    let variables = always.iter().chain(variables).copied();
    match Config::load(Environment::new(variables)) {
        Ok(_) => Vec::new(),
        Err(rejected) => rejected.problems,
    }
}

#[test]
fn every_mistake_in_providers_toml_is_said_clearly_and_all_in_one_run() {
    let tables = r#"
        [provider.google]
        authorise_url = "https://accounts.google.com/"
        pkce = "yes"

        [provider.mine]
        name = "Mine"
        credentials = ["MINE"]
        authorize_url = "https://login.example/authorize"
        token_url = "http://login.example/token"
        refresh_tokens = "stable"

        [service.first]
        provider = "gogle"
        name = "First"

        [service.second]
        provider = "mine"
        name = "Second"
        aliases = ["box"]
    "#;
    let mut problems = problems(tables, &[]);
    problems.sort();
    let expected = [
        "[provider.google]: authorise_url is not a known key; did you mean authorize_url?",
        "[provider.google]: pkce invalid type: string \"yes\", expected a boolean",
        "[provider.mine]: token_url must be https; http is for loopback hosts, or with \
         insecure_http = true",
        "[service.first]: provider \"gogle\" is not known; did you mean \"google\"?",
        "[service.second]: the alias box belongs to [service.box.com]",
    ];
    assert_eq!(problems, expected);
}

#[test]
fn each_mistake_is_one_message_that_names_its_place() {
    let provider = |lines: &str| {
        format!(
            "[provider.mine]\nname = \"Mine\"\ncredentials = [\"MINE\"]\n\
             refresh_tokens = \"stable\"\n{lines}\n"
        )
    };
    let urls = "authorize_url = \"https://a.example/\"\ntoken_url = \"https://b.example/\"";
    for (tables, message) in [
        (provider(urls), ""),
        (
            provider(&urls.replace("https:", "http:")),
            "authorize_url must be https",
        ),
        (
            provider(
                &urls
                    .replace("b.example", "127.0.0.1")
                    .replace("https:", "http:")
                    .replace("a.example", "[::1]"),
            ),
            "",
        ),
        (
            provider(&format!(
                "insecure_http = true\n{}",
                urls.replace("https:", "http:")
            )),
            "",
        ),
        (
            provider(&urls.replace("https:", "ftp:")),
            "authorize_url must be https",
        ),
        (
            provider(&urls.replace("https://b", "//b")),
            "token_url is not a URL",
        ),
        (
            provider("token_url = \"https://b.example/\""),
            "authorize_url is missing",
        ),
        (
            provider(&format!("{urls}\nredirect_path = \"/logged-in/x\"")),
            "",
        ),
        (
            provider(&format!("{urls}\nredirect_path = \"/callback\"")),
            "redirect_path must be /logged-in",
        ),
        (
            provider(urls).replace("provider.mine", "provider.\"..\""),
            "redirect_path must be /logged-in",
        ),
        (
            format!(
                "[provider.google]\nredirect_path = \"/logged-in/mine\"\n{}",
                provider(urls)
            ),
            "redirect_path /logged-in/mine belongs to [provider.google]",
        ),
        (
            format!(
                "[provider.google]\nredirect_path = \"/logged-in/google\"\n{}",
                provider(&format!("{urls}\nredirect_path = \"/logged-in\""))
            ),
            "",
        ),
        (
            provider(&format!("{urls}\nissuer = \"https://b.example/realm\"")),
            "",
        ),
        (
            provider(&format!("{urls}\nissuer = \"http://b.example\"")),
            "issuer must be",
        ),
        (
            provider(&format!("{urls}\nissuer = \"https://b.example/?a\"")),
            "issuer must be",
        ),
        (
            provider(&format!(
                "{urls}\nissuer = \"https://b.example/{{tenant}}\""
            )),
            "issuer must be",
        ),
        (
            provider(&format!("{urls}\nissuer = \"b.example\"")),
            "issuer must be",
        ),
        (
            provider(&format!("{urls}\nrevoke_with = \"magic\"")),
            "revoke_with",
        ),
        (provider(&format!("{urls}\nlogin = \"magic\"")), "login"),
        (
            provider(&format!("{urls}\nregion = {{ values = {{}} }}")),
            "region",
        ),
        (
            provider(urls).replace("\"stable\"", "\"forever\""),
            "refresh_tokens",
        ),
        (
            provider(urls).replace("[\"MINE\"]", "\"MINE\""),
            "credentials",
        ),
        (
            provider(urls).replace("provider.mine", "provider.Mine"),
            "small letters",
        ),
        (
            "[services.x]\nname = \"X\"".into(),
            "services is not a known key",
        ),
        ("provider = \"x\"".into(), "write [provider.ID]"),
        (
            "[service.x]\nprovider = \"google\"".into(),
            "name is missing",
        ),
        ("[service.x]\nname = \"X\"".into(), "provider is missing"),
        (
            "[service.dropbox]\nlink = \"javascript:alert(1)\"".into(),
            "link is not a web address",
        ),
        (
            "[service.dropbox]\naliases = [\"pcloud\"]".into(),
            "alias pcloud belongs to",
        ),
        (
            "[service.dropbox]\naliases = [\"dropbox\"]".into(),
            "alias dropbox belongs to",
        ),
        ("not toml".into(), "is not TOML"),
    ] {
        let problems = problems(&tables, &[]);
        let is_as_expected = match message {
            "" => problems.is_empty(),
            _ => {
                let said = problems.iter().filter(|problem| problem.contains(message));
                said.count() == 1
            }
        };
        assert!(is_as_expected, "{tables}: {problems:#?}");
        assert!(
            problems.iter().all(|problem| problem.is_ascii()),
            "{problems:?}"
        );
    }
}

#[test]
fn a_wrong_tenant_in_the_environment_is_named() {
    let problems = problems("", &[("MSGRAPH_TENANT", "a/b")]);
    let expected = "MSGRAPH_TENANT must be a directory's id or domain name, without braces, quotes or https://";
    assert_eq!(problems, [expected]);
}
