//! Taking back what is past its deadline, on a timer.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::chain::Chain;
use crate::wallet::Wallet;

/// Sweeps a wallet for as long as it lives, for the first time one period after it was started.
pub(super) struct Sweeper(JoinHandle<()>);

impl Sweeper {
    pub(super) fn start(wallet: Wallet, chain: Chain, period: Duration) -> Self {
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(period).await;
                sweep(&wallet, &chain).await;
            }
        }))
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// By the chain's time, which is what contracts go by.
async fn sweep(wallet: &Wallet, chain: &Chain) {
    let now = match chain.head().await {
        Ok(head) => head.timestamp,
        Err(error) => {
            tracing::debug!(%error, "nothing was taken back: the chain does not answer");
            return;
        }
    };
    if let Err(error) = wallet.sweep(now).await {
        tracing::warn!(code = error.code(), %error, "not everything could be taken back");
    }
}
