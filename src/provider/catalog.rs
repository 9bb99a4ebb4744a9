//! The services that this server offers.

use std::sync::Arc;

use super::{Provider, Service};

/// A known service that is not offered.
#[derive(Debug)]
pub struct Withheld {
    /// Its id.
    pub id: String,
    /// Its provider.
    pub provider: Arc<Provider>,
    /// The reason, and what to do about it.
    pub reason: String,
}

/// The offered services, in the order of providers.toml.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    services: Vec<Arc<Service>>,
}

impl Catalog {
    /// Makes a catalog of these services.
    pub fn new(services: impl IntoIterator<Item = Service>) -> Self {
        Self {
            services: services.into_iter().map(Arc::new).collect(),
        }
    }

    /// Finds the service of this id, which an AuthID contains.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Service>> {
        self.services.iter().find(|service| service.id == id)
    }

    /// Finds a service by id or alias.
    pub fn find(&self, id_or_alias: &str) -> Option<&Arc<Service>> {
        self.by_id(id_or_alias).or_else(|| {
            self.services
                .iter()
                .find(|service| service.aliases.iter().any(|alias| alias == id_or_alias))
        })
    }

    /// Returns all offered services, including those without a button.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.iter()
    }
}
