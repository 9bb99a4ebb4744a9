//! The token endpoint (RFC 6749 section 3.2), as the `oauth2` crate calls it.

use std::{future::Future, pin::Pin, time::Duration};

use http::{StatusCode, header::CONTENT_TYPE};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};

use super::{CallPhase, Provider, ProviderError};
use crate::{
    clock::Stopwatch,
    outbound::{Fence, Outbound, Received},
};

/// The HTTP client of the `oauth2` crate. Answers that are no success become errors here: the
/// crate drops the providers' own error codes, and does not know their statuses.
pub(super) struct TokenEndpoint<'a> {
    pub(super) provider: &'a Provider,
    pub(super) phase: CallPhase,
    pub(super) connections: &'a Outbound,
    pub(super) fence: Option<Fence>,
    pub(super) received: &'a Received,
}

impl TokenEndpoint<'_> {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, ProviderError> {
        let fence = self.fence.clone();
        let answer = self.connections.send_fenced(request, fence, self.received);
        let mut response = answer.await?.map(Vec::from);
        // Some providers send JSON as text/javascript.
        response.headers_mut().remove(CONTENT_TYPE);
        match response.status() {
            StatusCode::OK => Ok(response),
            _ => Err(ProviderError::from_answer(
                &response,
                self.provider,
                self.phase,
            )),
        }
    }
}

impl<'c> AsyncHttpClient<'c> for TokenEndpoint<'_> {
    type Error = ProviderError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, ProviderError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

/// Makes a fence that asks `permit` with the time that is left. It lets nothing through
/// after the deadline, because the process may have been suspended while it asked.
pub(super) fn fence<F>(
    permit: impl Fn(Duration) -> F + Send + Sync + 'static,
    call: Stopwatch,
    deadline: Duration,
) -> Fence
where
    F: Future<Output = bool> + Send + 'static,
{
    Fence::new(move || {
        let permitted = permit(deadline.saturating_sub(call.elapsed()));
        async move { permitted.await && call.elapsed() < deadline }
    })
}
