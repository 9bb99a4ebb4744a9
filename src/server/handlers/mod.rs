//! One file for each thing that the service does.

mod fetch;
mod gate;
mod login;
mod privacy;
mod refresh;
mod renew;
mod result;
mod revoke;
mod start;

pub(super) use fetch::{fetch, token_state};
pub(super) use gate::{enter, turn_away};
pub(super) use login::{begin_login, finish_login, finish_with_login_token};
pub(super) use privacy::privacy_policy;
pub(super) use refresh::refresh;
pub(super) use renew::{renew, renew_form};
pub(super) use revoke::{revoke, revoke_form};
pub(super) use start::start;
