//! The services that this server offers.

use std::sync::Arc;

use super::{LoginMethod, Provider, Realm, Service};

/// A known service that is not offered.
#[derive(Clone, Debug)]
pub struct Withheld {
    /// Its id.
    pub id: String,
    /// Label of its button.
    pub name: String,
    /// Its provider.
    pub provider: Arc<Provider>,
    /// The reason, and what to do about it.
    pub reason: String,
}

/// The offered services, in the order of providers.toml.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    services: Vec<Arc<Service>>,
    withheld: Vec<Withheld>,
}

/// The service whose login tokens name a realm.
#[derive(Clone, Debug)]
pub enum RealmOwner {
    /// It is offered.
    Offered(Arc<Service>),
    /// It is known and not offered.
    Withheld(Withheld),
    /// No table has this realm.
    Unknown,
}

impl Catalog {
    /// Makes a catalog of these services.
    pub fn new(services: impl IntoIterator<Item = Service>) -> Self {
        Self {
            services: services.into_iter().map(Arc::new).collect(),
            withheld: Vec::new(),
        }
    }

    /// The same catalog, which also knows services that are not offered.
    pub fn with_withheld(self, withheld: &[Withheld]) -> Self {
        Self {
            withheld: withheld.to_vec(),
            ..self
        }
    }

    /// The service whose login tokens name this realm.
    pub fn owner_of(&self, realm: &Realm) -> RealmOwner {
        let is_owner = |provider: &Provider| match &provider.login {
            LoginMethod::LoginToken { realm: own, .. } => own == realm,
            LoginMethod::Code { .. } => false,
        };
        let mut offered = self.services.iter();
        let mut withheld = self.withheld.iter();
        if let Some(service) = offered.find(|service| is_owner(&service.provider)) {
            RealmOwner::Offered(service.clone())
        } else if let Some(service) = withheld.find(|service| is_owner(&service.provider)) {
            RealmOwner::Withheld(service.clone())
        } else {
            RealmOwner::Unknown
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
