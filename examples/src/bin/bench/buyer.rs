//! A buyer that signs beforehand, in every scheme.

use crate::counter::PRICE;
use crate::paid::{key, lock, payer};
use crate::serving::call;
use crate::unpaid::IN_FLIGHT_MOST;
use crate::{Result, paid};
use agent_client::settings::ChainSettings;
use agent_client::wallet::PayerKey;
use agent_core::json::Json;
use agent_core::money::BaseUnits;
use agent_core::voucher::{Domains, Lock};
use agent_core::x402::batch::{BatchPayload, ChannelConfig, SCHEME_BATCH_SETTLEMENT};
use agent_core::x402::{
    BatchOffer, CreditKey, Eip3009Payment, ExactPayload, Mode, PaymentTerms, SCHEME_EXACT,
    TokenDomain, TransferAuthorization, Uint256, VoucherText, Z402Payload,
};
use alloy_primitives::B256;

/// Calls under one signature, when credit pays for the others.
const CALLS_PER_SIGNATURE: u32 = 16;
/// So many signatures ahead the buyer is, so that no call overtakes the voucher that it stands on.
const AHEAD: u32 = 16;

/// Requests, in the order of each connection if there is more than one line, else in any.
pub(crate) type Lines = Vec<Vec<Vec<u8>>>;

/// How a call is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Unpaid,
    Voucher,
    Credit,
    Batch,
    Exact,
}

impl Way {
    pub(crate) const ALL: [Self; 5] = [
        Self::Unpaid,
        Self::Voucher,
        Self::Credit,
        Self::Batch,
        Self::Exact,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unpaid => "unpaid",
            Self::Voucher => "z402, a signature per call",
            Self::Credit => "z402, a signature per 16 calls",
            Self::Batch => "batch-settlement",
            Self::Exact => "exact",
        }
    }
}

/// The buyer, and what it has signed.
pub(crate) struct Buyer {
    key: PayerKey,
    terms: PaymentTerms,
    domains: Domains,
    credit: CreditKey,
    pub(crate) lock: Lock,
    /// Payments so far, in every scheme; names them.
    pub(crate) payments: u64,
    /// The lock's: what was paid with, and what was signed.
    used: u128,
    signed: u128,
    /// Of each channel, what was paid with.
    channels: Vec<(ChannelConfig, u128)>,
}

impl Buyer {
    pub(crate) fn new(
        terms: PaymentTerms,
        settings: &ChainSettings,
        credit: CreditKey,
    ) -> Result<Self> {
        let channel = |(salt, offer): (usize, BatchOffer)| -> Result<_> {
            let config = ChannelConfig {
                payer: payer()?.address(),
                payer_authorizer: payer()?.address(),
                receiver: terms.pay_to,
                receiver_authorizer: offer.receiver_authorizer,
                token: terms.asset.address,
                withdraw_delay: offer.withdraw_delay,
                salt: B256::with_last_byte(u8::try_from(salt)?),
            };
            Ok((config, 0))
        };
        let channels = (0..IN_FLIGHT_MOST).filter_map(|salt| Some((salt, terms.batch?)));
        Ok(Self {
            key: key(paid::PAYER)?,
            domains: Domains::new(settings.domain()),
            credit,
            lock: lock(settings, terms.pay_to, 1)?,
            channels: channels.map(channel).collect::<Result<_>>()?,
            terms,
            payments: 0,
            used: 0,
            signed: 0,
        })
    }

    pub(crate) fn channels(&self) -> impl Iterator<Item = ChannelConfig> {
        self.channels.iter().map(|(channel, _)| *channel)
    }

    /// Calls that are paid for like this.
    pub(crate) fn calls(&mut self, way: Way, count: u32, in_flight: usize) -> Result<Lines> {
        match way {
            Way::Unpaid => Ok(vec![
                (0..count).map(|n| call("free", n.into(), None)).collect(),
            ]),
            Way::Voucher => {
                let calls = (0..count).map(|_| {
                    self.signed = self.signed.max(self.used).saturating_add(PRICE);
                    self.used = self.signed;
                    self.voucher(self.signed)
                });
                Ok(vec![calls.collect::<Result<_>>()?])
            }
            Way::Credit => self.by_credit(count),
            Way::Batch => self.by_channel(count, in_flight),
            Way::Exact => {
                let calls = (0..count).map(|_| self.transfer());
                Ok(vec![calls.collect::<Result<_>>()?])
            }
        }
    }

