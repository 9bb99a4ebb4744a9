//! Responses for requests that fail. Exhaustive matches name the fault behind each error of
//! a lower module, and no lower module knows HTTP statuses.

mod api_error;
mod client_fault;
mod code_page;
mod error_page;
mod login_page;
mod login_token;
mod oauth_error;
mod provider;
mod reason;
mod refresh;

pub(super) use api_error::ApiError;
pub(super) use login_token::not_a_login_token;
pub(super) use oauth_error::OAuthError;

/// Advice on a grant that can't be revoked by this server.
const REMOVE_THERE: &str = "Remove the access in the settings of your account there";

/// Returns the text of an error with a capital letter, for the start of a sentence.
pub(super) fn capitalised(error: &impl ToString) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
