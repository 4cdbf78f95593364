//! The ways out of a batch-settlement channel: asking its seller for a refund, or giving notice on
//! chain and withdrawing after the channel's delay.

use std::fmt;

use agent_core::{
    json::Metadata,
    ledger::PaymentId,
    money::BaseUnits,
    voucher::ChannelId,
    x402::{
        Mode, PaymentPayload, PaymentRequirements, ResourceInfo, VoucherText,
        batch::{BatchDomain, BatchPayload, deposit_nonce},
    },
};

use super::{
    account::{BatchAccount, BatchState},
    hex_salt,
    live::LiveChannel,
    plan::absorb,
    rows::save,
};
use crate::wallet::{
    Wallet, book::Book, chain_port::ChannelOnChain, envelope::Envelope, error::WalletError,
};

/// A request for what is left of a channel, to be sent as a payment is. Nothing else is paid over
/// the channel while it lives.
#[must_use = "nothing happens until it is sent"]
pub struct Refund {
    /// What to send.
    pub payload: PaymentPayload,
    /// The channel.
    pub channel_id: ChannelId,
    _live: LiveChannel,
}

/// Without the payload, as for a payment.
impl fmt::Debug for Refund {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refund")
            .field("channel_id", &self.channel_id)
            .finish_non_exhaustive()
    }
}

impl Wallet {
    /// A signed request for all that is left of a channel: a voucher over what was charged, and
    /// nothing more, so it costs nothing whatever becomes of it. Tell [`Wallet::refresh_batches`]
    /// afterwards to look; the seller's word is not taken for it.
    ///
    /// # Errors
    /// [`WalletError::UnknownChannel`], [`WalletError::NoRoom`] while a call is in flight on it, or
    /// the store's.
    pub async fn refund(
        &self,
        channel_id: ChannelId,
        entry: &PaymentRequirements,
        resource: &ResourceInfo,
        extensions: &Metadata,
        id: &PaymentId,
    ) -> Result<Refund, WalletError> {
        let unknown = WalletError::UnknownChannel(channel_id);
        let account = self.batch_channel(channel_id).await?.ok_or(unknown)?;
        let nothing = BaseUnits::ZERO;
        let live = self.0.live.take(channel_id);
        let live = live.ok_or(WalletError::NoRoom { need: nothing })?;
        let domain = BatchDomain::new(self.network());
        let digest = domain.voucher_digest(channel_id, account.charged);
        let payload = BatchPayload::Refund {
            channel_config: account.config,
            voucher: VoucherText {
                channel_id,
                max_claimable_amount: account.charged,
                signature: self.0.config.key.sign(digest).to_string(),
            },
            amount: None,
        };
        let envelope = Envelope {
            entry,
            resource,
            extensions,
        };
        Ok(Refund {
            payload: envelope.around(Mode::X, id, &payload)?,
            channel_id,
            _live: live,
        })
    }

    /// Gives notice on chain that we take out of a channel what is not owed, and signs on it no
    /// more. After the channel's delay [`Wallet::withdraw_due`] takes it.
    ///
    /// # Errors
    /// [`WalletError::UnknownChannel`], [`WalletError::Escrow`] or the store's.
    pub async fn leave(&self, channel_id: ChannelId) -> Result<(), WalletError> {
        let unknown = WalletError::UnknownChannel(channel_id);
        let account = self.batch_channel(channel_id).await?.ok_or(unknown)?;
        let chain = self.observe_batch(&account).await?;
        // First on disk: a crash after the notice must not let the channel be signed on again.
        self.0
            .write(move |tx, book| {
                if let Some(account) = book.batches.get(&channel_id)
                    && account.state == BatchState::Open
                {
                    let next = BatchAccount {
                        state: BatchState::Leaving,
                        ..account.clone()
                    };
                    save(tx, book, next)?;
                }
                Ok(())
            })
            .await?;
        let owed = account.charged.max(chain.claimed);
        let left = chain.balance.minus(owed).unwrap_or(BaseUnits::ZERO);
        if chain.notice_unix_secs == 0 && !left.is_zero() {
            let port = self.chain_port()?;
            port.give_notice(&account.config, left).await?;
            self.observe_batch(&account).await?;
        }
        Ok(())
    }

    /// Gives notice for channels of suspect sellers, and takes out what notice was given of where
    /// the delay is over. Gives the channels from which something came back.
    ///
    /// # Errors
    /// The first [`WalletError`] met; the other channels are tried all the same.
    pub async fn withdraw_due(&self, now_unix_secs: u64) -> Result<Vec<ChannelId>, WalletError> {
        let (mut failed, mut done) = (None, Vec::new());
        let wanted = |account: &BatchAccount| {
            matches!(account.state, BatchState::Suspect | BatchState::Leaving)
        };
        for account in self.batches(wanted).await? {
            match self.withdraw_one(&account, now_unix_secs).await {
                Ok(true) => done.push(account.id),
                Ok(false) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(done), Err)
    }

    async fn withdraw_one(&self, account: &BatchAccount, now: u64) -> Result<bool, WalletError> {
        if account.notice_unix_secs == 0 {
            self.leave(account.id).await?;
            return Ok(false);
        }
        let due = account
            .notice_unix_secs
            .saturating_add(account.config.withdraw_delay);
        if due >= now {
            return Ok(false);
        }
        self.chain_port()?.withdraw(&account.config).await?;
        self.observe_batch(account).await?;
        Ok(true)
    }

    /// Takes over what the chain says of every batch-settlement channel that is not over: deposits,
    /// claims, refunds, notices.
    ///
    /// # Errors
    /// [`WalletError::Escrow`] or the store's; channels looked at before the error are up to date.
    pub async fn refresh_batches(&self) -> Result<(), WalletError> {
        for account in self.batches(|_| true).await? {
            self.observe_batch(&account).await?;
        }
        Ok(())
    }

    async fn observe_batch(&self, account: &BatchAccount) -> Result<ChannelOnChain, WalletError> {
        let (id, config) = (account.id, account.config);
        let deposit = account.deposit;
        let nonce = deposit.map(|deposit| deposit_nonce(id, hex_salt(deposit.salt)));
        let chain = self.chain_port()?.channel(&config, id, nonce).await?;
        let now = self.0.clock.now_unix_millis();
        self.0
            .write(move |tx, book| {
                // What was asked about must still be what is under way.
                let same = |known: &BatchAccount| {
                    known.deposit.map(|it| it.salt) == deposit.map(|it| it.salt)
                };
                if book.batches.get(&id).is_some_and(same) {
                    absorb(tx, book, id, config, &chain, now)?;
                }
                Ok(())
            })
            .await?;
        Ok(chain)
    }

    async fn batch_channel(&self, id: ChannelId) -> Result<Option<BatchAccount>, WalletError> {
        let read = self
            .0
            .read(move |_, book| Ok(book.batches.get(&id).cloned()));
        read.await
    }

    async fn batches(
        &self,
        wanted: impl Fn(&BatchAccount) -> bool + Send + 'static,
    ) -> Result<Vec<BatchAccount>, WalletError> {
        let unfinished = move |book: &Book| {
            let open = book.batches.values();
            let open = open.filter(|account| account.state != BatchState::Closed);
            open.filter(|account| wanted(account)).cloned().collect()
        };
        self.0.read(move |_, book| Ok(unfinished(book))).await
    }
}
