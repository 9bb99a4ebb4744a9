//! Makes sure that the callbacks of different provider tables can be told apart.

use std::{collections::BTreeMap, sync::Arc};

use url::Url;

use super::provider_table::ProviderTable;
use crate::provider::{LoginMethod, Provider};

/// Tells each provider the issuers of the others (RFC 9207), and adds a problem for each
/// redirect path that two providers claim for themselves.
pub(super) fn tell_apart(
    providers: &mut BTreeMap<String, ProviderTable>,
    problems: &mut Vec<String>,
) {
    complain_about_shared_paths(providers, problems);
    let known: Vec<(Url, String)> = providers
        .values()
        .filter_map(|table| known_issuer(&table.provider))
        .collect();
    for table in providers.values_mut() {
        let provider = Arc::make_mut(&mut table.provider);
        let LoginMethod::Code {
            authorize_url,
            issuers,
            ..
        } = &mut provider.login
        else {
            continue;
        };
        // Two tables can be two applications at one provider, where only one table needs
        // to name the issuer.
        let same = known.iter().find(|(url, _)| same_place(url, authorize_url));
        let same = same.map(|(_, issuer)| issuer.clone());
        issuers.own = issuers.own.take().or(same);
        issuers.others = known.iter().map(|(_, issuer)| issuer.clone()).collect();
    }
}

fn known_issuer(provider: &Provider) -> Option<(Url, String)> {
    match &provider.login {
        LoginMethod::Code {
            authorize_url,
            issuers,
            ..
        } => Some((authorize_url.clone(), issuers.own.clone()?)),
        LoginMethod::LoginToken { .. } => None,
    }
}

/// True if both URLs are the same authorization endpoint; queries may differ.
fn same_place(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin() && one.path() == other.path()
}

fn complain_about_shared_paths(
    providers: &BTreeMap<String, ProviderTable>,
    problems: &mut Vec<String>,
) {
    let mut owners = BTreeMap::new();
    for (id, table) in providers {
        let Some(path) = table.provider.redirect_path() else {
            continue;
        };
        if path.is_shared() {
            continue;
        }
        if let Some(owner) = owners.insert(path.as_str().to_owned(), id) {
            problems.push(format!(
                "[provider.{id}]: redirect_path {path} belongs to [provider.{owner}]; give it \
                 another, or /logged-in, which any provider may have"
            ));
        }
    }
}
