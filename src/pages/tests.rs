//! Tests that every page escapes untrusted text.

use askama::Template;

use super::*;

/// Text that would end a text node, an attribute in either kind of quotes, and a
/// textarea.
const FOREIGN: &str = r#"</textarea></title>"'><script>alert(1)</script>&"#;

fn frame_in(language: Language) -> Frame<'static> {
    Frame {
        app_name: FOREIGN,
        display_name: FOREIGN,
        prefix: FOREIGN,
        privacy_policy: FOREIGN,
        language,
        language_link: Some(LanguageLink {
            page: FOREIGN.to_owned(),
            query: FOREIGN.to_owned(),
        }),
    }
}

fn frame() -> Frame<'static> {
    frame_in(Language::English)
}

fn service() -> OfferedService<'static> {
    OfferedService {
        id: FOREIGN,
        name: FOREIGN,
        provider: FOREIGN,
        ends_at_restart: true,
    }
}

fn limits() -> ShownLimits {
    ShownLimits {
        until: Some(FOREIGN.to_owned()),
        networks: vec![FOREIGN.to_owned()],
        per_hour: Some(60),
    }
}

fn other_programs() -> OtherPrograms {
    OtherPrograms {
        rclone: Some(FOREIGN.to_owned()),
        rclone_with_file: Some(FOREIGN.to_owned()),
        curl: FOREIGN.to_owned(),
        curl_with_file: FOREIGN.to_owned(),
        are_replaced: true,
    }
}

/// Returns every page in all its forms and languages, with untrusted text in every field.
fn pages() -> Vec<String> {
    Language::ALL.into_iter().flat_map(pages_in).collect()
}

