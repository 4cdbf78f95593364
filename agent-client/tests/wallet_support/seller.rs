//! A seller that counts with the core's own rules.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::{
    channel::{Admission, AdmissionRules, Channel, Refusal},
    money::BaseUnits,
    voucher::ChannelId,
    x402::{Mode, PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentPayload, SCHEME_Z402, Z402Payload},
};

use super::{FakeEscrow, domain};

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
        let Z402Payload::Voucher { lock, voucher } = parsed else {
            panic!("a voucher")
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

    pub fn post(&mut self, id: ChannelId, max: BaseUnits, actual: BaseUnits) {
        let channel = self.channels.get_mut(&id).expect("known");
        *channel = channel.post(max, actual).expect("sound");
    }

    pub fn void(&mut self, id: ChannelId, max: BaseUnits) {
        let channel = self.channels.get_mut(&id).expect("known");
        *channel = channel.void(max).expect("sound");
    }
}
