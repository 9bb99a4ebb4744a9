//! A form of which the rest never comes.

use std::time::Duration;

use authseal::listen::Limits;
use tokio::io::AsyncWriteExt;

use crate::support::{TestApp, connect, rest_of};

/// Sends a head and the beginning of a form, as the first or the second request of its
/// connection, and returns the answer.
async fn answer_to_half_a_form(path: &str, is_first: bool) -> String {
    let limits = Limits {
        // Both would end in the same moment: the form's limit must be what counts.
        first_head: Duration::from_millis(200),
        rest_of_request: Duration::from_millis(200),
        ..Limits::default()
    };
    let app = TestApp::builder().limits(limits).start().await;
    let mut stream = connect(&app).await;
    if !is_first {
        let whole = "HEAD /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(whole.as_bytes()).await.unwrap();
    }
    let half = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type"
    );
    stream.write_all(half.as_bytes()).await.unwrap();
    let received = rest_of(&mut stream).await;
    let (_, answer) = received.rsplit_once("HTTP/1.1 ").expect(&received);
    answer.to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_form_that_does_not_arrive_in_time_is_named_at_every_address() {
    for is_first in [true, false] {
        for path in ["/refresh", "/revoked"] {
            let answer = answer_to_half_a_form(path, is_first).await;
            assert!(answer.starts_with("502 "), "{path}: {answer}");
            assert!(
                answer.contains("x-reason: The request took too long"),
                "{answer}"
            );
            assert!(answer.contains("x-request-id: "), "{answer}");
        }
        for path in ["/token", "/oauth2/revoke"] {
            let answer = answer_to_half_a_form(path, is_first).await;
            assert!(answer.starts_with("503 "), "{path}: {answer}");
            assert!(
                answer.contains(r#"{"error":"temporarily_unavailable""#),
                "{answer}"
            );
        }
    }
}
