//! Callbacks that belong to no login of this browser: which provider is named, and which numbers
//! are shown.

use crate::support::{
    Answer, TestApp,
    emulators::{Emulated, escaped},
    get,
};

async fn stray(app: &TestApp, parameters: &[(&str, &str)]) -> Answer {
    stray_at(app, "/logged-in", parameters).await
}

async fn stray_at(app: &TestApp, path: &str, parameters: &[(&str, &str)]) -> Answer {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let page = get(&format!("{}{path}?{query}", app.url), &[]).await;
    assert_eq!(page.status, 400, "{page:?}");
    page
}

/// Names that stand on a page only if that provider is said to have sent the answer.
const NAMES: [&str; 6] = ["Google", "Microsoft", "Dropbox", "Box", "Zoho", "Yandex"];

#[tokio::test]
async fn a_sender_is_named_only_if_no_other_provider_can_have_sent_the_code() {
    let several = Emulated::start(&["google", "microsoft", "dropbox", "box", "zoho", "yandex"]);
    let several = several.await;
    for (error, description, expected) in [
        // Every provider may send them.
        ("access_denied", "", ""),
        ("unauthorized_client", "not enabled for consumers", ""),
        ("invalid_scope", "", ""),
        ("invalid_redirect_uri", "", ""),
        ("invalid_client_secret", "", ""),
        ("access_denied", "You have made too many requests", ""),
        // Only one has them.
        ("app_disabled", "", "Dropbox"),
        ("bad_verification_code", "", "Yandex"),
        ("disallowed_useragent", "", "Google"),
        (
            "access_denied",
            "AADSTS90093: only an administrator",
            "Microsoft",
        ),
        ("server_error", "AADSTS500014", "Microsoft"),
    ] {
        let parameters = [("error", error), ("error_description", description)];
        let page = stray(&several.app, &parameters).await;
        assert!(page.body.contains("can't be finished"), "{page:?}");
        let sender = match expected {
            "" => "The provider refused it",
            name => name,
        };
        assert!(page.body.contains(sender), "{error}: {page:?}");
        for name in NAMES {
            let is_named = page.body.contains(&format!("{name} refused it"));
            assert_eq!(is_named, name == expected, "{error}: {name}: {page:?}");
        }
        for console in ["GD_CLIENT_ID", "App Console", "Google Cloud console"] {
            assert!(
                !expected.is_empty() || !page.body.contains(console),
                "{page:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_only_provider_of_a_redirect_uri_is_the_sender() {
    for (provider, error, words) in [
        ("dropbox", "access_denied", "Dropbox refused it"),
        (
            "box",
            "unauthorized_client",
            "administrator of the Box enterprise",
        ),
        ("yandex", "invalid_scope", "Tick it at the application"),
    ] {
        let own = "]\nredirect_path = \"/logged-in/own\"\n";
        let only = Emulated::with(
            &[provider],
            |tables| tables.replacen("]\n", own, 1),
            |app| app,
        )
        .await;
        let page = stray_at(&only.app, "/logged-in/own", &[("error", error)]).await;
        assert!(page.body.contains(&escaped(words)), "{page:?}");
    }
}

#[tokio::test]
async fn the_refusal_of_an_administrator_is_told_from_a_login() {
    let emulated = Emulated::start(&["google", "microsoft"]).await;
    for (parameters, words) in [
        (
            &[
                ("error", "permission_denied"),
                ("error_description", "The admin canceled the request"),
            ][..],
            "accept. If nobody declined",
        ),
        (
            &[
                ("error", "permission_denied"),
                ("state", "12345"),
                ("tenant", "contoso"),
            ],
            "accept. If nobody declined",
        ),
        (
            &[
                ("error", "access_denied"),
                ("error_description", "AADSTS650052: needs a service"),
                ("admin_consent", "True"),
            ],
            "(AADSTS650052)",
        ),
        (
            &[
                ("error", "access_denied"),
                ("error_description", "AADSTS650052: needs a service"),
                ("admin_consent", "True"),
            ],
            "a licence is missing",
        ),
        (
            &[
                ("admin_consent", "False"),
                ("error", "server_error"),
                ("error_description", "AADSTS1000000: never print"),
            ],
            "AADSTS1000000",
        ),
    ] {
        let page = stray(&emulated.app, parameters).await;
        assert!(page.body.contains("The consent was not given"), "{page:?}");
        assert!(page.body.contains(words), "{words}: {page:?}");
        for wrong in ["Google", "cookies", "never print", "contoso"] {
            assert!(!page.body.contains(wrong), "{wrong}: {page:?}");
        }
    }
}

#[tokio::test]
async fn a_number_is_shown_if_it_has_the_form_of_the_providers_codes() {
    let (with, without) = tokio::join!(
        Emulated::start(&["google", "microsoft"]),
        Emulated::start(&["google", "dropbox"])
    );
    for (error, description, shown) in [
        (
            "server_error",
            "AADSTS1000000: x",
            "(server_error, AADSTS1000000)",
        ),
        (
            "access_denied",
            "AADSTS165900",
            "(access_denied, AADSTS165900)",
        ),
        ("never_print", "x AADSTS99001.", "(AADSTS99001)"),
    ] {
        let parameters = [("error", error), ("error_description", description)];
        let page = stray(&with.app, &parameters).await;
        assert!(page.body.contains(shown), "{shown}: {page:?}");
        let page = stray(&without.app, &parameters).await;
        assert!(!page.body.contains("AADSTS"), "{page:?}");
    }
    for description in ["AADSTS1234", "AADSTS12345678", "AADSTS555-0100"] {
        let parameters = [("error", "x"), ("error_description", description)];
        let page = stray(&with.app, &parameters).await;
        assert!(!page.body.contains("AADSTS"), "{page:?}");
    }
}
