//! What the providers document, service by service.

/// One shipped service, and what is asked of its provider beyond the standard.
pub struct Expected {
    pub service: &'static str,
    pub credentials: &'static str,
    pub authorize_url: &'static str,
    pub scope: &'static str,
    pub more: &'static [(&'static str, &'static str)],
}

const GOOGLE: &str = "https://accounts.google.com/o/oauth2/v2/auth";
const OFFLINE: &[(&str, &str)] = &[
    ("access_type", "offline"),
    ("prompt", "select_account consent"),
];
const CHOOSER: &[(&str, &str)] = &[("prompt", "select_account")];
const MICROSOFT: &str = "https://login.microsoftonline.com/common/oauth2/v2.0/authorize";

pub const SHIPPED: [Expected; 7] = [
    Expected {
        service: "googledrive",
        credentials: "GD",
        authorize_url: GOOGLE,
        scope: "https://www.googleapis.com/auth/drive.file",
        more: OFFLINE,
    },
    Expected {
        service: "googledocs",
        credentials: "GD",
        authorize_url: GOOGLE,
        scope: "https://www.googleapis.com/auth/drive",
        more: OFFLINE,
    },
    Expected {
        service: "gcs",
        credentials: "GCS",
        authorize_url: GOOGLE,
        scope: "https://www.googleapis.com/auth/devstorage.read_write",
        more: OFFLINE,
    },
    Expected {
        service: "onedrivev2",
        credentials: "MSGRAPH",
        authorize_url: MICROSOFT,
        scope: "offline_access Files.ReadWrite",
        more: CHOOSER,
    },
    Expected {
        service: "sharepoint",
        credentials: "MSGRAPH",
        authorize_url: MICROSOFT,
        scope: "offline_access Files.ReadWrite.All",
        more: CHOOSER,
    },
    Expected {
        service: "msgroup",
        credentials: "MSGRAPH",
        authorize_url: MICROSOFT,
        scope: "offline_access Files.ReadWrite.All Group.Read.All",
        more: CHOOSER,
    },
    Expected {
        service: "dropbox",
        credentials: "DROPBOX",
        authorize_url: "https://www.dropbox.com/oauth2/authorize",
        scope: "files.content.write files.content.read files.metadata.read files.metadata.write",
        more: &[("token_access_type", "offline")],
    },
];
