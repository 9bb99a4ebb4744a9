//! The services that this server offers.

use std::sync::Arc;

use super::{Provider, Service};

/// A known service that is not offered.
#[derive(Debug)]
pub struct Withheld {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub provider: Arc<Provider>,
    /// Why, and what would change it.
    pub reason: String,
}

/// The offered services, in the order of providers.toml.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    services: Vec<Arc<Service>>,
}

impl Catalog {
    /// A catalog of these services.
    pub fn new(services: impl IntoIterator<Item = Service>) -> Self {
        Self {
            services: services.into_iter().map(Arc::new).collect(),
        }
    }

    /// The service of that id, as an AuthID names it.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Service>> {
        self.services.iter().find(|service| service.id == id)
    }

    /// The service that a link asks for, by id or alias.
    pub fn find(&self, id_or_alias: &str) -> Option<&Arc<Service>> {
        self.by_id(id_or_alias).or_else(|| {
            self.services
                .iter()
                .find(|service| service.aliases.iter().any(|alias| alias == id_or_alias))
        })
    }

    /// Every offered service, those without a button included.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.iter()
    }
}
