//! Messages of Duplicati's backends, as far as they tell failures apart.

use serde_json::Value;

use super::{Backend, Duplicati, Generation};

pub(super) const TIMED_OUT: &str = "The operation has timed out";
const OVER_QUOTA: &str = "The server is over quota, try again in a few hours";
const FOLDER_MISSING: &str = "The requested folder does not exist (folder missing)";
const NOT_SENT: &str = "The AuthID cannot stand in a header";
const CLOSED: &str = "An error occurred while sending the request";
/// The begin of the message that shows a reason.
pub const AUTHORIZATION_FAILED: &str = "Failed to authorize using the OAuth service: ";

/// Why an attempt brought no token.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    Status {
        status: u16,
        reason: Option<String>,
        body: String,
    },
    /// A 200 that cannot be read.
    NoToken {
        body: String,
    },
    TimedOut,
    Closed,
    NotSent,
}

impl Failure {
    pub(super) fn is_client_error(&self) -> bool {
        matches!(self, Self::Status { status, .. } if (400..500).contains(status))
    }
}

/// The message of the last failure.
pub(super) fn message(client: &Duplicati, failure: &Failure) -> String {
    match failure {
        Failure::Status {
            status,
            reason,
            body,
        } => {
            let reason = reason.as_deref();
            of_status(client, *status, reason, body)
        }
        // The body with it, access token and all.
        Failure::NoToken { body } => format!("The response is not the expected JSON: {body}"),
        Failure::TimedOut => TIMED_OUT.into(),
        Failure::Closed => CLOSED.into(),
        Failure::NotSent => NOT_SENT.into(),
    }
}

fn of_status(client: &Duplicati, status: u16, reason: Option<&str>, body: &str) -> String {
    let shown = reason.filter(|reason| !reason.trim().is_empty());
    let with_link = |text: &str| {
        let link = login_link(client);
        format!(
            "{AUTHORIZATION_FAILED}{text}. If the problem persists, try generating a new authid \
             token from: {link}"
        )
    };
    let bare = format!("Response status code does not indicate success: {status}");
    if status == 503 && !client.tries_everything() {
        match (shown, reason) {
            (Some(reason), _) => return with_link(reason),
            (None, Some(_)) => return OVER_QUOTA.into(),
            (None, None) if client.generation != Generation::V2_2 => return OVER_QUOTA.into(),
            (None, None) => {}
        }
    }
    match client.backend {
        Backend::Dropbox => match status {
            404 | 409 => FOLDER_MISSING.into(),
            429 | 507 => OVER_QUOTA.into(),
            401 => with_link(&of_dropbox(status, body)),
            _ => of_dropbox(status, body),
        },
        Backend::Box if status == 429 || body.trim().is_empty() => bare,
        Backend::Box => of_box(body),
        Backend::CloudStorage if status == 403 && shown.is_none() => FOLDER_MISSING.into(),
        Backend::GoogleDrive | Backend::CloudStorage | Backend::OneDrive | Backend::Jottacloud => {
            shown.map_or(bare, with_link)
        }
    }
}

/// Whatever parses as JSON is taken for an error of Dropbox's API, and not shown.
fn of_dropbox(status: u16, body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(_) => "The node must be of type 'JsonObject'".into(),
        Err(_) => format!("Non-json response ({status}): {body}"),
    }
}

/// Box's API has members for a status, a code and a message.
fn of_box(body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(json) => format!("{} - {}: {}", json["status"], json["code"], json["message"]),
        Err(_) => format!("Raw message: {body}"),
    }
}

/// The oauth-url without its path, for the service of this backend.
fn login_link(client: &Duplicati) -> String {
    let mut link = url::Url::parse(&client.oauth_url).unwrap();
    link.set_path("");
    let service = client.backend.service();
    link.query_pairs_mut().append_pair("type", service);
    link.into()
}
