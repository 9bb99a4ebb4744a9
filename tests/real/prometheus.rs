//! Prometheus's own checker reads what authseal exposes.

use std::process::Stdio;

use tokio::{io::AsyncWriteExt, process::Command};

use crate::support::{Scrape, TestApp};

async fn promtool(arguments: &[&str], input: &str) {
    let mut promtool = Command::new("promtool")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = promtool.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = promtool.wait_with_output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{arguments:?}: {said}");
}

#[tokio::test]
async fn the_metrics_are_as_prometheus_wants_them() {
    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    app.refresh(&authid).await;
    let scrape = Scrape::of(&app.admin_url).await;
    promtool(&["check", "metrics"], &scrape.text).await;
}
