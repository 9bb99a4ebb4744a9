//! The token endpoint (RFC 6749 section 3.2), as the `oauth2` crate calls it.

use std::{future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use oauth2::{
    AsyncHttpClient, HttpRequest, HttpResponse, RequestTokenError, basic::BasicErrorResponse,
};
use serde::Deserialize;

use super::{
    CallPhase, Provider, ProviderError, refresh_request::RefreshRequest,
    token_response::LenientTokenResponse,
};
use crate::{
    clock::Stopwatch,
    outbound::{Fence, Outbound, Received},
    secret::Secret,
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
    /// Sends a refresh request, and reads the tokens as `oauth2` would.
    pub(super) async fn refresh(
        &self,
        request: &RefreshRequest,
        refresh_token: &Secret,
    ) -> Result<LenientTokenResponse, ProviderError> {
        let answer = self.ask(|| request.with(refresh_token)).await?;
        let mut json = serde_json::Deserializer::from_slice(answer.body());
        LenientTokenResponse::deserialize(&mut json).map_err(|_| {
            ProviderError::from_success_without_tokens(answer.body(), self.provider, self.phase)
        })
    }

    /// Converts an error of `oauth2`, which may contain tokens.
    pub(super) fn error(
        &self,
        error: RequestTokenError<ProviderError, BasicErrorResponse>,
    ) -> ProviderError {
        ProviderError::from_token_call(error, self.provider, self.phase)
    }

    async fn ask(
        &self,
        request: impl Fn() -> Request<Bytes>,
    ) -> Result<Response<Bytes>, ProviderError> {
        let fence = self.fence.clone();
        let answer = self.connections.send_fenced(request, fence, self.received);
        let response = answer.await?;
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
        let request = request.map(Bytes::from);
        Box::pin(async move {
            let response = self.ask(|| request.clone()).await?;
            let mut response = response.map(Vec::from);
            // Some providers send JSON as text/javascript.
            response.headers_mut().remove(CONTENT_TYPE);
            Ok(response)
        })
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
