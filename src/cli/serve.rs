//! `authseal serve`.

use super::{Failure, stop_signals};
use crate::{
    app::{App, Knobs, Listeners},
    config::{Config, Environment},
    telemetry,
};

pub(super) async fn serve() -> Result<(), Failure> {
    let asked_to_stop = stop_signals()?;
    let config = Config::load(Environment::of_process())?;
    telemetry::start(&config.log, config.log_format);
    announce(&config);
    let public_url = config.public_url.clone();
    let listeners = Listeners::bind(&config).await?;
    let app = App::start(config, listeners, Knobs::default()).await?;
    tracing::info!(
        "serving {public_url} on {}, health on {}",
        app.address,
        app.admin_address
    );
    asked_to_stop.await;
    tracing::info!("stopping: finishing what is under way");
    app.stop().await;
    Ok(())
}

fn announce(config: &Config) {
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
    if let Some(store) = &config.store {
        tracing::info!("remembering logins in the store at {}", store.hosts());
    }
    tracing::warn!(
        "ANYONE who can reach {} may log in with this server's OAuth applications",
        config.public_url
    );
}
