//! Warns of a Redis that is too old, or whose settings lose logins.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::store::RedisStore;

/// Pause before a Redis that does not answer is asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// Asks Redis until it answers once, and logs what it says. The server starts without Redis,
/// so even a version that cannot be used does not stop it: the stable providers need none.
pub(super) async fn warn_of_store(store: RedisStore, end: CancellationToken) {
    let ask = async {
        loop {
            if let Ok(found) = store.inspect().await {
                break found;
            }
            tokio::time::sleep(ASK_AGAIN_AFTER).await;
        }
    };
    let found = tokio::select! {
        () = end.cancelled() => return,
        found = ask => found,
    };
    let place = store.place();
    for problem in &found.problems {
        tracing::error!("{place} cannot be used: {problem}");
    }
    for warning in &found.warnings {
        tracing::warn!("{place} may lose logins: {warning}");
    }
}