    /// What the buyer signs ahead before the first call that credit pays for.
    pub(crate) fn head_start(&mut self) -> Result<Vec<u8>> {
        let each = PRICE.saturating_mul(CALLS_PER_SIGNATURE.into());
        self.signed = self.used.saturating_add(each.saturating_mul(AHEAD.into()));
        self.used = self.used.saturating_add(PRICE);
        self.voucher(self.signed)
    }

    /// One voucher for sixteen calls, fifteen of which bring the token of an earlier receipt. The
    /// tokens are issued here, with the seller's key: requests are written before the clock starts.
    fn by_credit(&mut self, count: u32) -> Result<Lines> {
        let each = PRICE.saturating_mul(CALLS_PER_SIGNATURE.into());
        let (mut calls, mut known) = (Vec::new(), self.signed);
        let id = self.lock.id(&self.domains.escrow);
        for number in 0..count {
            self.used = self.used.saturating_add(PRICE);
            if number % CALLS_PER_SIGNATURE == 0 {
                // What the call before the last voucher had a receipt for.
                known = self.signed;
                self.signed = self.signed.saturating_add(each);
                calls.push(self.voucher(self.signed)?);
                continue;
            }
            // An hour's token; a run takes minutes.
            let expires = u64::MAX;
            let token = self.credit.issue(id, BaseUnits::new(known), expires);
            calls.push(self.pay(None, &Z402Payload::Credit(token))?);
        }
        Ok(vec![calls])
    }

    fn voucher(&mut self, ceiling: u128) -> Result<Vec<u8>> {
        let (domain, lock) = (&self.domains.escrow, self.lock);
        let (channel_id, ceiling) = (lock.id(domain), BaseUnits::new(ceiling));
        let signature = self.key.sign(domain.voucher_digest(channel_id, ceiling));
        let voucher = VoucherText {
            channel_id,
            max_claimable_amount: ceiling,
            signature: signature.to_string(),
        };
        self.pay(None, &Z402Payload::Voucher { lock, voucher })
    }

    /// A channel for each connection, because one pays for one call at a time.
    fn by_channel(&mut self, count: u32, in_flight: usize) -> Result<Lines> {
        let mut lines = vec![Vec::new(); in_flight];
        for number in 0..count {
            let at = usize::try_from(number)? % in_flight;
            let (channel, used) = self.channels.get_mut(at).ok_or("too few channels")?;
            *used = used.saturating_add(PRICE);
            let (channel, ceiling) = (*channel, BaseUnits::new(*used));
            let domain = &self.domains.batch;
            let channel_id = channel.id(domain);
            let signature = self.key.sign(domain.voucher_digest(channel_id, ceiling));
            let payload = BatchPayload::Voucher {
                channel_config: channel,
                voucher: VoucherText {
                    channel_id,
                    max_claimable_amount: ceiling,
                    signature: signature.to_string(),
                },
            };
            let paid = self.pay(Some(SCHEME_BATCH_SETTLEMENT), &payload)?;
            lines.get_mut(at).ok_or("too few connections")?.push(paid);
        }
        Ok(lines)
    }

    fn transfer(&mut self) -> Result<Vec<u8>> {
        let authorization = TransferAuthorization {
            from: self.key.address(),
            to: self.terms.pay_to,
            value: BaseUnits::new(PRICE),
            valid_after: Uint256::default(),
            valid_before: Uint256::of(u32::MAX.into()),
            nonce: B256::left_padding_from(&self.payments.to_be_bytes()),
        };
        let digest = authorization.transfer_digest(&TokenDomain::of(&self.terms.asset));
        let paid = Eip3009Payment::signed(authorization, self.key.sign(digest));
        self.pay(Some(SCHEME_EXACT), &ExactPayload::Eip3009(paid))
    }

    /// A call that brings this payment; of z402 if no scheme is named.
    fn pay<T: serde::Serialize>(&mut self, scheme: Option<&str>, payload: &T) -> Result<Vec<u8>> {
        let price = BaseUnits::new(PRICE);
        let (mode, accepted) = match scheme {
            None => (Mode::Z, Some(self.terms.requirements(price)?)),
            Some(scheme) => (Mode::X, self.terms.requirements_of(scheme, price)?),
        };
        self.payments = self.payments.saturating_add(1);
        let id = format!("bench-payment-{:0>16}", self.payments);
        let accepted = accepted.ok_or("not offered")?;
        let payment = paid::payment(mode, accepted, Json::from_value(payload)?, id)?;
        Ok(call("paid", self.payments, Some(&payment)))
    }
}
