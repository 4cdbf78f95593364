use super::Failure;
use crate::agent::shutdown_signal;
use crate::facilitator::{FacilitatorConfig, router};
use crate::limits::CONNECTIONS_MAX;
use crate::serve::serve;
use agent_client::clock::SystemClock;
use agent_core::clock::Clock;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The facilitator's configuration.
    #[arg(long, default_value = "facilitator.toml")]
    config: PathBuf,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = FacilitatorConfig::read(&arguments.config).map_err(Failure::usage)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let options = config.options(&clock).map_err(Failure::usage)?;
    let listener = TcpListener::bind(config.listen).await;
    let listener = listener
        .map_err(|error| Failure::usage(format!("cannot listen on {}: {error}", config.listen)))?;
    let address = listener.local_addr().map_err(Failure::work)?;
    let opened = config.open(&clock).await.map_err(Failure::usage)?;
    println!("url http://{address}");
    let (stop, stopped) = watch::channel(false);
    let router = router(Arc::new(opened.facilitator), options);
    let serving = tokio::spawn(serve(listener, router, CONNECTIONS_MAX, stopped));
    shutdown_signal().await;
    stop.send_replace(true);
    let served = serving.await.map_err(Failure::work);
    for outbox in &opened.outboxes {
        outbox.close().await;
    }
    served
}
