//! The mistakes of a first evening, each with its one clear line.

use crate::settings::check;

#[tokio::test]
async fn each_mistake_of_a_newcomer_is_named() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let empty = empty.path().to_str().unwrap();
    let id = ("DROPBOX_CLIENT_ID", "id");
    for (environment, says) in [
        (
            vec![("AUTHSEAL_PUBLIC_URL", "https://a.example/logged-in")],
            "must end before /logged-in",
        ),
        (
            vec![("AUTHSEAL_LOG", "verbose")],
            "AUTHSEAL_LOG is not a log filter",
        ),
        (
            vec![("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:8080")],
            "AUTHSEAL_LISTEN and AUTHSEAL_ADMIN_LISTEN are the same",
        ),
        (
            vec![id, ("DROPBOX_CLIENT_SECRET_FILE", empty)],
            "which is empty",
        ),
        (
            vec![id, ("DROPBOX_CLIENT_SECRET", "\"never-print-1\"")],
            "DROPBOX_CLIENT_SECRET begins or ends with a quote",
        ),
        (
            vec![id, ("DROPBOX_CLIENT_SECRET", "never-print-2\r")],
            "DROPBOX_CLIENT_SECRET begins or ends with a quote or a control character",
        ),
    ] {
        let printed = check(&environment).await;
        assert_eq!(printed.code, Some(1), "{}", printed.text);
        printed.assert_says(&[says]);
        let complaints = printed.text.matches("\n- ").count();
        assert_eq!(complaints, 1, "{}", printed.text);
    }
}

#[tokio::test]
async fn a_log_filter_of_levels_and_targets_is_taken() {
    for filter in ["debug", "warn,authseal=trace", "authseal::refresh=debug"] {
        let printed = check(&[("AUTHSEAL_LOG", filter)]).await;
        assert_eq!(printed.code, Some(0), "{filter}: {}", printed.text);
    }
}

#[tokio::test]
async fn with_nothing_on_offer_check_says_so() {
    let printed = check(&[]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    printed.assert_says(&["no service is offered yet"]);
}
