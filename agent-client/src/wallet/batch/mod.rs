//! Paying with x402's `batch-settlement`: channels that stock sellers take.
//!
//! ```text
//! choose a channel ─▶ (ask the chain) ─▶ policy ─▶ commit ─▶ sign ─▶ send
//!                                                                     │
//!   adopt the seller's count, once ◀── 402 with a correction ◀────────┤
//!   suspect, withdraw             ◀── a receipt that lies ◀───────────┤
//!   post                          ◀── a receipt that adds up ◀────────┘
//! ```
//!
//! Money gets into a channel by a deposit that rides on the first payment: the seller, or its
//! facilitator, submits it. The books count it when the chain shows it, and as locked from the
//! moment it is signed until it can no longer happen.
//!
//! A lost answer leaves the seller's count unknown. The next payment goes on from ours; a seller
//! that charged the lost one corrects us, and is believed as far as the payments in our books can
//! explain its count and a voucher of ours proves it.

mod account;
mod correct;
mod leave;
mod live;
mod plan;
mod rows;
mod settle;

pub use account::{BatchAccount, BatchState, PendingDeposit};
pub use correct::{BatchCorrected, BatchCorrectionError};
pub use leave::Refund;
pub(super) use live::{Live, LiveChannel};
pub(super) use rows::{read, save};
pub(super) use settle::{end, settle};

use std::sync::Arc;

use agent_core::{
    money::Asset,
    x402::{
        HexSalt, Mode, PaymentPayload, TokenDomain, Uint256, VoucherText,
        batch::{
            BatchDomain, BatchPayload, BatchTerms, Deposit, DepositAuthorization, Erc3009Deposit,
            deposit_nonce,
        },
    },
};
use alloy_primitives::{B256, U256};

use super::{
    Wallet,
    envelope::Envelope,
    error::{TermsRefusal, WalletError},
    limits::{OPENING_VALID_SECS, ROOM_ROUNDS_MAX},
    pay::{Hold, OfferRequest, Payment},
    reserve::Want,
    scheme::Scheme,
};
use plan::{BatchGranted, BatchPlan, BatchWant, absorb, plan};

impl Wallet {
    /// All batch-settlement channels, those that are over included.
    ///
    /// # Errors
    /// The store's.
    pub async fn batch_channels(&self) -> Result<Vec<BatchAccount>, WalletError> {
        let read = self
            .0
            .read(|_, book| Ok(book.batches.values().cloned().collect()));
        read.await
    }

    pub(super) async fn pay_batch(
        &self,
        request: &OfferRequest<'_>,
        terms: &BatchTerms,
        want: Want,
    ) -> Result<Payment, WalletError> {
        let config = &self.0.config;
        let asset = config.assets.by_id(terms.evm.token);
        let asset = asset.ok_or(TermsRefusal::Asset)?;
        let side_by_side = config.batch_channels_max;
        let slot = self
            .0
            .batch_slots
            .take(want.payee, side_by_side, config.slot_wait)
            .await?;
        let (id, max) = (want.id.clone(), want.max);
        let granted = self.grant_batch(terms, want).await?;
        let envelope = Envelope {
            entry: request.offer.requirements(),
            resource: request.resource,
            extensions: request.extensions,
        };
        let payload = self.batch_payload(&granted, terms, asset, envelope, &id)?;
        Ok(Payment {
            id,
            scheme: Scheme::BatchSettlement,
            payload,
            max,
            channel_id: granted.id,
            ceiling: granted.ceiling,
            _hold: Hold::channel(slot, granted.live),
        })
    }

    /// Commits the payment, asking the chain about channels as often as that is needed.
    async fn grant_batch(
        &self,
        terms: &BatchTerms,
        want: Want,
    ) -> Result<BatchGranted, WalletError> {
        let (config, clock) = (&self.0.config, &self.0.clock);
        let need = want.max;
        let salt = uuid::Uuid::new_v4();
        let valid = terms.evm.max_timeout_secs.clamp(60, OPENING_VALID_SECS);
        let wanted = Arc::new(BatchWant {
            want,
            terms: terms.clone(),
            domain: BatchDomain::new(self.network()),
            payer: self.payer(),
            size: config.lock_size,
            channels_max: config.batch_channels_max,
            deposit_salt: B256::left_padding_from(salt.as_bytes()),
            deposit_until: clock.now_unix_secs().saturating_add(valid),
        });
        let mut looked = Vec::new();
        for _ in 0..ROOM_ROUNDS_MAX {
            let (job_wanted, policy, seen) = (Arc::clone(&wanted), self.policy(), looked.clone());
            let (live, now) = (self.0.live.clone(), clock.now_unix_millis());
            let planned = self
                .0
                .write(move |tx, book| plan(tx, book, &live, &job_wanted, &seen, &policy, now))
                .await?;
            let (channel, deposit) = match planned {
                BatchPlan::Granted(granted) => return Ok(*granted),
                BatchPlan::Look(channel, deposit) => (*channel, deposit),
            };
            let id = channel.id(&wanted.domain);
            let nonce = deposit.map(|deposit| deposit_nonce(id, hex_salt(deposit.salt)));
            let chain = self.chain_port()?.channel(&channel, id, nonce).await?;
            self.0
                .write(move |tx, book| absorb(tx, book, id, channel, &chain, now))
                .await?;
            looked.push(id);
        }
        Err(WalletError::NoRoom { need })
    }

    fn batch_payload(
        &self,
        granted: &BatchGranted,
        terms: &BatchTerms,
        asset: &Asset,
        envelope: Envelope<'_>,
        id: &agent_core::ledger::PaymentId,
    ) -> Result<PaymentPayload, WalletError> {
        let key = &self.0.config.key;
        let digest = terms.domain().voucher_digest(granted.id, granted.ceiling);
        let voucher = VoucherText {
            channel_id: granted.id,
            max_claimable_amount: granted.ceiling,
            signature: key.sign(digest).to_string(),
        };
        let channel_config = granted.config;
        let payload = match granted.deposit {
            None => BatchPayload::Voucher {
                channel_config,
                voucher,
            },
            Some(coming) => {
                let mut deposit = Erc3009Deposit {
                    valid_after: Uint256::of(0),
                    valid_before: Uint256::of(coming.valid_before),
                    salt: hex_salt(coming.salt),
                    signature: String::new(),
                };
                let signed = deposit.authorization(self.payer(), coming.amount, granted.id);
                let digest = signed.receive_digest(&TokenDomain::of(asset));
                deposit.signature = key.sign(digest).to_string();
                BatchPayload::Deposit {
                    channel_config,
                    voucher,
                    deposit: Box::new(Deposit {
                        amount: coming.amount,
                        authorization: DepositAuthorization::Erc3009Authorization(deposit),
                    }),
                }
            }
        };
        Ok(envelope.around(Mode::X, id, &payload)?)
    }
}

pub(super) fn hex_salt(salt: B256) -> HexSalt {
    HexSalt(U256::from_be_bytes(salt.0))
}
