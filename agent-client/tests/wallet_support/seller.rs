//! A seller that counts with the core's own rules.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::{
    channel::{Admission, AdmissionRules, Channel, Refusal},
    money::BaseUnits,
    voucher::ChannelId,
    x402::{
        CreditKey, CreditToken, Mode, PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentPayload,
        SCHEME_Z402, Z402Payload,
    },
};

use super::{FakeEscrow, domain, units};

/// The key of every seller's credit tokens.
pub fn credit_key() -> CreditKey {
    CreditKey::new(&[7; 32])
}

/// A seller that counts with the rules of `agent_core::channel` and admits a voucher once.
#[derive(Debug, Default)]
pub struct Seller {
    pub channels: BTreeMap<ChannelId, Channel>,
    ceilings: BTreeSet<(ChannelId, BaseUnits)>,
}

impl Seller {
    pub const RULES: AdmissionRules = AdmissionRules {
        max_in_flight: 64,
        max_unclaimed: BaseUnits::new(u128::MAX),
        deadline_margin_secs: 600,
    };

    /// Reads the payload as a gate does and reserves its maximum.
    pub fn admit(
        &mut self,
        payload: &PaymentPayload,
        chain: &FakeEscrow,
        now: u64,
    ) -> Result<(ChannelId, BaseUnits), Refusal> {
        assert_eq!((payload.x402_version, payload.mode), (2, Mode::Z));
        assert_eq!(payload.accepted.scheme, SCHEME_Z402);
        let parsed = payload
            .payload
            .parse::<Z402Payload>()
            .expect("a z402 payload");
        let (lock, voucher) = match parsed {
            Z402Payload::Voucher { lock, voucher } => (lock, voucher),
            Z402Payload::Credit(token) => return self.admit_credit(payload, &token, now),
            _ => panic!("a voucher or credit"),
        };
        let id: PaymentIdentifier = payload
            .extensions
            .parse(PAYMENT_IDENTIFIER)
            .expect("JSON")
            .expect("an id");
        assert!(id.info.id.is_some());
        let voucher = voucher
            .receive()
            .expect("canonical")
            .check(&domain(), &lock);
        let voucher = voucher.expect("signed by the lock's signer");
        let max = payload.accepted.amount;
        let channel_id = voucher.channel_id();
        let state = chain.state(channel_id);
        let channel = self
            .channels
            .entry(channel_id)
            .or_insert_with(|| Channel::opened(state));
        let seen = channel.chain_says(state).expect("sound");
        let wanted = Admission {
            max,
            ceiling: voucher.ceiling(),
            now_unix_secs: now,
        };
        let next = seen.admit(wanted, &Self::RULES)?;
        if !self.ceilings.insert((channel_id, voucher.ceiling())) {
            return Err(Refusal::VoucherReused);
        }
        *channel = next.checked().expect("sound");
        Ok((channel_id, max))
    }

    fn admit_credit(
        &mut self,
        payload: &PaymentPayload,
        token: &CreditToken,
        now: u64,
    ) -> Result<(ChannelId, BaseUnits), Refusal> {
        credit_key().check(token, now).expect("a token of ours");
        let (id, max) = (token.channel_id, payload.accepted.amount);
        let channel = self.channels.get_mut(&id).expect("known");
        channel.has_credit(max, token.ceiling)?;
        let wanted = Admission {
            max,
            ceiling: units(0),
            now_unix_secs: now,
        };
        *channel = channel.admit(wanted, &Self::RULES)?;
        Ok((id, max))
    }

    /// What a receipt says that the channel has left, if it has.
    pub fn credit(&self, id: ChannelId, expires: u64) -> Option<CreditToken> {
        let channel = self.channels.get(&id).expect("known");
        let some = !channel.slack().is_zero();
        some.then(|| credit_key().issue(id, channel.signed, expires))
    }

    pub fn post(&mut self, id: ChannelId, max: BaseUnits, actual: BaseUnits) {
        let channel = self.channels.get_mut(&id).expect("known");
        *channel = channel.post(max, actual).expect("sound");
    }

    pub fn void(&mut self, id: ChannelId, max: BaseUnits) {
        let channel = self.channels.get_mut(&id).expect("known");
        *channel = channel.void(max).expect("sound");
    }
}
