//! One file for each thing that the service does.

mod login;
mod privacy;
mod refresh;
mod start;

pub(super) use login::{begin_login, finish_login};
pub(super) use privacy::privacy_policy;
pub(super) use refresh::refresh;
pub(super) use start::start;
