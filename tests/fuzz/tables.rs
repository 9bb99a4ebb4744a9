//! providers.toml as an administrator could write it on a bad day.

use std::{fs, path::Path, time::Duration};

use authseal::{
    config::{Config, Rejected},
    environment::Environment,
    outbound::{Outbound, WayOut},
    provider::{Account, LoginMethod, ProviderClient, RedirectPath, RetryPauses, Service},
    telemetry::Metrics,
};
use http::{HeaderValue, Request};
use proptest::{collection::vec, test_runner::TestCaseResult};

use crate::{
    mutation::{Recipe, recipes},
    property::{MB, Property, ensure},
};

const BUILT_IN: &str = include_str!("../../providers.toml");
const WORDS: &[&str] = &[
    "[provider.google]",
    "[provider.own]",
    "[service.own]",
    "[service.\"box.com\"]",
    "[provider]",
    "provider = \"own\"",
    "name = \"\"",
    "credentials = []",
    "credentials = [\"GD\"]",
    "pkce = 1",
    "refresh_tokens = \"single-use\"",
    "refresh_tokens = \"never\"",
    "login = \"login-token\"",
    "login_token_realm = \"a.b-c_d\"",
    "login_token_host = \"a\\\"b.example:1\"",
    "token_url = \"http://localhost/\"",
    "revoke_url = \"https://a\\\"b.example/\"",
    "token_url = \"https://{tenant}/{region}\"",
    "region = { parameter = \"x\", values = {} }",
    "insecure_http = true",
    "idle_days = 4294967295",
    "idle_days = -1",
    "aliases = [\"box\"]",
    "hidden = \"no\"",
    "[[provider]]",
    "\"\"\"",
    "'''",
    "= inf",
    "1979-05-27",
    "{a.b = 1}",
    "#",
    "javascript:alert(1)",
    "https://[::1]:65536/",
    "https://user:word@host/",
];

/// What every service needs to be offered.
const CREDENTIALS: [&str; 14] = [
    "GD",
    "GCS",
    "MSGRAPH",
    "WL",
    "DROPBOX",
    "BOX",
    "JOTTA",
    "PCLOUD",
    "YANDEX",
    "HIDRIVE",
    "ZOHO",
    "PREMIUMIZEME",
    "PUTIO",
    "OWN",
];

/// Tables that are right: the built-in ones, and one of an administrator's own.
fn real() -> Vec<String> {
    let own = "[provider.own]\nname = \"Own\"\ncredentials = [\"OWN\"]\n\
        authorize_url = \"https://own.example/authorize\"\ntoken_url = \"https://own.example/token\"\n\
        revoke_url = \"https://own.example/revoke\"\nrefresh_tokens = \"sliding\"\n\
        [service.own]\nprovider = \"own\"\nname = \"Own\"\nlink = \"https://own.example\"\n";
    let built_in = BUILT_IN.split("\n\n").filter(|table| table.contains('['));
    built_in
        .chain([own, BUILT_IN])
        .map(|table| format!("{table}\n"))
        .collect()
}

#[test]
fn a_provider_table_is_read_or_complained_about_and_what_is_read_can_be_used() {
    let property = Property::alone("tables", 5, 24 * MB);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("providers.toml");
    let environment = environment(&path);
    let outbound = Outbound::new(WayOut::default());
    let real = real();
    property.holds(vec(recipes(WORDS), 1..3), |recipes| {
        write(&path, &recipes, &real);
        match Config::load(environment.clone()) {
            Ok(config) => {
                property.count("read");
                check_usable(&config, &outbound)
            }
            Err(rejected) => {
                property.count("refused");
                check_complaints(&rejected)
            }
        }
    });
    assert!(property.counted(|outcome| outcome == "read") > 0);
    assert!(property.counted(|outcome| outcome == "refused") > 0);
}

/// `provider::revocation` expects it, and `oauth2` says nothing of use where it is not so.
#[test]
fn a_request_can_be_sent_to_every_endpoint_that_is_read() {
    let property = Property::alone("endpoints", 5, 24 * MB);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("providers.toml");
    let environment = environment(&path);
    let real = real();
    property.holds(vec(recipes(WORDS), 1..3), |recipes| {
        write(&path, &recipes, &real);
        let config = Config::load(environment.clone());
        property.count(if config.is_ok() { "read" } else { "refused" });
        let config = config.ok();
        let mut services = config.iter().flat_map(|config| config.offer.catalog.iter());
        services.try_for_each(|service| check_endpoints(service))
    });
}

fn write(path: &Path, recipes: &[Recipe], real: &[String]) {
    let tables = recipes.iter().map(|recipe| recipe.make(real));
    fs::write(path, tables.collect::<Vec<_>>().concat()).unwrap();
}

fn environment(tables: &Path) -> Environment {
    let mut variables = vec![
        (
            "AUTHSEAL_PUBLIC_URL".to_owned(),
            "https://auth.example.com/seal".to_owned(),
        ),
        (
            "AUTHSEAL_PROVIDERS".to_owned(),
            tables.to_str().unwrap().to_owned(),
        ),
        ("AUTHSEAL_KEYS".to_owned(), crate::settings::KEYS.to_owned()),
    ];
    for name in CREDENTIALS {
        variables.push((format!("{name}_CLIENT_ID"), "id".into()));
        variables.push((format!("{name}_CLIENT_SECRET"), "never-print-secret".into()));
    }
    Environment::new(variables)
}

/// Something is said, and nothing secret.
pub fn check_complaints(rejected: &Rejected) -> TestCaseResult {
    let problems = &rejected.problems;
    let are_said = !problems.is_empty() && problems.iter().all(|problem| !problem.is_empty());
    ensure(are_said, || format!("{problems:?}"))?;
    let secret = problems
        .iter()
        .find(|problem| problem.contains("never-print"));
    ensure(secret.is_none(), || {
        format!("a secret is told: {problems:?}")
    })
}

/// What the code expects of checked tables, without asking anybody.
fn check_usable(config: &Config, outbound: &Outbound) -> TestCaseResult {
    let catalog = &config.offer.catalog;
    let deadline = Duration::from_secs(1);
    let client = ProviderClient::new(
        outbound.clone(),
        deadline,
        RetryPauses::default(),
        Duration::from_secs(5),
        catalog,
        &Metrics::new(),
    );
    let redirect_uri = config.public_url.join(RedirectPath::SHARED);
    for service in catalog.iter() {
        let begun = client.authorization(service, Account::Any, &redirect_uri, "state");
        let is_code = matches!(service.provider.login, LoginMethod::Code { .. });
        ensure(begun.is_some() == is_code, || format!("{service:?}"))?;
        if let Some(begun) = begun {
            let header = HeaderValue::from_str(begun.url.as_str());
            ensure(header.is_ok(), || format!("no Location: {}", begun.url))?;
        }
    }
    Ok(())
}

fn check_endpoints(service: &Service) -> TestCaseResult {
    let revocation = service.provider.revocation.as_ref();
    let urls = revocation.map(|revocation| &revocation.url);
    let urls = urls.into_iter().chain([&service.provider.token_url]);
    for url in urls.flat_map(|endpoint| endpoint.all()) {
        ensure(matches!(url.scheme(), "https" | "http"), || {
            format!("{url}")
        })?;
        let request = Request::post(url.as_str()).body(());
        ensure(request.is_ok(), || {
            format!("no request can be sent to {url}")
        })?;
    }
    Ok(())
}
