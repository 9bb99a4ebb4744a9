//! `authseal demo`, as its own output tells a person to use it.

use super::{
    browser::Browser,
    support::{Program, free_port, get},
};

#[tokio::test]
async fn the_demo_does_what_it_says_on_the_terminal() {
    let [port, provider_port] = [free_port(), free_port()].map(|port| port.to_string());
    let ports = ["--port", &port, "--provider-port", &provider_port];
    let demo = Program::start(&[&["demo"], &ports[..]].concat(), &[]);
    let first_step = demo.says("1. Open ").await;
    let url = first_step.split(' ').next().unwrap();
    let refresh_url = demo.says("curl -H 'X-AuthID: PASTE-IT-HERE' ").await;
    let files_url = demo
        .says("curl -H 'Authorization: Bearer ACCESS-TOKEN' ")
        .await;

    let browser = Browser::open().await;
    browser.go(url).await;
    browser.see_heading("Choose your storage").await;
    browser.click("a[href='/login?id=demo']").await;
    browser.click("#allow").await;
    browser.see_heading("Your AuthID is ready").await;
    let authid = browser.value("#authid").await;

    let refreshed = get(&refresh_url, &[("X-AuthID", &authid)]).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    let refreshed = refreshed.json();
    assert_eq!(refreshed["type"], "demo");
    let bearer = format!("Bearer {}", refreshed["access_token"].as_str().unwrap());
    let files = get(&files_url, &[("Authorization", &bearer)]).await;
    assert_eq!(files.status, 200, "{files:?}");

    drop(browser);
    demo.terminate().await;
    let (status, output) = demo.end().await;
    assert!(status.success(), "{output}");
}
