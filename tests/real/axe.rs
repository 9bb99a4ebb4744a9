//! axe-core, which finds what shuts people out of a page.

use std::{fs, path::Path};

use super::browser::Browser;

const SCRIPT: &str = "tests/real/axe/node_modules/axe-core/axe.min.js";

/// Every rule that the page in front breaks, with the elements that break it.
pub async fn violations(browser: &Browser) -> Vec<String> {
    if browser.run("return typeof axe").await == "undefined" {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCRIPT);
        let script = fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("no {SCRIPT} ({error}); use tests/run"));
        browser.run(&script).await;
    }
    let found = browser
        .run_async(
            "axe.run().then(({ passes, violations }) => ({
               passed: passes.length,
               broken: violations.map(({ id, help, nodes }) =>
                 [`${id}: ${help}`, ...nodes.map((node) => `${node.html} ${node.failureSummary}`)]
                   .join('\\n  ')),
             }))",
        )
        .await;
    assert!(
        found["passed"].as_u64() > Some(0),
        "axe saw nothing: {found}"
    );
    serde_json::from_value(found["broken"].clone()).unwrap()
}
