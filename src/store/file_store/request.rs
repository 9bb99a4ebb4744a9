//! Requests to the thread of a file store.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::{
    secret::Secret,
    store::{Entry, Name, News, StoreError},
};

/// Takes the result of a request.
pub(super) type StoreReply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A request to the thread that has the file.
pub(super) enum Request {
    Login(Name, StoreReply<StoredLogin>),
    /// Announcements since a time.
    News(f64, StoreReply<News>),
    /// Logins after a name.
    Page(Option<Name>, StoreReply<LoginPage>),
    /// Replies with the number of logins that were stored, when the disk has them.
    Change(Change, StoreReply<u64>),
    /// Closes the file and ends the thread.
    Close(StoreReply<()>),
}

/// A change of the file.
#[derive(Debug)]
pub(super) enum Change {
    /// The newest refresh token of the login is about to be sent.
    MarkSent(Name),
    /// The call has ended, perhaps with a new state and its lifetime.
    Settle(Name, Option<(Secret, Duration)>),
    Revoked(Name),
    Rotating(String),
    /// Logins of another store, where they are newer.
    Merge(Vec<Entry>),
}

/// Stored data of a login.
#[derive(Debug)]
pub(super) struct StoredLogin {
    pub(super) value: Option<Secret>,
    /// True if a process sent its refresh token, and ended before it stored the new one.
    pub(super) was_sent: bool,
}

/// Some of the logins.
#[derive(Debug)]
pub(super) struct LoginPage {
    pub(super) entries: Vec<Entry>,
    /// Number of all logins, not only these, whose refresh token was sent and whose new
    /// one is not stored yet.
    pub(super) sent: u64,
}
