//! One payment: decided, counted and committed, then signed.

use std::{fmt, sync::Arc};

use alloy_primitives::Address;

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
    batch::LiveChannel,
    credit,
    envelope::with_id,
    error::WalletError,
    limits::{CLOCK_SLACK_SECS, ROOM_ROUNDS_MAX},
    offer::{Kind, Offer},
    reserve::{Granted, Want, reserve},
    scheme::Scheme,
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
    /// How it is made.
    pub scheme: Scheme,
    /// What to send.
    pub payload: PaymentPayload,
    /// The most that may be charged, in base units.
    pub max: BaseUnits,
    /// The lock or channel that pays; for `exact` the nonce of the authorization.
    pub channel_id: ChannelId,
    /// The voucher's cumulative ceiling, in base units, or that of the credit that pays in its place;
    /// for `exact` the amount.
    pub ceiling: BaseUnits,
    pub(super) _hold: Hold,
}

/// What a payment keeps others from while it is in flight.
#[derive(Default)]
pub(super) struct Hold {
    _slot: Option<Slot>,
    _channel: Option<LiveChannel>,
}

impl Hold {
    fn slot(slot: Slot) -> Self {
        Self {
            _slot: Some(slot),
            _channel: None,
        }
    }

    pub(super) fn channel(slot: Slot, channel: LiveChannel) -> Self {
        Self {
            _slot: Some(slot),
            _channel: Some(channel),
        }
    }
}

/// A payment for an offer that was read with [`Wallet::choose`] or [`Wallet::read_offer`].
#[derive(Debug, Clone, Copy)]
pub struct OfferRequest<'a> {
    /// The way to pay.
    pub offer: &'a Offer,
    /// What is bought; for the records.
    pub skill: &'a str,
    /// What the seller offered beforehand, if it did: a price above it is refused as drift.
    pub offered: Option<BaseUnits>,
    /// What is paid for.
    pub resource: &'a ResourceInfo,
    /// The extensions of the seller's offer, which a payment gives back.
    pub extensions: &'a Metadata,
}

/// Without the payload: the signature in it is money to its payee and does not belong in a log.
impl fmt::Debug for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payment")
            .field("id", &self.id)
            .field("scheme", &self.scheme)
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
        let bought = (request.skill, request.resource);
        self.approve(asset.id(), terms.pay_to, bought, request.max)
            .await?;
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
            origin: self.credit_origin(request.resource),
        });
        let granted = self.grant(terms, &want).await?;
        let payload = self.payload(request, &want.id, &granted)?;
        Ok(Payment {
            id: want.id.clone(),
            scheme: Scheme::Z402,
            payload,
            max: want.max,
            channel_id: granted.channel_id,
            ceiling: granted.ceiling,
            _hold: Hold::slot(slot),
        })
    }

    /// Who gets a payment for `resource`, where paying on credit is allowed.
    fn credit_origin(&self, resource: &str) -> Option<String> {
        let bound = self.policy().rules.prepaid_ahead_base_units;
        (!bound.is_zero())
            .then(|| credit::origin(resource))
            .flatten()
    }

    /// Gets a person's yes where the policy wants one.
    async fn approve(
        &self,
        asset: AssetId,
        payee: Address,
        bought: (&str, &str),
        max: BaseUnits,
    ) -> Result<(), WalletError> {
        let policy = self.policy();
        if policy.killed {
            return Err(PolicyRefusal::Killed.into());
        }
        if !policy.asks(max) {
            return Ok(());
        }
        let asked = ApprovalRequest::new(asset, payee, bought, max, self.0.clock.now_unix_secs());
        match approve::decide(&*self.approver(), &asked, self.0.config.approval_wait).await {
            Decision::Approved => Ok(()),
            Decision::Refused => Err(WalletError::NotApproved(Box::new(asked))),
            Decision::Waiting => Err(WalletError::NeedsApproval(Box::new(asked))),
        }
    }

    /// Pays for an offer in its scheme. What holds for [`Wallet::pay`] holds for all of them: the
    /// policy is asked, the payment is committed, and only then something is signed.
    ///
    /// # Errors
    /// [`WalletError`]. Nothing was signed.
    pub async fn pay_offer(&self, request: OfferRequest<'_>) -> Result<Payment, WalletError> {
        let offer = request.offer;
        if !matches!(offer.kind, Kind::Z402(_)) {
            let bought = (request.skill, request.resource.url.as_str());
            self.approve(offer.asset(), offer.pay_to(), bought, offer.amount())
                .await?;
        }
        let want = || -> Result<Want, WalletError> {
            Ok(Want {
                id: new_id()?,
                asset: offer.asset(),
                payee: offer.pay_to(),
                contract: offer.contract(),
                skill: shorten(request.skill),
                resource: shorten(&request.resource.url),
                max: offer.amount(),
                offered: request.offered,
                margin_secs: 0,
                origin: None,
            })
        };
        match &offer.kind {
            Kind::Z402(terms) => {
                let paid = self.pay(PayRequest {
                    terms,
                    skill: request.skill,
                    max: offer.amount(),
                    offered: request.offered,
                    resource: &request.resource.url,
                });
                let mut payment = paid.await?;
                let payload = &mut payment.payload;
                payload.accepted = offer.requirements().clone();
                payload.resource = Some(request.resource.clone());
                payload.extensions = with_id(request.extensions, &payment.id)?;
                Ok(payment)
            }
            Kind::Batch(terms) => self.pay_batch(&request, terms, want()?).await,
            Kind::Exact(terms) => self.pay_exact(&request, *terms, want()?).await,
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
        granted: &Granted,
    ) -> Result<PaymentPayload, WalletError> {
        let config = &self.0.config;
        let paid = match &granted.credit {
            Some(token) => Z402Payload::Credit(token.clone()),
            None => {
                let (channel_id, ceiling) = (granted.channel_id, granted.ceiling);
                let digest = config.escrow.voucher_digest(channel_id, ceiling);
                Z402Payload::Voucher {
                    lock: granted.lock,
                    voucher: VoucherText {
                        channel_id,
                        max_claimable_amount: ceiling,
                        signature: config.key.sign(digest).to_string(),
                    },
                }
            }
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
            payload: Json::from_value(&paid)?,
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
