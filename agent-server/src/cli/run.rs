use super::Failure;
use super::seller::SellerOptions;
use crate::agent::Agent;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    seller: SellerOptions,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = arguments.seller.read()?;
    Agent::configured(config)
        .run()
        .await
        .map_err(Failure::usage)
}
