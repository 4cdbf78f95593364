//! One payment: decided, counted and committed, then signed.

use std::{fmt, sync::Arc};

use agent_core::{
    json::{Json, Metadata},
    ledger::PaymentId,
    money::{AssetId, BaseUnits},
    policy::PolicyRefusal,
    untrusted::shorten,
    voucher::ChannelId,
    x402::{
        Mode, PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentPayload, PaymentTerms, ResourceInfo,
        VoucherText, X402_VERSION, Z402Payload,
    },
};

use super::{
    Wallet,
    approve::{self, ApprovalRequest, Decision},
    error::WalletError,
    limits::{CLOCK_SLACK_SECS, ROOM_ROUNDS_MAX},
    reserve::{Granted, Want, reserve},
    slots::Slot,
    terms,
};

/// A payment that somebody wants to make.
#[derive(Debug, Clone, Copy)]
pub struct PayRequest<'a> {
    /// The seller's terms, from its card or its answer 402.
    pub terms: &'a PaymentTerms,
    /// What is bought; for the records.
    pub skill: &'a str,
    /// The most that it may cost, in base units of the terms' asset.
    pub max: BaseUnits,
    /// What the seller offered beforehand, if it did: a maximum above it is refused as drift.
    pub offered: Option<BaseUnits>,
    /// The address of what is paid for.
    pub resource: &'a str,
}

/// A payment that is counted, committed and signed, ready to be sent once.
///
/// It holds one of the payee's slots: keep it until the answer has come, and then tell the wallet
/// what came of it with [`Wallet::confirm`], [`Wallet::void`] or [`Wallet::mark_unknown`]. One that
/// is dropped without a word stays counted at its maximum.
#[must_use = "the payment is counted as spent whether or not it is sent"]
pub struct Payment {
    /// The idempotency key.
    pub id: PaymentId,
    /// What to send.
    pub payload: PaymentPayload,
    /// The most that may be charged, in base units.
    pub max: BaseUnits,
    /// The channel that pays.
    pub channel_id: ChannelId,
    /// The voucher's cumulative ceiling, in base units.
    pub ceiling: BaseUnits,
    _slot: Slot,
}

/// Without the payload: the signature in it is money to its payee and does not belong in a log.
impl fmt::Debug for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payment")
            .field("id", &self.id)
            .field("max", &self.max)
            .field("channel_id", &self.channel_id)
            .field("ceiling", &self.ceiling)
            .finish_non_exhaustive()
    }
}

impl Wallet {
    /// Pays up to `max`: asks the policy, picks (or opens) a lock with room and time, stores the
    /// payment and the new ceiling in one committed transaction, and only then signs.
    ///
    /// Any number of these may run at once; they share commits, and those beyond the payee's
    /// `max_in_flight` wait in line.
    ///
    /// # Errors
    /// [`WalletError`]. Nothing was signed. After [`WalletError::Store`] with
    /// [`crate::sqlite::SubmitError::Unknown`] the payment may be counted.
    pub async fn pay(&self, request: PayRequest<'_>) -> Result<Payment, WalletError> {
        let terms = request.terms;
        let (config, inner) = (&self.0.config, &self.0);
        let asset = terms::vet(terms, &config.escrow, &config.assets)?;
        terms::something(request.max)?;
        self.approve(&request, asset.id()).await?;
        let slot = inner
            .slots
            .take(terms.pay_to, terms.max_in_flight, config.slot_wait)
            .await?;
        let want = Arc::new(Want {
            id: new_id()?,
            asset: asset.id(),
            payee: terms.pay_to,
            contract: terms.contract,
            skill: shorten(request.skill),
            resource: shorten(request.resource),
            max: request.max,
            offered: request.offered,
            margin_secs: margin(terms),
        });
        let granted = self.grant(terms, &want).await?;
        let payload = self.payload(request, &want.id, granted)?;
        Ok(Payment {
            id: want.id.clone(),
            payload,
            max: want.max,
            channel_id: granted.channel_id,
            ceiling: granted.ceiling,
            _slot: slot,
        })
    }

