//! Request handlers, one file for each feature.

mod elsewhere;
mod fetch;
mod gate;
mod hand_over;
mod inspect;
mod login;
mod metadata;
mod names;
mod privacy;
mod refresh;
mod renew;
mod restrict;
mod result;
mod revocation;
mod revoke;
mod start;
mod token;

pub(super) use elsewhere::{collect, make_code};
pub(super) use fetch::{fetch, token_state};
pub(super) use gate::{enter_password, turn_away};
pub(super) use hand_over::hand_over;
pub(super) use inspect::{inspect, inspect_form};
pub(super) use login::{begin_login, finish_login, finish_with_login_token};
pub(super) use metadata::metadata;
pub(super) use privacy::privacy_policy;
pub(super) use refresh::refresh;
pub(super) use renew::{renew, renew_form};
pub(super) use revocation::revoke_token;
pub(super) use revoke::{revoke, revoke_form};
pub(super) use start::start;
pub(super) use token::token;
