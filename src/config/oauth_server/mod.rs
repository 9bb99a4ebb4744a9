//! The settings of Duplicati's own oauth-server (v1.0.1), understood as they are: who
//! hosts that one changes the image's name. Each becomes the setting of authseal that
//! it means, unless that is set too.

mod entries;
mod family;
mod secrets;

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::DeserializeOwned;
use toml::Table;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::environment::Environment;
use crate::public_url::PublicUrl;

/// What nobody sets who does not host that server.
const SIGNS: [&str; 5] = ["APPNAME", "SERVICES", "SECRETS", "CONFIGFILE", "STORAGE"];

/// What our image sets. It gives way to what a compose file says in that server's words.
const LISTEN_OF_THE_IMAGE: &str = "0.0.0.0:8080";

/// What has no meaning here, and what to do instead.
const WITHOUT_MEANING: [(&str, &str); 4] = [
    ("SEQ_URL", TO_SEQ),
    ("SEQ_APIKEY", TO_SEQ),
    (CERTIFICATE, PEM),
    ("ASPNETCORE_Kestrel__Certificates__Default__Password", PEM),
];
const TO_SEQ: &str = "logs go to standard output: set AUTHSEAL_LOG_FORMAT=json and let your log \
                      collector carry them to Seq";
const CERTIFICATE: &str = "ASPNETCORE_Kestrel__Certificates__Default__Path";
const PEM: &str = "set AUTHSEAL_TLS_CERT and AUTHSEAL_TLS_KEY to PEM files, which openssl pkcs12 \
                   makes of a PFX file";

/// An environment with that server's settings translated.
#[derive(Default)]
pub(super) struct Translated {
    pub(super) environment: Environment,
    /// Of CONFIGFILE: to be laid over the built-in ones, under the administrator's own.
    pub(super) tables: Table,
    /// SERVICES: unlike AUTHSEAL_SERVICES it may name what cannot be offered.
    pub(super) services: Option<String>,
    /// What was understood as what, one sentence each.
    pub(super) notes: Vec<String>,
    /// Whether there is more of that server than a host name.
    pub(super) is_of_that_server: bool,
}

/// Translates what is set, and complains about what cannot be read.
pub(super) fn translate(
    environment: &Environment,
    built_in: &Table,
    problems: &mut Vec<String>,
) -> Translated {
    let mut all = Translated {
        environment: environment.clone(),
        is_of_that_server: SIGNS.iter().any(|name| environment.is_set(name)),
        ..Translated::default()
    };
    all.host_name(problems);
    for (old, new) in [
        ("APPNAME", "APP_NAME"),
        ("DISPLAYNAME", "DISPLAY_NAME"),
        ("PRIVACY_POLICY_URL", "PRIVACY_POLICY_URL"),
    ] {
        all.rename(old, new, problems, Ok);
    }
    all.services(problems);
    all.listening(problems);
    all.storage(problems);
    all.secrets(problems);
    all.entries(built_in, problems);
    for (old, instead) in WITHOUT_MEANING {
        if all.environment.is_set(old) {
            all.notes.push(format!("{old} is not used: {instead}"));
        }
    }
    all
}

impl Translated {
    /// Takes a variable over, if it is set and ours is not. `convert` says what it
    /// means, or what is wrong with it.
    fn rename(
        &mut self,
        old: &str,
        new: &str,
        problems: &mut Vec<String>,
        convert: impl FnOnce(String) -> Result<String, String>,
    ) {
        let ours = format!("AUTHSEAL_{new}");
        if !self.environment.is_set(old) {
            return;
        }
        if self.environment.is_set(&ours) {
            self.notes.push(format!("{old} is not used: {ours} is set"));
            return;
        }
        let Some(value) = self.environment.get(old, problems) else {
            return;
        };
        match convert(value) {
            Ok(value) => {
                self.notes
                    .push(format!("{old} is taken for {ours}={value}"));
                self.environment.set(&ours, value);
            }
            Err(problem) => problems.push(format!("{old} {problem}")),
        }
    }

    /// The redirect URI was always `https://HOSTNAME/logged-in`.
    fn host_name(&mut self, problems: &mut Vec<String>) {
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
        // Many a machine has one that means nothing: it is worth no word, then.
        if host.is_some_and(|host| is_public_name(&host))
            && !self.environment.is_set("AUTHSEAL_PUBLIC_URL")
        {
            self.rename("HOSTNAME", "PUBLIC_URL", problems, public_url);
        }
    }

    fn services(&mut self, problems: &mut Vec<String>) {
        if self.environment.is_set("AUTHSEAL_SERVICES") {
            self.rename("SERVICES", "SERVICES", problems, Ok);
        } else if let Some(services) = self.environment.get("SERVICES", problems) {
            self.notes.push(format!(
                "SERVICES is taken for AUTHSEAL_SERVICES={services}"
            ));
            self.services = Some(services);
        }
    }

    /// ASPNETCORE_URLS goes before ASPNETCORE_HTTP_PORTS.
    fn listening(&mut self, problems: &mut Vec<String>) {
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

    /// Where V1 AuthIDs were kept. Its absence is none of a start's business: there may
    /// never have been one.
    fn storage(&mut self, problems: &mut Vec<String>) {
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

/// A container's own id, which Docker sets, has no dot, and no more have the names of
/// pods and of most machines.
fn is_public_name(host: &str) -> bool {
    host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
}

/// Kestrel's way to write an address: `http://+:8080`.
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

/// `file:///DIR?pathmapped=true`, or a path.
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

/// Reads a file's JSON, which must have this shape. serde_json's own words are left
/// out: they could show a secret.
fn read_json<T: DeserializeOwned>(data: &[u8], shape: &str) -> Result<T, String> {
    // What Windows' editors put in front.
    let json = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    serde_json::from_slice(json).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("must be {shape}; it is not at line {line}, column {column}")
    })
}

/// The content of a file, or what stands behind `base64:`. `%NAME%` in a path is a
/// variable. No complaint shows the value: somebody may have put the content there.
fn content(
    variable: &str,
    environment: &Environment,
    problems: &mut Vec<String>,
) -> Option<Zeroizing<Vec<u8>>> {
    let file_variable = format!("{variable}_FILE");
    if environment.is_set(&file_variable) && !environment.has(variable) {
        problems.push(format!(
            "{file_variable} has no meaning: {variable} itself names the file"
        ));
        return None;
    }
    let value = environment.get(variable, problems)?;
    let prefix = value.get(..7).unwrap_or_default();
    let data = if prefix.eq_ignore_ascii_case("base64:") {
        let data = STANDARD.decode(value[7..].trim());
        data.map_err(|_| "is no base64 after \"base64:\"".to_owned())
    } else {
        std::fs::read(environment.expand(&value)).map_err(|error| {
            format!("must be base64: and the data, or name a file that can be read: {error}")
        })
    };
    data.map(Zeroizing::new)
        .map_err(|problem| problems.push(format!("{variable} {problem}")))
        .ok()
}
