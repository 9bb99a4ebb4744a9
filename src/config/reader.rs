//! Parses the text of one setting, or adds a problem that names the setting.

use std::{fmt::Display, net::SocketAddr, path::PathBuf, str::FromStr};

use super::Settings;
use crate::{
    login::{NotAnOrigin, Origin, TrustedOpeners},
    telemetry::LogFormat,
};

/// Parses settings and collects problems.
pub(super) struct Reader<'a> {
    pub(super) problems: &'a mut Vec<String>,
}

impl Reader<'_> {
    pub(super) fn optional<T, E: Display>(
        &mut self,
        name: &str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(text?.trim()) {
            Ok(value) => Some(value),
            Err(error) => {
                self.complain(name, &error);
                None
            }
        }
    }

    pub(super) fn complain(&mut self, name: &str, error: &impl Display) {
        self.problems.push(format!("AUTHSEAL_{name} {error}"));
    }

    pub(super) fn required<T, E: Display>(
        &mut self,
        name: &str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if text.is_none() {
            self.problems.push(format!(
                "AUTHSEAL_{name} is not set; it is what browsers see, like https://auth.example.com"
            ));
        }
        self.optional(name, text, parse)
    }

    pub(super) fn or_default<T, E: Display>(
        &mut self,
        name: &str,
        text: Option<&str>,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.optional(name, Some(text.unwrap_or(default)), parse)
    }

    pub(super) fn admin_listen(&mut self, settings: &Settings) -> Option<SocketAddr> {
        let text = settings.admin_listen.as_deref();
        self.or_default("ADMIN_LISTEN", text, "127.0.0.1:8081", |text| {
            SocketAddr::from_str(text)
                .map_err(|_| "is not an address and port; write it like 127.0.0.1:8081")
        })
    }
}

pub(super) fn web_address(text: &str) -> Result<url::Url, &'static str> {
    url::Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http"))
        .ok_or("is not a web address; write it like https://example.com/privacy")
}

pub(super) fn trusted_openers(text: &str) -> Result<TrustedOpeners, NotAnOrigin> {
    let origins = text.split(',').map(str::trim);
    Ok(TrustedOpeners {
        listed: origins
            .filter(|origin| !origin.is_empty())
            .map(Origin::of)
            .collect::<Result<_, _>>()?,
    })
}

pub(super) fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be true or false"),
    }
}

/// Parses AUTHSEAL_FIRST_KEY: true if `serve` may make the first key.
pub(super) fn first_key(text: &str) -> Result<bool, &'static str> {
    match text {
        "make" => Ok(true),
        "never" => Ok(false),
        _ => Err("must be make or never"),
    }
}

pub(super) fn folder(text: &str) -> Result<PathBuf, &'static str> {
    let folder = PathBuf::from(text);
    match folder.is_dir() {
        true => Ok(folder),
        false => Err("names no folder"),
    }
}

/// Upper limit, 1 TiB: a larger number is a mistake.
const MAX_MEBIBYTES: u64 = 1024 * 1024;

/// Parses a number of MiB, and returns bytes.
pub(super) fn mebibytes(text: &str) -> Result<u64, &'static str> {
    let number: Option<u64> = text.parse().ok();
    let bytes = number.filter(|number| *number <= MAX_MEBIBYTES);
    bytes
        .map(|number| number * 1024 * 1024)
        .ok_or("is not a number of MiB; write it like 64, or 0 to keep no access token")
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be text or json"),
    }
}
