//! Translates host name, services, listening address and storage of oauth-server.

use std::path::PathBuf;

use url::{Host, Url};

use super::translation::Translated;
use crate::public_url::PublicUrl;

/// The value that the container image sets. ASPNETCORE variables of a compose file
/// override it.
const LISTEN_OF_THE_IMAGE: &str = "0.0.0.0:8080";

impl Translated {
    /// Translates the host name to the public URL: the redirect URI of oauth-server was
    /// always `https://HOSTNAME/logged-in`.
    pub(super) fn host_name(&mut self, problems: &mut Vec<String>) {
        let public_url = |host: String| {
            let url = format!("https://{}", host.trim());
            let is_host = !host.contains('/') && PublicUrl::parse(&url).is_ok();
            is_host
                .then_some(url)
                .ok_or_else(|| "must be a host name alone, such as oauth.example.com".to_owned())
        };
        if self.environment.is_set("REDIRECT_HOSTNAME") {
            self.rename("REDIRECT_HOSTNAME", "PUBLIC_URL", problems, public_url);
            return;
        }
        let host = self.environment.get("HOSTNAME", &mut Vec::new());
        // Many machines set HOSTNAME to a name that is not public: ignore it without a
        // note.
        if host.is_some_and(|host| is_public_name(&host))
            && !self.environment.is_set("AUTHSEAL_PUBLIC_URL")
        {
            self.rename("HOSTNAME", "PUBLIC_URL", problems, public_url);
        }
    }

    pub(super) fn services(&mut self, problems: &mut Vec<String>) {
        if self.environment.is_set("AUTHSEAL_SERVICES") {
            self.rename("SERVICES", "SERVICES", problems, Ok);
        } else if let Some(services) = self.environment.get("SERVICES", problems) {
            self.notes.push(format!(
                "SERVICES is taken for AUTHSEAL_SERVICES={services}"
            ));
            self.services = Some(services);
        }
    }

    /// Translates ASPNETCORE_URLS, or else ASPNETCORE_HTTP_PORTS, to the listening
    /// address.
    pub(super) fn listening(&mut self, problems: &mut Vec<String>) {
        let mut unheard = Vec::new();
        let ours = self.environment.get("AUTHSEAL_LISTEN", &mut unheard);
        let is_asked = ["ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS"]
            .iter()
            .any(|name| self.environment.is_set(name));
        if is_asked && ours.as_deref() == Some(LISTEN_OF_THE_IMAGE) {
            self.environment.set("AUTHSEAL_LISTEN", String::new());
        }
        if self.environment.is_set("ASPNETCORE_URLS") {
            self.rename("ASPNETCORE_URLS", "LISTEN", problems, |urls| {
                let mut addresses = urls.split(';').filter_map(listen_address);
                addresses.next().ok_or_else(|| {
                    "names no http address; write it like http://+:8080, and see \
                     AUTHSEAL_TLS_CERT for https"
                        .to_owned()
                })
            });
        } else {
            self.rename("ASPNETCORE_HTTP_PORTS", "LISTEN", problems, |ports| {
                let first = ports.split(';').next().unwrap_or_default().trim();
                match first.parse::<u16>() {
                    Ok(port) => Ok(format!("0.0.0.0:{port}")),
                    Err(_) => Err("must be a port, such as 8080".to_owned()),
                }
            });
        }
    }

    /// Translates the folder of V1 AuthIDs. A missing folder does not prevent a start:
    /// the installation may never have had one.
    pub(super) fn storage(&mut self, problems: &mut Vec<String>) {
        let Some(storage) = self.environment.get("STORAGE", problems) else {
            return;
        };
        match folder(&storage) {
            Some(folder) if folder.is_dir() || self.environment.is_set("AUTHSEAL_V1_STORAGE") => {
                let folder = folder.to_string_lossy().into_owned();
                self.rename("STORAGE", "V1_STORAGE", problems, |_| Ok(folder));
            }
            Some(folder) => self.notes.push(format!(
                "STORAGE names {}, which is no folder here: no V1 AuthID will open",
                folder.display()
            )),
            None => self.notes.push(
                "STORAGE is not used: only a folder of V1 AuthIDs can be read; copy the objects \
                 or rows into one file each, named by the 32 hex digits, and set \
                 AUTHSEAL_V1_STORAGE to the folder"
                    .to_owned(),
            ),
        }
    }
}

/// True if the host name may be public: it has a dot. The container id that Docker sets
/// has none, nor do the names of pods and of most machines.
fn is_public_name(host: &str) -> bool {
    host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
}

/// Parses an address as Kestrel writes it: `http://+:8080`.
fn listen_address(url: &str) -> Option<String> {
    let url = url
        .trim()
        .replace("//+", "//0.0.0.0")
        .replace("//*", "//0.0.0.0");
    let url = Url::parse(&url).ok().filter(|url| url.scheme() == "http")?;
    let port = url.port_or_known_default()?;
    match url.host()? {
        Host::Domain("localhost") => Some(format!("127.0.0.1:{port}")),
        Host::Domain(_) => Some(format!("0.0.0.0:{port}")),
        host => Some(format!("{host}:{port}")),
    }
}

/// Parses a folder: `file:///DIR?pathmapped=true`, or a path.
fn folder(storage: &str) -> Option<PathBuf> {
    match storage.split_once("://") {
        None => (!storage.contains('=')).then(|| storage.into()),
        Some(("file", path)) => {
            let path = path.split('?').next().unwrap_or_default();
            (!path.is_empty()).then(|| path.into())
        }
        Some(_) => None,
    }
}
