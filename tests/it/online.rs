//! `authseal check --online`: a line for each endpoint, in parallel, and an exit
//! code that a script can trust.

use crate::{
    settings::check_with,
    support::{ScriptedProvider, free_port, json},
};

fn tables(token_url: &str, authorize_url: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let tables = format!(
        "[provider.own]\nname = \"Own\"\ncredentials = [\"OWN\"]\nrefresh_tokens = \"stable\"\n\
         token_url = \"{token_url}\"\nauthorize_url = \"{authorize_url}\"\n\
         [service.own]\nprovider = \"own\"\nname = \"Own\"\n"
    );
    std::fs::write(file.path(), tables).unwrap();
    file
}

#[tokio::test]
async fn endpoints_that_answer_are_told_from_those_that_do_not() {
    let provider = ScriptedProvider::start(|_| json("404 Not Found", "{}"));
    let answering = provider.url("/token");
    let nobody = format!("http://127.0.0.1:{}/authorize", free_port());
    for (authorize_url, code, says) in [
        (&answering, Some(0), "Nothing is wrong"),
        (&nobody, Some(1), "1 of 2 endpoints cannot be reached"),
    ] {
        let tables = tables(&answering, authorize_url);
        let printed = check_with(
            &["check", "--online"],
            &[
                ("AUTHSEAL_PROVIDERS", tables.path().to_str().unwrap()),
                ("AUTHSEAL_SERVICES", "own"),
                ("OWN_CLIENT_ID", "x"),
                ("OWN_CLIENT_SECRET", "never-print-secret"),
            ],
        )
        .await;
        assert_eq!(printed.code, code, "{}", printed.text);
        printed.assert_says(&[&format!("ok      {answering}  HTTP 404"), says]);
        if code == Some(1) {
            printed.assert_says(&[&format!("FAILED  {nobody}"), "refused"]);
        }
    }
}