    /// Gets a person's yes where the policy wants one.
    async fn approve(&self, request: &PayRequest<'_>, asset: AssetId) -> Result<(), WalletError> {
        let policy = self.policy();
        if policy.killed {
            return Err(PolicyRefusal::Killed.into());
        }
        if !policy.asks(request.max) {
            return Ok(());
        }
        let asked = ApprovalRequest::new(
            asset,
            request.terms.pay_to,
            (request.skill, request.resource),
            request.max,
            self.0.clock.now_unix_secs(),
        );
        match approve::decide(&*self.approver(), &asked, self.0.config.approval_wait).await {
            Decision::Approved => Ok(()),
            Decision::Refused => Err(WalletError::NotApproved(Box::new(asked))),
            Decision::Waiting => Err(WalletError::NeedsApproval(Box::new(asked))),
        }
    }

    /// Commits the payment, making room for it as often as others take that room away.
    async fn grant(&self, terms: &PaymentTerms, want: &Arc<Want>) -> Result<Granted, WalletError> {
        for _ in 0..ROOM_ROUNDS_MAX {
            let (shown, want, policy) = (want, Arc::clone(want), self.policy());
            let (need, now) = (want.max, self.0.clock.now_unix_millis());
            let granted = self
                .0
                .write(move |tx, book| reserve(tx, book, &want, &policy, now))
                .await;
            match granted {
                Err(WalletError::NoRoom { .. }) if self.0.config.auto_open => {
                    self.ensure_channel(terms, need).await?;
                }
                ended => {
                    if let Err(WalletError::Policy(PolicyRefusal::Drift)) = &ended {
                        tracing::warn!(
                            code = PolicyRefusal::Drift.code(),
                            payee = %terms.pay_to,
                            skill = %shown.skill,
                            asked_base_units = %shown.max,
                            offered_base_units = ?shown.offered,
                            "a seller asks for more than it offered; nothing was paid"
                        );
                    }
                    return ended;
                }
            }
        }
        Err(WalletError::NoRoom { need: want.max })
    }

    fn payload(
        &self,
        request: PayRequest<'_>,
        id: &PaymentId,
        granted: Granted,
    ) -> Result<PaymentPayload, WalletError> {
        let config = &self.0.config;
        let digest = config
            .escrow
            .voucher_digest(granted.channel_id, granted.ceiling);
        let voucher = VoucherText {
            channel_id: granted.channel_id,
            max_claimable_amount: granted.ceiling,
            signature: config.key.sign(digest).to_string(),
        };
        let mut extensions = Metadata::new();
        extensions.set(
            PAYMENT_IDENTIFIER,
            &PaymentIdentifier::of(id.as_str().to_owned()),
        )?;
        Ok(PaymentPayload {
            x402_version: X402_VERSION,
            mode: Mode::Z,
            resource: Some(ResourceInfo {
                url: request.resource.to_owned(),
                ..ResourceInfo::default()
            }),
            accepted: request.terms.requirements(request.max)?,
            payload: Json::from_value(&Z402Payload::Voucher {
                lock: granted.lock,
                voucher,
            })?,
            extensions,
        })
    }
}

/// How long a lock must still run for a payment under these terms to be admitted.
pub(super) const fn margin(terms: &PaymentTerms) -> u64 {
    terms.min_deadline_seconds.saturating_add(CLOCK_SLACK_SECS)
}

/// Ids that grow with time land side by side in both parties' tables: one page to write, not many.
fn new_id() -> Result<PaymentId, WalletError> {
    let id = uuid::Uuid::now_v7().simple().to_string();
    PaymentId::parse(&id)
        .ok_or_else(|| WalletError::Books("a fresh payment id is malformed".into()))
}
