//! `authseal serve`: runs the server.

use sd_notify::NotifyState;

use super::{CliError, StopSignals, slow_start::SlowStart};
use crate::{
    app::{App, Descriptors, Knobs, Listeners},
    config::Config,
    environment::Environment,
    telemetry,
};

pub(super) async fn serve(environment: Environment, signals: StopSignals) -> Result<(), CliError> {
    let starting = SlowStart::watch();
    let config = Config::load(environment)?;
    telemetry::start(&config.log.filter, config.log.format);
    telemetry::report_panics();
    let descriptors = count_descriptors(&config)?;
    announce(&config);
    let (public_url, place) = (config.public_url.clone(), config.edge.listen.to_string());
    let knobs = Knobs {
        descriptors,
        ..Knobs::default()
    };
    let listeners = Listeners::bind(&config).await?;
    let app = App::start(config, listeners, knobs).await?;
    drop(starting);
    let place = app.address.map_or(place, |address| address.to_string());
    let admin = app
        .admin_address
        .map_or(String::new(), |address| address.to_string());
    tracing::info!("serving {public_url} on {place}, health on {admin}");
    tell_systemd(NotifyState::Ready);
    signals.asked().await;
    tell_systemd(NotifyState::Stopping);
    tracing::info!("stopping: finishing what is under way");
    signals.stop(app).await;
    Ok(())
}

/// Notifies systemd, for a unit of `Type=notify`. Does nothing elsewhere.
fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!("systemd could not be notified: {error}");
    }
}

fn count_descriptors(config: &Config) -> Result<Descriptors, CliError> {
    let wanted = config.edge.max_connections;
    let parts = Descriptors::of_system(wanted, config.memory.store.is_some())?;
    if parts.clients < wanted {
        tracing::warn!(
            "the system allows too few open files (ulimit -n) for {wanted} connections: at most {} \
             of clients and {} to providers are open at once, and others wait",
            parts.clients,
            parts.providers
        );
    }
    Ok(parts)
}

fn announce(config: &Config) {
    for note in &config.notes {
        tracing::info!("{note}");
    }
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let services: Vec<&str> = config
        .offer
        .catalog
        .iter()
        .map(|service| service.id.as_str())
        .collect();
    if services.is_empty() {
        tracing::warn!("no service is configured yet: authseal check says what to set");
    } else {
        tracing::info!("offering {}", services.join(", "));
    }
    if let Some(store) = &config.memory.store {
        tracing::info!("remembering logins in the store {store}");
    }
    match config.login_gates.is_open() {
        true => tracing::warn!(
            "ANYONE who can reach {} may log in with this server's OAuth applications: \
             AUTHSEAL_LOGIN_NETWORKS, AUTHSEAL_LOGIN_PASSWORD and AUTHSEAL_LOGIN_HEADER change that",
            config.public_url
        ),
        false => tracing::info!("logging in: {}", config.login_gates),
    }
}
