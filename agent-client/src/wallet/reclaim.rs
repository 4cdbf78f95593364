//! What comes back: looking at our locks on chain, and releasing those that are over.

use agent_core::{channel::LockState, money::BaseUnits, voucher::ChannelId};

use super::{
    Wallet,
    account::{Account, ChannelState},
    book::{Book, save},
    error::WalletError,
    escrow::Intent,
    limits::OPENING_GRACE_SECS,
};

/// One lock that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reclaimed {
    /// The channel.
    pub channel_id: ChannelId,
    /// What came back from it in all, in base units.
    pub returned: BaseUnits,
    /// What its payee claimed in all, in base units.
    pub claimed: BaseUnits,
}

impl Wallet {
    /// Takes over what the chain says of every lock that is not over: what was claimed, and what
    /// the payee released early. A payee that claimed more than its receipts charged (and payments
    /// without an answer explain) is suspect from then on.
    ///
    /// # Errors
    /// [`WalletError::Escrow`] or the store's; locks looked at before the error are up to date.
    pub async fn refresh(&self) -> Result<(), WalletError> {
        for account in self.unfinished(|_| true).await? {
            self.observe(&account).await?;
        }
        Ok(())
    }

    /// Everything that gets money back or frees what is counted, in one go: locks past their
    /// deadlines, withdrawals that are due, transfers that expired unused. `now_unix_secs` is the
    /// chain's time. For a timer; each part is safe to do again.
    ///
    /// # Errors
    /// The first [`WalletError`] met; the other parts are tried all the same.
    pub async fn sweep(&self, now_unix_secs: u64) -> Result<(), WalletError> {
        let locks = self.reclaim(now_unix_secs).await.map(drop);
        if self.0.config.chain_port.is_none() {
            return locks;
        }
        let channels = self.withdraw_due(now_unix_secs).await.map(drop);
        let transfers = self.resolve_transfers(now_unix_secs).await.map(drop);
        locks.and(channels).and(transfers)
    }

    /// Releases every lock whose deadline is before `now_unix_secs`, and records what came back.
    /// Safe to call again at any time, also after a crash half way.
    ///
    /// # Errors
    /// The first [`WalletError`] met; the other locks are tried all the same, and found done by the
    /// next call.
    pub async fn reclaim(&self, now_unix_secs: u64) -> Result<Vec<Reclaimed>, WalletError> {
        // Only what can no longer be sent is looked for: reclaiming must not open anything.
        let expired = |intent: &Intent| {
            intent.valid_before.saturating_add(OPENING_GRACE_SECS) < now_unix_secs
        };
        let mut failed = self.resume(expired).await.err();
        let mut done = Vec::new();
        let over = move |account: &Account| {
            account.state != ChannelState::Opening && account.deadline_unix_secs < now_unix_secs
        };
        for account in self.unfinished(over).await? {
            match self.reclaim_one(&account, now_unix_secs).await {
                Ok(Some(reclaimed)) => done.push(reclaimed),
                Ok(None) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(done), Err)
    }

    async fn reclaim_one(
        &self,
        account: &Account,
        now_unix_secs: u64,
    ) -> Result<Option<Reclaimed>, WalletError> {
        let door = self.door(account.lock.payee, account.lock.token);
        let _alone = door.lock().await;
        let chain = self.observe(account).await?;
        let over = chain.deadline_unix_secs < now_unix_secs;
        if over && chain.authorized > chain.claimed {
            self.0.escrow_port.release(account.lock).await?;
            self.observe(account).await?;
        }
        let id = account.id;
        let account = self
            .0
            .read(move |_, book| Ok(book.accounts.get(&id).cloned()))
            .await?;
        let over = account.filter(|account| account.state == ChannelState::Released);
        Ok(over.map(
            |Account {
                 id: channel_id,
                 returned,
                 claimed,
                 ..
             }| Reclaimed {
                channel_id,
                returned,
                claimed,
            },
        ))
    }

    async fn observe(&self, account: &Account) -> Result<LockState, WalletError> {
        let id = account.id;
        let chain = self.0.escrow_port.state_of(id).await?;
        self.0
            .write(move |tx, book| {
                // An opening that is under way will count itself; counting it here too would
                // count it twice.
                if let Some(account) = book.accounts.get(&id)
                    && !is_opening(book, id)
                {
                    let next = account.observed(chain).unwrap_or_else(|broken| {
                        account.suspected(&format!("what the chain says does not add up: {broken}"))
                    });
                    if next != *account {
                        save(tx, book, next)?;
                    }
                }
                Ok(())
            })
            .await?;
        Ok(chain)
    }

    async fn unfinished(
        &self,
        wanted: impl Fn(&Account) -> bool + Send + 'static,
    ) -> Result<Vec<Account>, WalletError> {
        let unfinished = move |book: &Book| {
            let accounts = book.accounts.values();
            let open = accounts.filter(|account| account.state != ChannelState::Released);
            open.filter(|account| wanted(account)).cloned().collect()
        };
        self.0.read(move |_, book| Ok(unfinished(book))).await
    }
}

fn is_opening(book: &Book, id: ChannelId) -> bool {
    book.openings
        .values()
        .any(|opening| opening.pending && opening.intent.channel_id == id)
}
