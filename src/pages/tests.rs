//! Foreign text in every page.

use askama::Template;

use super::*;

/// Would leave a text, an attribute in either quotes, and a textarea.
const FOREIGN: &str = r#"</textarea></title>"'><script>alert(1)</script>&"#;

fn frame() -> Frame<'static> {
    Frame {
        app_name: FOREIGN,
        display_name: FOREIGN,
        prefix: FOREIGN,
        privacy_policy: FOREIGN,
    }
}

fn service() -> Service<'static> {
    Service {
        id: FOREIGN,
        name: FOREIGN,
        provider: FOREIGN,
    }
}

/// Every page, in every form, with foreign text wherever it takes any.
fn pages() -> Vec<String> {
    let start = |services, choice| StartPage {
        frame: frame(),
        services,
        choice,
        setups: vec![Setup {
            provider: FOREIGN,
            how: FOREIGN,
            console_url: Some(FOREIGN),
        }],
        visit: Some("nonce"),
        hand_over: Some(HandOver {
            opener: Some(FOREIGN),
        }),
    };
    let facts = [(FOREIGN.to_owned(), FOREIGN.to_owned())];
    let result = |url, credential| ResultPage {
        frame: frame(),
        service_name: FOREIGN,
        service_link: url,
        ends_unused: Some((FOREIGN, 90)),
        manage_url: url,
        credential,
        facts: &facts,
        opener: Some(Opener {
            origin: FOREIGN,
            is_trusted: false,
        }),
        handed_over: true,
    };
    let error = |links, provider_error| ErrorPage {
        frame: frame(),
        title: FOREIGN,
        happened: FOREIGN,
        advice: FOREIGN,
        links,
        provider_error,
    };
    let link = Link {
        label: FOREIGN,
        href: FOREIGN,
    };
    let said = ProviderError {
        code: FOREIGN,
        description: Some(FOREIGN),
    };
    [
        start(vec![], Choice::All).render(),
        start(vec![service(), service()], Choice::All).render(),
        start(vec![service(), service()], Choice::One(service())).render(),
        start(vec![service()], Choice::Unknown(FOREIGN)).render(),
        start(vec![], Choice::Unknown(FOREIGN)).render(),
        result(Some(FOREIGN), Credential::AuthId(FOREIGN)).render(),
        result(None, Credential::AccessToken(FOREIGN)).render(),
        error(vec![link, link], Some(said)).render(),
        error(vec![], None).render(),
        PrivacyPage { frame: frame() }.render(),
        CliTokenPage {
            frame: frame(),
            service_name: FOREIGN,
            token_page: Some(FOREIGN),
            state: FOREIGN,
            problem: Some(FOREIGN),
        }
        .render(),
        AuthIdForm::revoke(frame()).render(),
        AuthIdForm::renew(frame()).render(),
        RevokedPage {
            frame: frame(),
            service_name: FOREIGN,
            provider_name: FOREIGN,
        }
        .render(),
    ]
    .map(|page| page.expect("writing to a String cannot fail"))
    .into()
}

#[test]
fn foreign_text_is_escaped_wherever_it_stands() {
    for page in pages() {
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(!page.contains("'><"), "{page}");
        assert!(!page.contains("\"'>"), "{page}");
        assert!(page.contains("&#60;script&#62;alert(1)"), "{page}");
        assert!(page.matches("</textarea>").count() <= 1, "{page}");
        assert_eq!(page.matches("</title>").count(), 1, "{page}");
    }
}

#[test]
fn no_page_needs_more_than_a_strict_policy_allows() {
    for page in pages() {
        for inline in [" style=", "<style", " onclick=", "<script>", " src=\"http"] {
            assert!(!page.contains(inline), "{inline} in {page}");
        }
    }
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
}

#[test]
fn an_authid_stands_in_its_field_as_it_is() {
    let authid = "v2:googledrive:eyJhbGciOiJkaXIi..-_x";
    let page = ResultPage {
        frame: Frame {
            app_name: "Duplicati",
            display_name: "Ours",
            prefix: "/seal",
            privacy_policy: "/seal/privacy-policy",
        },
        service_name: "Google Drive",
        service_link: None,
        ends_unused: None,
        manage_url: None,
        credential: Credential::AuthId(authid),
        facts: &[],
        opener: None,
        handed_over: false,
    }
    .render()
    .unwrap();
    assert!(page.contains(&format!(">{authid}</textarea>")), "{page}");
    assert!(page.contains(r#"src="/seal/authseal.js""#), "{page}");
}

#[test]
fn the_result_page_says_when_an_unused_login_ends_if_the_provider_has_a_limit() {
    let page = |ends_unused| ResultPage {
        frame: frame(),
        service_name: "Box",
        service_link: None,
        ends_unused,
        manage_url: None,
        credential: Credential::AuthId("v2:box.com:x"),
        facts: &[],
        opener: None,
        handed_over: false,
    };
    let limited = page(Some(("Box", 60))).render().unwrap();
    assert!(limited.contains("Box ends a login that nothing uses for 60 days."));
    let unlimited = page(None).render().unwrap();
    assert!(!unlimited.contains("ends a login"));
}

#[test]
fn the_favicon_is_the_mark_in_the_pages() {
    let wax = FAVICON.split('"').find(|part| part.starts_with("M46.8"));
    assert!(include_str!("marks.svg").contains(wax.unwrap()));
}
