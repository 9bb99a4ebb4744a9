//! The page on which an AuthID stands, whichever way it was got.

use crate::{
    pages::{Credential, ResultPage},
    provider::Service,
    server::Server,
};

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
        ends_unused: provider
            .idle_days
            .map(|days| (provider.name.as_str(), days)),
        manage_url: service.manage_url.as_ref().map(url::Url::as_str),
        credential,
        facts: &[],
        opener: None,
        handed_over: false,
    }
}
