//! The environment, with anything in it.

use std::fs;

use authseal::{
    app::{App, Knobs, Listeners},
    config::{Config, DECLARED, admin_address, key_source},
    environment::Environment,
    listen::Listener,
    telemetry::LogFilter,
};
use proptest::{collection::vec, prelude::*, test_runner::TestCaseResult};
use tokio::net::TcpListener;

use crate::{
    mutation::{Recipe, recipes},
    property::{MB, Property, ensure, runtime},
    support::get,
    tables::check_complaints,
};

const WORDS: &[&str] = &[
    "https://",
    "http://",
    "unix:",
    "/",
    "127.0.0.1",
    "[::1]",
    "0.0.0.0/0",
    "::/0",
    ":0",
    ":65536",
    "/logged-in",
    "?cluster=true",
    "?sentinel=x",
    "#insecure",
    "@",
    "info",
    "authseal=trace",
    "GD",
    "googledrive",
    "*",
    "-1",
    "4294967296",
    "all",
    "any",
    "{\"keys\":",
    "\"kid\":",
    "\"exp\":1",
    "-----BEGIN PRIVATE KEY-----",
    "socks5://",
    "HTTP://",
    "\\",
    "%5C",
    "%",
    "^",
    "//",
    ";",
    "\"",
];

/// Settings and what they may be. Whatever says never-print is secret. FOLDER holds a
/// good certificate and its key.
const SETTINGS: &[(&str, &[&str])] = &[
    (
        "AUTHSEAL_PUBLIC_URL",
        &["https://auth.example.com/seal", "http://localhost:8080"],
    ),
    (
        "AUTHSEAL_LISTEN",
        &["127.0.0.1:8080", "unix:/run/a.sock", "systemd", "[::]:80"],
    ),
    ("AUTHSEAL_ADMIN_LISTEN", &["127.0.0.1:8081"]),
    ("AUTHSEAL_KEYS_DIR", &["FOLDER/keys", "FOLDER"]),
    ("AUTHSEAL_KEYS", &[KEYS]),
    ("AUTHSEAL_KEYS_FILE", &["FOLDER/key.pem", "FOLDER/none"]),
    ("AUTHSEAL_KEYS_PASSPHRASE", &["never-print-passphrase"]),
    ("AUTHSEAL_FIRST_KEY", &["make", "never"]),
    ("AUTHSEAL_AUTHID_LIFETIME", &["400d", "12h"]),
    (
        "AUTHSEAL_AUTHID_NETWORKS",
        &["192.168.0.0/16, fd00::/8", "10.1.2.3"],
    ),
    ("AUTHSEAL_PROVIDERS", &["FOLDER/none", "FOLDER/cert.pem"]),
    (
        "AUTHSEAL_SERVICES",
        &["googledrive, box", "GD,onedrivev2", "jottacloud"],
    ),
    ("AUTHSEAL_APP_NAME", &["Duplicati"]),
    ("AUTHSEAL_DISPLAY_NAME", &["Backup <b>login</b>"]),
    (
        "AUTHSEAL_PRIVACY_POLICY_URL",
        &["https://example.com/privacy"],
    ),
    (
        "AUTHSEAL_STORE_URL",
        &[
            "redis://:never-print@127.0.0.1:1/0?prefix=a:",
            "rediss://me:never-print@a:1,b:2?sentinel=main",
            "file:FOLDER/store",
        ],
    ),
    (
        "AUTHSEAL_TRUSTED_PROXIES",
        &["10.0.0.0/8, fd00::/8, unix", "127.0.0.1"],
    ),
    (
        "AUTHSEAL_OPENER_ORIGINS",
        &["https://duplicati.example.com:8200, http://nas:8200"],
    ),
    ("AUTHSEAL_LOGIN_NETWORKS", &["192.168.0.0/16,10.1.2.3"]),
    ("AUTHSEAL_LOGIN_PASSWORD", &["never-print-password"]),
    ("AUTHSEAL_LOGIN_HEADER", &["Remote-User"]),
    ("AUTHSEAL_LOGIN_REQUIRE", &["any", "all"]),
    ("AUTHSEAL_AUTHID_USER", &["true", "false"]),
    ("AUTHSEAL_LOGIN_LABEL", &["ask", "none"]),
    ("AUTHSEAL_CACHE_MB", &["64", "0", "1048577"]),
    ("AUTHSEAL_RATE_LIMIT", &["60", "4294967295"]),
    (
        "AUTHSEAL_MAX_CONNECTIONS",
        &["2000", "18446744073709551615"],
    ),
    ("AUTHSEAL_TLS_CERT", &["FOLDER/cert.pem"]),
    ("AUTHSEAL_TLS_KEY", &["FOLDER/key.pem"]),
    ("AUTHSEAL_ACCEPT_V2_PLAIN", &["true", "false"]),
    ("AUTHSEAL_V1_STORAGE", &["FOLDER", "FOLDER/none"]),
    ("AUTHSEAL_LOG", &["info", "authseal=debug,hyper=warn"]),
    ("AUTHSEAL_LOG_FORMAT", &["json", "text"]),
    ("AUTHSEAL_AUDIT_LOG", &["stdout", "FOLDER/audit.log"]),
    ("AUTHSEAL_DUMPABLE", &["true", "false"]),
    ("GD_CLIENT_ID", &["id.apps.googleusercontent.com"]),
    ("GD_CLIENT_SECRET", &["never-print-secret"]),
    ("MSGRAPH_TENANT", &["common", "contoso.example"]),
    (
        "HTTPS_PROXY",
        &["http://user:never-print@127.0.0.1:3128", "proxy:3128"],
    ),
    (
        "https_proxy",
        &[r"http://DOM\user:never-print@proxy:3128/", "HTTP://proxy"],
    ),
    ("ALL_PROXY", &["http://DOM^user:never-print@[::1]:3128"]),
    (
        "NO_PROXY",
        &["10.0.0.0/8, .lan, *", "*.example.com [::1]:443"],
    ),
    ("SSL_CERT_DIR", &["FOLDER", "FOLDER/none"]),
    ("SSL_CERT_FILE", &["FOLDER/cert.pem", "FOLDER/none"]),
    ("AUTHSEAL_PUBLC_URL", &["x"]),
];
pub const KEYS: &str = r#"{"keys":[{"kty":"oct","kid":"a","alg":"dir","enc":"A256GCM","iat":1,"nbf":2,
    "exp":4000000000,"k":"never-printnever-printnever-printnever-prio"}]}"#;

