//! `authseal import`: a list of old AuthIDs becomes one of sealed ones.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Installation, aes_crypt, run_with_input};

const ID: &str = "0123456789abcdef0123456789abcdef";

fn lines(stdout: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn every_line_is_sealed_or_says_why_not_and_no_provider_is_asked() {
    let (installation, _) = Installation::with_key().await;
    let storage = tempfile::tempdir().unwrap();
    let issue = || installation.provider.issue_refresh_token("stable").unwrap();
    let (clear, stored) = (issue(), issue());
    let content = json!({"ServiceId": "stable", "RefreshToken": stored}).to_string();
    let file = aes_crypt(content.as_bytes(), "never-print-password");
    std::fs::write(storage.path().join(ID), file).unwrap();
    let ours = installation.log_in("stable");
    let list = format!(
        "v2:stable:{clear}\n\n  {ID}:never-print-password \r\n{ours}\n{ID}:wrong\n\
         v2:unheard-of:x\nnonsense\n{ours}x\n{}\n",
        &ours[..ours.len() - 5]
    );
    let mut environment = installation.environment();
    environment.push(("AUTHSEAL_V1_STORAGE", storage.path().to_str().unwrap()));
    let output = run_with_input(&["import"], &environment, &list).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let printed = lines(&output.stdout);
    let numbers: Vec<u64> = printed
        .iter()
        .map(|line| line["line"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 3, 4, 5, 6, 7, 8, 9]);
    let opened = |index: usize| {
        assert_eq!(printed[index]["type"], "stable", "{printed:?}");
        installation
            .open(printed[index]["authid"].as_str().unwrap())
            .grant
    };
    assert_eq!(opened(0).refresh_token.expose(), clear);
    assert_eq!(opened(1).refresh_token.expose(), stored);
    let imported = printed[0]["authid"].as_str().unwrap();
    let shown = installation
        .run(&["authid", "show", "--json", imported])
        .await;
    assert_eq!(shown.json()["logged_in"], Value::Null);
    let shown = installation.run(&["authid", "show", imported]).await;
    assert!(shown.good().contains("Logged in   not known"), "{shown:?}");
    assert_eq!(printed[2]["authid"], ours);
    let longer = format!("{ours}x");
    let revoked = installation.run_with_input(&["revoke"], &longer).await;
    assert!(revoked.bad().contains("too many characters at its end"));
    for (index, says) in [
        (3, "does not know"),
        (4, "does not offer unheard-of"),
        (5, "not an AuthID"),
        (6, "too many characters at its end"),
        (7, "cut off"),
    ] {
        let error = printed[index]["error"].as_str().unwrap();
        assert!(error.contains(says), "{error}");
    }
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("3 sealed, 5 not"), "{said}");
    assert!(
        !said.contains("never-print") && !said.contains(&clear),
        "{said}"
    );
    assert_eq!(installation.provider.seen().refreshes, 0);

    // They are the logins that the server finds in the old ones, and they work.
    let server = installation.serve().await;
    let sealed = printed[0]["authid"].as_str().unwrap();
    assert_eq!(server.refresh(sealed).await.status, 200);
    let revoked = installation
        .run_with_input(&["revoke"], &format!("v2:stable:{clear}"))
        .await;
    assert!(
        revoked.good().contains(&opened(0).lineage.to_string()),
        "{revoked:?}"
    );
}

#[tokio::test]
async fn without_a_folder_a_v1_authid_says_what_to_set() {
    let installation = Installation::new(Duration::from_secs(60)).await;
    installation.new_key(&[]).await;
    let environment = installation.environment();
    let output = run_with_input(&["import"], &environment, &format!("{ID}:x\n")).await;
    let error = &lines(&output.stdout)[0]["error"];
    assert!(
        error.as_str().unwrap().contains("AUTHSEAL_V1_STORAGE"),
        "{error}"
    );
    let good = run_with_input(&["import"], &environment, "v2:stable:token\n").await;
    assert_eq!(good.status.code(), Some(0), "{good:?}");
}

#[tokio::test]
async fn a_login_that_sees_only_its_client_ids_files_is_said_to_once() {
    let (installation, _) = Installation::with_key().await;
    let mut environment = installation.environment();
    environment.push(("GD_CLIENT_ID", "the-client-id"));
    environment.push(("GD_CLIENT_SECRET", "never-print-secret"));
    for (service, times) in [("googledrive", 1), ("googledocs", 0), ("gcs", 0)] {
        let list = format!("v2:{service}:never-print-1\nv2:{service}:never-print-2\n");
        let output = run_with_input(&["import"], &environment, &list).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let errors = String::from_utf8(output.stderr).unwrap();
        let note = "googledrive: This login sees only files that were made with this server's";
        assert_eq!(errors.matches(note).count(), times, "{service}: {errors}");
    }
}
