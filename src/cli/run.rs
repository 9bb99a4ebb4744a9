//! `authseal run`: `serve` with the options of Duplicati's own oauth-server, so that the
//! `command` of a compose file continues to work.

use std::ffi::OsString;

use clap::Args;

use super::{CliError, StopSignals, secret_input::secret_option, serve};
use crate::{environment::Environment, secret::Secret};

/// Options of oauth-server; each is an environment variable too.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// Public host name, as the setting REDIRECT_HOSTNAME
    #[arg(long)]
    hostname: Option<String>,
    /// Name of the program that needs the AuthIDs (APPNAME)
    #[arg(long)]
    appname: Option<String>,
    /// Name of the site, on its pages (DISPLAYNAME)
    #[arg(long)]
    displayname: Option<String>,
    /// Ids of the services to offer, with commas between them (SERVICES)
    #[arg(long)]
    services: Option<String>,
    /// File with the client ids and secrets, encrypted or not (SECRETS)
    #[arg(long, value_parser = secret_option)]
    secrets: Option<Secret>,
    /// Passphrase of that file (SECRETS_PASSPHRASE)
    #[arg(long, value_parser = secret_option)]
    secrets_passphrase: Option<Secret>,
    /// File with definitions of services (CONFIGFILE)
    #[arg(long, value_parser = secret_option)]
    configfile: Option<Secret>,
    /// Folder with the AuthIDs of the old server (STORAGE)
    #[arg(long, value_parser = secret_option)]
    storage: Option<Secret>,
    /// Address of your own privacy policy (PRIVACY_POLICY_URL)
    #[arg(long, alias = "privacy-policy-url")]
    privacy_policy: Option<String>,
    /// Address of a Seq log server, which is not used here (SEQ_URL)
    #[arg(long)]
    seq_url: Option<String>,
    /// Key of that server, which is not used here (SEQ_APIKEY)
    #[arg(long, value_parser = secret_option)]
    seq_apikey: Option<Secret>,
    /// Port to listen on (ASPNETCORE_HTTP_PORTS)
    #[arg(long)]
    listen_ports: Option<String>,
    /// Address to listen on, such as http://+:8080 (ASPNETCORE_URLS)
    #[arg(long)]
    listen_urls: Option<String>,
    /// A PFX file, which is not used here
    #[arg(long)]
    certificate_path: Option<String>,
    /// Password of the PFX file, which is not used here
    #[arg(long, value_parser = secret_option)]
    certificate_password: Option<Secret>,
}

fn plain(secret: Option<Secret>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}

/// Returns the command line with `run` in front of its options. The ENTRYPOINT of that
/// server's image ends in `run`, so that the `command` of a compose file may be options
/// alone.
pub(super) fn with_command(line: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut line: Vec<OsString> = line.into_iter().collect();
    let first = line.get(1).and_then(|word| word.to_str());
    let is_ours = |option| matches!(option, "--help" | "--version");
    if first.is_some_and(|word| word.starts_with("--") && !is_ours(word)) {
        line.insert(1, "run".into());
    }
    line
}

pub(super) async fn run(arguments: RunArguments, signals: StopSignals) -> Result<(), CliError> {
    let kestrel = "ASPNETCORE_Kestrel__Certificates__Default__";
    let options = [
        // An option is a deliberate setting, unlike the HOSTNAME that every container
        // has.
        ("REDIRECT_HOSTNAME", arguments.hostname),
        ("APPNAME", arguments.appname),
        ("DISPLAYNAME", arguments.displayname),
        ("SERVICES", arguments.services),
        ("SECRETS", plain(arguments.secrets)),
        ("SECRETS_PASSPHRASE", plain(arguments.secrets_passphrase)),
        ("CONFIGFILE", plain(arguments.configfile)),
        ("STORAGE", plain(arguments.storage)),
        ("PRIVACY_POLICY_URL", arguments.privacy_policy),
        ("SEQ_URL", arguments.seq_url),
        ("SEQ_APIKEY", plain(arguments.seq_apikey)),
        ("ASPNETCORE_HTTP_PORTS", arguments.listen_ports),
        ("ASPNETCORE_URLS", arguments.listen_urls),
        (&format!("{kestrel}Path"), arguments.certificate_path),
        (
            &format!("{kestrel}Password"),
            plain(arguments.certificate_password),
        ),
    ];
    let mut environment = Environment::of_process();
    for (name, value) in options {
        if let Some(value) = value {
            environment = environment.with(name, value);
        }
    }
    serve::serve(environment, signals).await
}
