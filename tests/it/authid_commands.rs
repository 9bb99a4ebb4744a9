//! `authseal authid`: what an AuthID holds, and one made of a refresh token.

use crate::support::Installation;

#[tokio::test]
async fn what_an_authid_holds_is_shown_save_for_the_refresh_token() {
    let (installation, kid) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    let opened = installation.open(&authid);
    let lineage = opened.grant.lineage.to_string();
    let refresh_token = opened.grant.refresh_token.expose();
    let command = ["authid", "show", "--json", &authid];
    let as_json = installation.run(&command).await;
    let json = as_json.json();
    let expected = serde_json::json!({
        "service": "stable", "lineage": lineage, "log_name": opened.grant.lineage.short_hash(),
        "generation": 0, "issued": opened.grant.issued_at.to_string(),
        "logged_in": opened.grant.issued_at.to_string(),
        "kid": kid, "key_state": "sealing", "revoked": false, "user": null, "label": null,
        "length": authid.len(),
        "limits": {"until": null, "networks": [], "per_hour": null},
    });
    assert_eq!(json, expected);

    installation.run(&["revoke", &lineage]).await.good();
    installation
        .run(&["keys", "new", "--activate-in", "1h"])
        .await
        .good();
    for as_text in [
        installation.run(&["authid", "show", &authid]).await,
        installation
            .run_with_input(&["authid", "show"], &authid)
            .await,
        installation
            .run_with_input(&["authid", "show", "-"], &authid)
            .await,
    ] {
        let text = as_text.good();
        let length = authid.len().to_string();
        for shown in ["stable", &lineage, &kid, "sealing", "yes, here", &length] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        for output in [text, as_json.good()] {
            assert!(!output.contains(refresh_token) && !output.contains("demo-refresh"));
        }
    }
    installation
        .run(&["keys", "retire", &kid, "--force"])
        .await
        .good();
    let refused = installation.run(&["authid", "show", &authid]).await;
    assert!(refused.bad().contains("retired"), "{refused:?}");
    assert!(!refused.stderr.contains("demo-refresh"));
}

#[tokio::test]
async fn a_refresh_token_from_elsewhere_becomes_an_authid_that_refreshes() {
    let (installation, _) = Installation::with_key().await;
    let server = installation.serve().await;
    for service in ["stable", "single-use"] {
        let refresh_token = installation.provider.issue_refresh_token(service).unwrap();
        let command = ["authid", "seal", "--service", service];
        let line = format!("{refresh_token}\n");
        let sealed = installation.run_with_input(&command, &line).await;
        let authid = sealed.good().trim();
        assert!(authid.starts_with(&format!("v2:{service}:")), "{authid}");
        let answer = server.refresh(authid).await.good();
        assert_eq!(answer.json()["type"], service);
    }
    for (service, input, hint) in [
        (
            "elsewhere",
            "token",
            "elsewhere is not offered: authseal check",
        ),
        ("stable", " \n", "nothing was given"),
    ] {
        let command = ["authid", "seal", "--service", service];
        let refused = installation.run_with_input(&command, input).await;
        assert!(refused.bad().contains(hint), "{refused:?}");
    }
}
