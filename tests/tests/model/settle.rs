//! Claims: what the books say is claimable, sent as a batch.

use crate::chain::Net;
use crate::seller::Seller;
use agent_core::ledger::Ledger;
use agent_server::settle::pack;

impl Seller {
    /// Claims everything that can be claimed, and waits until that is final.
    pub(crate) async fn settle(&self, net: &Net) {
        let claims = self.store.claims(250).await.unwrap();
        if !claims.is_empty() {
            net.settle(self.address(), pack(&claims));
        }
    }

    /// Claims what would be too late after so many seconds, as a settler with a margin does.
    pub(crate) async fn settle_before(&self, net: &Net, secs: u64) {
        let claims = self.store.claims(250).await.unwrap();
        let until = net.now().saturating_add(secs);
        if claims.iter().any(|claim| claim.deadline_unix_secs <= until) {
            self.settle(net).await;
            net.mine(crate::chain::FINAL_DEPTH);
        }
    }
}
