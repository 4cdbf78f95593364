use super::Failure;
use crate::agent::shutdown_signal;
use agent_devnet::{Devnet, DevnetConfig};
use std::net::SocketAddr;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where to listen; loopback only.
    #[arg(long, default_value = "127.0.0.1:8545")]
    listen: SocketAddr,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = DevnetConfig::default().with_listen(arguments.listen);
    let devnet = Devnet::start(config).await.map_err(Failure::usage)?;
    let contracts = devnet.contracts();
    println!("rpc_url             {}", devnet.url());
    println!("chain_id            {}", devnet.chain_id());
    println!("usdc                {}", contracts.usdc);
    println!("escrow              {}", contracts.escrow);
    println!("identity_registry   {}", contracts.identity);
    println!("reputation_registry {}", contracts.reputation);
    for (number, account) in devnet.accounts().iter().enumerate() {
        println!("account {number:<2}          {}", account.address);
    }
    eprintln!("This chain forgets everything when it stops, and its keys are known to everyone.");
    shutdown_signal().await;
    devnet.stop().await;
    Ok(())
}