/// What is set, some of it as an administrator would.
#[derive(Clone, Debug)]
struct Case {
    right: Vec<usize>,
    odd: Vec<(usize, Recipe)>,
    serve: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let setting = 0..SETTINGS.len();
    let odd = vec((setting.clone(), recipes(WORDS)), 0..4);
    (vec(setting, 0..6), odd, prop::bool::weighted(0.05)).prop_map(|(right, odd, serve)| Case {
        right,
        odd,
        serve,
    })
}

impl Case {
    fn environment(&self, folder: &str) -> Environment {
        let mut variables = vec![
            (
                "AUTHSEAL_PUBLIC_URL".to_owned(),
                "http://localhost".to_owned(),
            ),
            ("AUTHSEAL_KEYS".to_owned(), KEYS.to_owned()),
        ];
        let right = self
            .right
            .iter()
            .map(|setting| (*setting, Recipe::untouched(0)));
        for (setting, recipe) in right.chain(self.odd.iter().cloned()) {
            let (name, real) = SETTINGS[setting];
            let value = String::from_utf8_lossy(&recipe.make(real)).replace("FOLDER", folder);
            variables.push((name.into(), value));
        }
        Environment::new(variables)
    }

    fn sets(&self, name: &str) -> bool {
        let set = self
            .right
            .iter()
            .chain(self.odd.iter().map(|(setting, _)| setting));
        set.into_iter().any(|setting| SETTINGS[*setting].0 == name)
    }
}

#[test]
fn every_setting_is_read_or_complained_about_and_no_secret_is_told() {
    let property = Property::alone("settings", 4, 64 * MB);
    let runtime = runtime();
    let folder = folder();
    let folder = folder.path().to_str().unwrap();
    property.holds(cases(), |case| {
        let environment = case.environment(folder);
        for problems in [
            admin_address(&environment).err(),
            key_source(&environment).err(),
        ] {
            problems.iter().try_for_each(check_complaints)?;
        }
        match Config::load(environment.clone()) {
            Err(rejected) => {
                property.count("refused");
                check_complaints(&rejected)
            }
            Ok(config) => {
                is_used(&environment, &config)?;
                let warnings = config.warnings.join("; ");
                ensure(!warnings.contains("never-print"), || warnings)?;
                // Neither a Redis nor a client that speaks TLS is here.
                let can_serve = !case.sets("AUTHSEAL_STORE_URL") && config.certificate.is_none();
                let serve = case.serve && can_serve;
                property.count(if serve { "served" } else { "read" });
                match serve {
                    true => runtime.block_on(serves(config)),
                    false => Ok(()),
                }
            }
        }
    });
    for outcome in ["refused", "read", "served"] {
        assert!(
            property.counted(|counted| counted == outcome) > 0,
            "{outcome}"
        );
    }
}

