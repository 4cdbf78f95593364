use super::Failure;
use crate::agent::shutdown_signal;
use crate::limits::WATCH_CONNECTIONS_MAX;
use crate::serve::serve;
use crate::settle::tower::{TowerBook, TowerSettings, Watchtower, WatchtowerConfig, tower_router};
use agent_client::chain::outbox::TxOutbox;
use agent_client::chain::same_chain;
use agent_client::clock::SystemClock;
use agent_core::clock::Clock;
use agent_core::money::BaseUnits;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The tower's configuration.
    #[arg(long, default_value = "watch.toml")]
    config: PathBuf,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let shown = arguments.config.display();
    let text = tokio::fs::read_to_string(&arguments.config).await;
    let text = text.map_err(|error| Failure::usage(format!("{shown}: {error}")))?;
    // Without the line itself: RPC URLs carry keys.
    let settings: TowerSettings = toml::from_str(&text)
        .map_err(|error| Failure::usage(format!("{shown}: {}", error.message())))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (chain_settings, dir) = (&settings.chain, &settings.data_dir);
    tokio::fs::create_dir_all(dir)
        .await
        .map_err(Failure::usage)?;
    let chain = chain_settings.chain().map_err(Failure::usage)?;
    same_chain(&chain, dir).await.map_err(Failure::usage)?;
    let key = settings.key.read().map_err(Failure::usage)?;
    let signer = key.to_signer().map_err(Failure::usage)?;
    let outbox = TxOutbox::open(
        dir.join("outbox.db"),
        chain.clone(),
        signer,
        chain_settings.outbox(),
        Arc::clone(&clock),
    );
    let outbox = outbox.await.map_err(Failure::work)?;
    let tokens = BTreeSet::from([chain_settings.token.address]);
    let book = TowerBook::open(
        dir.join("claims.db"),
        chain_settings.domain(),
        settings.payees.clone(),
        tokens,
    );
    let book = book.map_err(Failure::work)?;
    let dust = match &settings.dust {
        None => BaseUnits::ZERO,
        Some(money) => {
            let resolved = chain_settings
                .assets()
                .resolve(money)
                .map(|(_, units)| units);
            resolved.map_err(Failure::usage)?
        }
    };
    let (stop, stopped) = watch::channel(false);
    let serving = match (settings.listen, &settings.token) {
        (None, None) => None,
        (Some(address), Some(token)) => {
            let token = token.token().map_err(Failure::usage)?;
            let listener = TcpListener::bind(address).await.map_err(Failure::usage)?;
            let address = listener.local_addr().map_err(Failure::work)?;
            println!("sellers push to     http://{address}/v1/claims");
            let router = tower_router(book.clone(), token, Arc::clone(&clock));
            let serving = serve(listener, router, WATCH_CONNECTIONS_MAX, stopped);
            Some(tokio::spawn(serving))
        }
        _ => {
            return Err(Failure::usage("listen and token go together"));
        }
    };
    println!("gas is paid by      {}", outbox.address());
    let config = WatchtowerConfig {
        deadline_margin_secs: settings.deadline_margin_secs,
        dust,
        interval: Duration::from_secs(settings.every_secs.max(1)),
        files: settings.files,
    };
    let tower = Watchtower::start(book.clone(), chain, outbox.clone(), config, clock);
    shutdown_signal().await;
    stop.send_replace(true);
    if let Some(serving) = serving {
        // It ended, or it broke: either way nothing is served any more.
        drop(serving.await);
    }
    tower.stop().await;
    book.close().await;
    outbox.close().await;
    Ok(())
}
