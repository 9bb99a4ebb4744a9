//! `GET /`: which service?

use http::{Request, StatusCode};

use crate::{
    pages::{Choice, Service as Button, StartPage},
    provider::Service,
    server::{Reply, Server, input, reply},
};

/// All services, or the one that `?type=` asks for.
pub(in crate::server) fn start<B>(server: &Server, request: &Request<B>) -> Reply {
    let asked = input::query(request, "type").filter(|id| !id.is_empty());
    let choice = match &asked {
        None => Choice::All,
        Some(id) => match server.catalog().find(id) {
            Some(service) => Choice::One(button(service)),
            None => Choice::Unknown(id),
        },
    };
    let status = match choice {
        Choice::Unknown(_) => StatusCode::NOT_FOUND,
        Choice::All | Choice::One(_) => StatusCode::OK,
    };
    let services = server.catalog().iter().filter(|service| !service.hidden);
    let page = StartPage {
        frame: server.frame(),
        services: services.map(|service| button(service)).collect(),
        choice,
    };
    reply::page(status, &page)
}

fn button(service: &Service) -> Button<'_> {
    Button {
        id: &service.id,
        name: &service.name,
        provider: &service.provider.id,
    }
}
