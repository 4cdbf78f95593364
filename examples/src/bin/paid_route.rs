//! A price on an axum route, with a development chain in the same process:
//! `cargo run --bin paid_route`, then open what it prints in a browser or with an x402 client.

use agent_client::settings::ChainSettings;
use agent_core::price::Price;
use agent_devnet::{Devnet, DevnetConfig};
use agent_server::config::{AgentConfig, KeyConfig, PaymentConfig};
use agent_server::paid::{PaidLayer, Till};
use axum::Router;
use axum::routing::get;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let devnet = Devnet::start(DevnetConfig::default()).await?;
    let files = tempfile::tempdir()?;
    let chain = ChainSettings::devnet(devnet.url());
    let till = Till::open(AgentConfig {
        data_dir: files.path().join("till"),
        payment: Some(PaymentConfig::new(chain, KeyConfig::Devnet(1))),
        ..AgentConfig::default()
    });
    let till = Box::pin(till).await?;
    let price = PaidLayer::new(&till, Price::per_task("0.001 USDC"))?.describe("The daily report");
    let app = Router::new()
        .route("/report", get(|| async { "All is well.\n" }))
        .layer(price);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("0.001 USDC: http://{}/report", listener.local_addr()?);
    let stopped = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, app)
        .with_graceful_shutdown(stopped)
        .await?;
    println!("earned {}", till.asset().show(till.books().await?.charged));
    till.close().await;
    Ok(())
}