#[test]
fn every_declared_setting_is_fuzzed() {
    for declared in DECLARED {
        let name = format!("AUTHSEAL_{}", declared.name);
        assert!(SETTINGS.iter().any(|(fuzzed, _)| *fuzzed == name), "{name}");
    }
}

/// A filter by a field's value is a regular expression, whose automaton can grow with
/// two to the power of its length.
#[test]
fn a_log_filter_takes_little_memory() {
    const PIECES: &[&str] = &[
        "a", "(a|b)", "(a|b)*a", ".*", "\\w+", "[^x]", "(a?)*", "{9}", "\"",
    ];
    let property = Property::alone("log_filters", 20, 16 * MB);
    let pieces = vec((prop::sample::select(PIECES), 1..16usize), 0..4);
    property.holds(pieces, |pieces| {
        let pieces = pieces.iter().map(|(piece, times)| piece.repeat(*times));
        let text = format!("debug[a{{b={}}}]", pieces.collect::<String>());
        let is_filter = LogFilter::parse(&text).is_ok();
        property.count(if is_filter { "read" } else { "refused" });
        Ok(())
    });
}

/// An accepted setting is the one that is used: a proxy that is named is never gone around, and a
/// setting that is read from what `check` shows of it is the same.
fn is_used(environment: &Environment, config: &Config) -> TestCaseResult {
    let proxies = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"];
    let provider = "https://provider.invalid/token".parse().unwrap();
    if proxies.iter().any(|name| environment.is_set(name)) && !environment.is_set("NO_PROXY") {
        let proxy = &config.way_out.proxy;
        ensure(proxy.route(&provider).is_some(), || format!("{proxy:?}"))?;
    }
    let shown = |config: &Config| {
        let networks = config.login_gates.networks.as_ref();
        [
            ("AUTHSEAL_PUBLIC_URL", config.public_url.to_string()),
            ("AUTHSEAL_LISTEN", config.edge.listen.to_string()),
            ("AUTHSEAL_ADMIN_LISTEN", config.admin.listen.to_string()),
            (
                "AUTHSEAL_LOGIN_NETWORKS",
                networks.map_or(String::new(), ToString::to_string),
            ),
        ]
    };
    let before = shown(config);
    let mut again = environment.clone();
    for (name, value) in &before {
        again.set(name, value.clone());
    }
    let after = Config::load(again).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let after = shown(&after);
    ensure(before == after, || format!("{before:?} {after:?}"))?;
    let redirect_uri = url::Url::parse(&config.public_url.join("/logged-in"));
    let path = format!("{}/logged-in", config.public_url.prefix());
    let is_same = redirect_uri.is_ok_and(|uri| uri.path() == path);
    ensure(is_same, || config.public_url.to_string())
}

/// What is accepted must work: the first page, and where each of its buttons leads.
async fn serves(config: Config) -> TestCaseResult {
    let any_port = || async { Listener::from(TcpListener::bind("127.0.0.1:0").await.unwrap()) };
    let listeners = Listeners {
        service: any_port().await,
        admin: any_port().await,
    };
    let url = format!("http://{}", listeners.service.address().unwrap());
    let started = App::start(config, listeners, Knobs::default()).await;
    let app = match started {
        Ok(app) => app,
        Err(error) => return ensure(error.to_string().contains("no key"), || error.to_string()),
    };
    for (path, statuses) in [
        ("/", &[200, 403][..]),
        ("/login?id=googledrive", &[302, 403, 404]),
        ("/privacy-policy", &[200, 302]),
        ("/refresh?authid=x", &[401, 503]),
    ] {
        let answer = get(&format!("{url}{path}"), &[]).await;
        let status = answer.status.as_u16();
        ensure(statuses.contains(&status), || format!("{path}: {answer:?}"))?;
    }
    app.stop().await;
    Ok(())
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(
        folder.path().join("key.pem"),
        made.signing_key.serialize_pem(),
    )
    .unwrap();
    fs::create_dir(folder.path().join("keys")).unwrap();
    folder
}
