//! The page on which an AuthID stands, whichever way it was got.

use std::time::Duration;

use crate::{
    pages::{Credential, ResultPage, Validity},
    provider::{RefreshTokens, Service},
    server::Server,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The page for a credential of this service, with nobody else to receive it.
pub(super) fn result_page<'a>(
    server: &'a Server,
    service: &'a Service,
    credential: Credential<'a>,
) -> ResultPage<'a> {
    let provider = &service.provider;
    ResultPage {
        frame: server.frame(),
        service_name: &service.name,
        service_link: service.link.as_ref().map(url::Url::as_str),
        provider_name: &provider.name,
        validity: validity(server, service),
        manage_url: service.manage_url.as_ref().map(url::Url::as_str),
        credential,
        facts: &[],
        opener: None,
        handed_over: false,
    }
}

/// How long an AuthID of this service is good that is made now.
fn validity(server: &Server, service: &Service) -> Validity {
    let provider = &service.provider;
    if server.forgets(service) {
        return Validity::UntilRestart;
    }
    match (provider.idle_days, provider.refresh_tokens) {
        (None, _) => Validity::Unlimited,
        // Its holder keeps the first of a row of tokens, and only memory has the others.
        (Some(days), RefreshTokens::Sliding) if !server.engine.outlives_the_process() => {
            Validity::FromIssue {
                days,
                until: server.login.clock.now().plus(DAY * days).date(),
            }
        }
        (Some(days), _) => Validity::WhileUsed { days },
    }
}
