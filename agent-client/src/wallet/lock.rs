//! Opening locks and topping them up: stored first, then sent, counted when the receipt is there.

use std::sync::{Arc, PoisonError};

use agent_core::{
    money::{Asset, AssetId, BaseUnits},
    policy::PolicyRefusal,
    voucher::{ChannelId, Lock, Salt},
    x402::PaymentTerms,
};
use alloy_primitives::{Address, B256, Uint};

use super::{
    Door, Wallet,
    account::Account,
    book::Book,
    error::WalletError,
    escrow::{EscrowError, Intent, OpenedLock},
    limits::{LOCK_USABLE_SECS, OPENING_GRACE_SECS, ROOM_ROUNDS_MAX},
    opening::{Draft, Plan, gave_up, opened_now, plan},
    pay::margin,
    terms,
};

impl Wallet {
    /// Sees to it that a lock for these terms has room for a payment of `need` base units and time
    /// enough: by doing nothing, topping one up, or opening one. Returns when its receipt shows
    /// success.
    ///
    /// One caller at a time does this for a payee; the others wait and find it done. The opening is
    /// stored before it is sent: after a crash, or an error here, the next call sends the very same
    /// one again instead of another.
    ///
    /// # Errors
    /// [`WalletError::Policy`], [`WalletError::Terms`], [`WalletError::Suspect`],
    /// [`WalletError::Escrow`], or the store's.
    pub async fn ensure_channel(
        &self,
        terms: &PaymentTerms,
        need: BaseUnits,
    ) -> Result<ChannelId, WalletError> {
        let config = &self.0.config;
        let asset = terms::vet(terms, &config.escrow, &config.assets)?;
        terms::something(need)?;
        let door = self.door(terms.pay_to, terms.asset.address);
        let _alone = door.lock().await;
        for _ in 0..ROOM_ROUNDS_MAX {
            let (draft, policy) = (self.draft(terms, asset.id(), need), self.policy());
            let planned = self
                .0
                .write(move |tx, book| plan(tx, book, &draft, &policy))
                .await?;
            match planned {
                Plan::Ready(id) => return Ok(id),
                Plan::Send(intent) => self.send(intent, asset).await?,
            }
        }
        Err(WalletError::NoRoom { need })
    }

    /// Sends again what was stored but not seen to succeed, for all payees; for program start.
    ///
    /// # Errors
    /// The first [`WalletError`] met; the other openings are tried all the same.
    pub async fn resume_openings(&self) -> Result<(), WalletError> {
        if self.policy().killed {
            return Err(PolicyRefusal::Killed.into());
        }
        self.resume(|_| true).await
    }

    pub(super) async fn resume(&self, wanted: impl Fn(&Intent) -> bool) -> Result<(), WalletError> {
        let mut outcome = Ok(());
        for intent in self.pending().await?.into_iter().filter(wanted) {
            let door = self.door(intent.lock.payee, intent.lock.token);
            let _alone = door.lock().await;
            let id = AssetId {
                network: self.network(),
                address: intent.lock.token,
            };
            // Another caller may have finished it while we waited at the door.
            if let Some(asset) = self.0.config.assets.by_id(id)
                && self.pending().await?.contains(&intent)
            {
                outcome = outcome.and(self.send(intent, asset).await);
            }
        }
        outcome
    }

    async fn pending(&self) -> Result<Vec<Intent>, WalletError> {
        let pending = |book: &Book| {
            let openings = book.openings.values().filter(|opening| opening.pending);
            openings.map(|opening| opening.intent).collect()
        };
        self.0.read(move |_, book| Ok(pending(book))).await
    }

    pub(super) fn door(&self, payee: Address, token: Address) -> Door {
        let mut doors = self.0.doors.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(doors.entry((payee, token)).or_default())
    }

    async fn send(&self, intent: Intent, asset: &Asset) -> Result<(), WalletError> {
        let config = &self.0.config;
        let expired = intent.valid_before.saturating_add(OPENING_GRACE_SECS);
        let sent = if self.0.clock.now_unix_secs() > expired {
            self.look_for(intent).await
        } else {
            self.0
                .escrow_port
                .open(intent.sign(&config.key, &config.escrow, asset))
                .await
        };
        match sent {
            Ok(opened) => {
                self.0
                    .write(move |tx, book| opened_now(tx, book, intent, opened))
                    .await
            }
            Err(error @ (EscrowError::Refused(_) | EscrowError::NeverSent(_))) => {
                // What was never sent cannot be sent by others either.
                let seen = matches!(error, EscrowError::Refused(_));
                self.0
                    .write(move |tx, book| gave_up(tx, book, intent, seen))
                    .await?;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// An opening whose signature has expired: the chain alone can say whether it happened.
    async fn look_for(&self, intent: Intent) -> Result<OpenedLock, EscrowError> {
        let id = intent.channel_id;
        let before = self
            .0
            .read(move |_, book| Ok(book.accounts.get(&id).map(Account::authorized)))
            .await
            .map_err(|error| EscrowError::Unavailable(error.to_string()))?
            .unwrap_or(BaseUnits::ZERO);
        let found = self.0.escrow_port.state_of(id).await?;
        match before.plus(intent.amount) {
            Ok(expected) if found.authorized >= expected => Ok(OpenedLock { transaction: None }),
            // Nobody can send it any more.
            _ => Err(EscrowError::NeverSent(
                "the opening expired before it was mined".to_owned(),
            )),
        }
    }

    fn draft(&self, terms: &PaymentTerms, asset: AssetId, need: BaseUnits) -> Draft {
        let (config, clock) = (&self.0.config, &self.0.clock);
        let margin_secs = margin(terms);
        let [salt, nonce_salt] = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
        let payer = self.payer();
        let (low, _) = salt.as_bytes().split_at(12);
        let lock = Lock {
            payer,
            signer: payer,
            payee: terms.pay_to,
            token: asset.address,
            salt: Salt(Uint::try_from_be_slice(low).unwrap_or_default()),
        };
        Draft {
            lock,
            asset,
            escrow: config.escrow,
            need,
            size: config.lock_size,
            lock_secs: config
                .lock_secs
                .max(margin_secs.saturating_add(LOCK_USABLE_SECS)),
            margin_secs,
            now_ms: clock.now_unix_millis(),
            salt: B256::left_padding_from(nonce_salt.as_bytes()),
        }
    }
}