fn pages_in(language: Language) -> Vec<String> {
    let frame = || frame_in(language);
    let foreign = Markup::escaped(FOREIGN);
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
        receiver: Some(Receiver {
            opener: Some(FOREIGN),
            after_a_click: true,
        }),
        note: Some(FOREIGN),
        notes: vec![(FOREIGN, FOREIGN)],
        admin_consent: Some(FOREIGN.to_owned()),
        is_blocked: false,
        is_expected: true,
        restrict: Some(RestrictForm {
            id: Some(FOREIGN),
            visit: Some(FOREIGN),
            own_network: Some(FOREIGN.to_owned()),
            widest: Some(limits()),
            set: Some(limits()),
        }),
    };
    let facts = [(FOREIGN.to_owned(), FOREIGN.to_owned())];
    let result = |url, credential, hand_over| ResultPage {
        frame: frame(),
        service_name: FOREIGN,
        service_link: url,
        provider_name: FOREIGN,
        validity: Validity::UntilRestart,
        limits: Some(limits()),
        is_revocable: true,
        manage_url: url,
        credential,
        other_programs: Some(other_programs()),
        account: ShownAccount {
            name: Some(FOREIGN),
            another: url,
            stays: url.is_none(),
        },
        elsewhere: Some(ElsewhereForm {
            nonce: FOREIGN.to_owned(),
            sealed: FOREIGN.to_owned(),
        }),
        facts: &facts,
        opener: Some(OpenerPage {
            origin: FOREIGN,
            is_trusted: false,
        }),
        hand_over,
        may_be_blocked: false,
    };
    let asks = HandOverState::Asks(HandOverForm {
        nonce: FOREIGN,
        sealed: FOREIGN,
        failed: true,
    });
    let error = |links, provider_error| ErrorPage {
        frame: frame(),
        title: &foreign,
        happened: &foreign,
        advice: &foreign,
        links,
        provider_error,
    };
    let link = PageLink {
        label: &foreign,
        href: FOREIGN,
    };
    let said = ProviderMessage {
        code: FOREIGN,
        description: Some(FOREIGN),
    };
    [
        start(vec![], Choice::All).render(),
        start(vec![service(), service()], Choice::All).render(),
        start(vec![service(), service()], Choice::One(service())).render(),
        start(vec![service()], Choice::Unknown(FOREIGN)).render(),
        start(vec![], Choice::Unknown(FOREIGN)).render(),
        result(
            Some(FOREIGN),
            ShownCredential::AuthId(FOREIGN),
            HandOverState::Nobody,
        )
        .render(),
        result(
            None,
            ShownCredential::AccessToken(FOREIGN),
            HandOverState::Done,
        )
        .render(),
        result(None, ShownCredential::AuthId(FOREIGN), asks).render(),
        ResultPage {
            may_be_blocked: true,
            ..result(None, ShownCredential::AuthId(FOREIGN), asks)
        }
        .render(),
        result(
            None,
            ShownCredential::AuthId(FOREIGN),
            HandOverState::Blocked,
        )
        .render(),
        result(
            None,
            ShownCredential::AuthId(FOREIGN),
            HandOverState::TooLate,
        )
        .render(),
        error(vec![link, link], Some(said)).render(),
        error(vec![], None).render(),
        PrivacyPage {
            frame: frame(),
            keeps_logins: true,
            shares_hand_overs: true,
            seals_user: true,
            asks_label: true,
            has_audit_log: true,
        }
        .render(),
        LabelPage {
            frame: frame(),
            service_name: FOREIGN,
            action: FOREIGN,
            text: FOREIGN,
            problem: Some(foreign.clone()),
        }
        .render(),
        CliTokenPage {
            frame: frame(),
            service_name: FOREIGN,
            token_page: Some(FOREIGN),
            state: FOREIGN,
            problem: Some(&foreign),
            table: Some(FOREIGN),
        }
        .render(),
        start(vec![service()], Choice::LoginTokens).render(),
        start(vec![], Choice::LoginTokens).render(),
        ElsewherePage {
            frame: frame(),
            service_name: FOREIGN,
            command: FOREIGN.to_owned(),
            link: FOREIGN.to_owned(),
            minutes: 5,
        }
        .render(),
        CollectPage {
            frame: frame(),
            problem: Some(foreign.clone()),
        }
        .render(),
        AuthIdForm::revoke(frame()).render(),
        AuthIdForm::renew(frame()).render(),
        AuthIdForm::inspect(frame()).render(),
        InspectionPage {
            frame: frame(),
            service_name: FOREIGN,
            service_id: FOREIGN,
            provider_name: FOREIGN,
            issued: Some(FOREIGN.to_owned()),
            logged_in: Some(FOREIGN.to_owned()),
            generation: 3,
            newer_generation: Some(4),
            region: Some(FOREIGN),
            key: Some(ShownKey {
                kid: FOREIGN,
                made: FOREIGN.to_owned(),
                age_in_days: 1,
                ends: Some(FOREIGN.to_owned()),
                is_newest: false,
            }),
            is_of_another_client: true,
            user: Some(FOREIGN),
            label: Some(FOREIGN),
            limits: Some(limits()),
            refused: Some(FOREIGN.to_owned()),
            is_revocable: true,
            validity: Some(Validity::UntilRestart),
            standing: ShownStanding::Unknown,
        }
        .render(),
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
fn foreign_text_is_escaped_everywhere() {
    for page in pages() {
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(!page.contains("'><"), "{page}");
        assert!(!page.contains("\"'>"), "{page}");
        assert!(page.contains("&#60;script&#62;alert(1)"), "{page}");
        let textareas = page.matches("<textarea").count();
        assert_eq!(page.matches("</textarea>").count(), textareas, "{page}");
        assert_eq!(page.matches("</title>").count(), 1, "{page}");
    }
}

#[test]
fn a_page_is_in_the_language_of_its_frame() {
    for (language, heading) in [
        (Language::English, "<h1>Revoke an AuthID</h1>"),
        (Language::German, "<h1>AuthID widerrufen</h1>"),
    ] {
        let page = AuthIdForm::revoke(frame_in(language)).render().unwrap();
        let html = format!(r#"<html lang="{}">"#, language.tag());
        assert!(page.contains(&html) && page.contains(heading), "{page}");
    }
}

#[test]
fn no_page_needs_more_than_a_strict_policy_allows() {
    for page in pages() {
        for inline in [" style=", "<style", " onclick=", "<script>", " src=\"http"] {
            assert!(!page.contains(inline), "{inline} in {page}");
        }
    }
    assert!(!style().contains("url(") && !style().contains("@import"));
}

#[test]
fn an_authid_is_in_its_field_unchanged() {
    let authid = "v2:googledrive:eyJhbGciOiJkaXIi..-_x";
    let page = ResultPage {
        frame: Frame {
            app_name: "Duplicati",
            display_name: "Ours",
            prefix: "/seal",
            privacy_policy: "/seal/privacy-policy",
            language: Language::English,
            language_link: None,
        },
        service_name: "Google Drive",
        service_link: None,
        provider_name: "Google",
        validity: Validity::Unlimited,
        limits: None,
        is_revocable: true,
        manage_url: None,
        credential: ShownCredential::AuthId(authid),
        other_programs: None,
        account: ShownAccount::default(),
        elsewhere: None,
        facts: &[],
        opener: None,
        hand_over: HandOverState::Nobody,
        may_be_blocked: false,
    }
    .render()
    .unwrap();
    assert!(page.contains(&format!(">{authid}</textarea>")), "{page}");
    assert!(page.contains(r#"src="/seal/authseal.js""#), "{page}");
}

#[test]
fn the_result_page_says_how_long_an_authid_is_valid() {
    let page = |credential, validity| ResultPage {
        frame: frame(),
        service_name: "Box",
        service_link: None,
        provider_name: "Box",
        validity,
        limits: None,
        is_revocable: true,
        manage_url: None,
        credential,
        other_programs: None,
        account: ShownAccount::default(),
        elsewhere: None,
        facts: &[],
        opener: None,
        hand_over: HandOverState::Nobody,
        may_be_blocked: false,
    };
    let says = |validity, words: &str| {
        let page = page(ShownCredential::AuthId("v2:box.com:x"), validity);
        let page = page.render().unwrap();
        assert!(page.contains(words), "{page}");
    };
    says(Validity::Unlimited, "Until you or Box revoke the access.");
    says(
        Validity::WhileUsed { days: 60 },
        "For 60 days after its last use",
    );
    says(Validity::UntilRestart, "Until this server is restarted.");
    let until = "2027-02-22".to_owned();
    says(
        Validity::FromIssue { days: 90, until },
        "22 February 2027</time>",
    );
    let no_authid = page(ShownCredential::AccessToken("x"), Validity::UntilRestart);
    assert!(!no_authid.render().unwrap().contains("How long"));
}

#[test]
fn the_favicon_is_the_mark_in_the_pages() {
    let wax = FAVICON.split('"').find(|part| part.starts_with("M46.8"));
    assert!(include_str!("marks.svg").contains(wax.unwrap()));
}
