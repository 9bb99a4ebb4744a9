//! `authseal demo`, as someone meets it who has just downloaded it.

use std::net::TcpListener;

use crate::support::{Browser, Program, authid_on, get, post_form, run};

/// The demo on free ports, and its address.
pub async fn start(more: &[&str]) -> (Program, String) {
    let arguments = ["demo", "--port", "0", "--provider-port", "0"];
    let program = Program::start(&[&arguments, more].concat(), &[]);
    let port = program.says("1. Open http://localhost:").await;
    let port = port.split(' ').next().unwrap();
    (program, format!("http://127.0.0.1:{port}"))
}

/// The value of a hidden field of the consent page.
fn field<'p>(page: &'p str, name: &str) -> &'p str {
    let (_, rest) = page
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap();
    rest.split('"').next().unwrap()
}

/// Logs in and allows it. Returns the AuthID, and the address of the provider's form.
pub async fn log_in(browser: &mut Browser, url: &str, service: &str) -> (String, String) {
    let begun = browser.get(&format!("{url}/login?id={service}")).await;
    let request = begun.header("location").to_owned();
    let consent = get(&request, &[]).await.body;
    let mut form = vec![("decision", "allow")];
    for name in ["client_id", "redirect_uri", "state", "code_challenge"] {
        form.push((name, field(&consent, name)));
    }
    let (decide, _) = request.split_once('?').unwrap();
    let decided = post_form(decide, &form).await;
    let page = browser.get(decided.header("location")).await;
    (authid_on(&page.body), decide.to_owned())
}

#[tokio::test]
async fn it_leads_from_login_to_a_token_that_works_and_ends_well() {
    let (program, url) = start(&[]).await;
    let mut browser = Browser::default();
    let home = browser.get(&url).await;
    assert!(home.body.contains("href=\"/login?id=demo\""), "{home:?}");
    for service in ["demo", "demo-single-use"] {
        let (authid, decide) = log_in(&mut browser, &url, service).await;
        let answer = get(&format!("{url}/refresh"), &[("X-AuthID", &authid)])
            .await
            .good();
        let bearer = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
        let files = decide.replace("/authorize", "/files");
        assert!(
            program.so_far().contains(&files),
            "the curl line works as printed"
        );
        get(&files, &[("authorization", &bearer)]).await.good();
    }
    program.terminate().await;
    let (status, output) = program.end().await;
    assert_eq!(status.code(), Some(0), "{output}");
    assert!(
        output.contains("curl -H 'X-AuthID: PASTE-IT-HERE'"),
        "{output}"
    );
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_option_that_changes_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let taken = address.port().to_string();
    for (option, other) in [("--port", "--provider-port"), ("--provider-port", "--port")] {
        let output = run(&["demo", option, &taken, other, "0"], &[]).await;
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            format!(
                "cannot listen on {address} ({option}): another program listens there already\n"
            )
        );
    }
}
