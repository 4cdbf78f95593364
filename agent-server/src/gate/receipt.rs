//! What a payment came to, in the form of its scheme, whatever carries it.

use super::Gate;
use super::limits::CREDIT_TTL_SECS;
use agent_core::channel::NO_DEADLINE;
use agent_core::json::{Json, Metadata};
use agent_core::ledger::{Reserved, Source};
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, Funding};
use agent_core::x402::batch::{BatchReceipt, ChannelState};
use agent_core::x402::{
    CreditToken, Mode, PaymentStatus, SettleResponse, Uint256, Z402Receipt, keys,
};

/// How a payment ended, or is about to.
#[derive(Debug, Clone, Copy)]
pub enum Charged<'a> {
    /// So much is charged at the end, on top of what was charged in slices.
    Amount(BaseUnits),
    /// The transfer was made, as the facilitator says.
    Settled(&'a SettleResponse),
    /// Nothing more is charged, for this reason: a code and a sentence.
    Nothing(&'static str, &'a str),
}

impl Charged<'_> {
    const fn amount(&self) -> BaseUnits {
        match self {
            Self::Amount(amount) => *amount,
            _ => BaseUnits::ZERO,
        }
    }

    const fn error(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Nothing(code, why) => Some((code, why)),
            _ => None,
        }
    }
}

impl Gate {
    /// The receipt of a reservation that is about to be resolved like this.
    ///
    /// # Errors
    /// None in practice: all of it is plain data.
    pub async fn receipt(
        &self,
        reserved: &Reserved,
        charged: Charged<'_>,
    ) -> Result<SettleResponse, serde_json::Error> {
        if let Charged::Settled(answer) = charged {
            return Ok(answer.clone());
        }
        let total = reserved.charged().plus(charged.amount());
        let total = total.unwrap_or_else(|_| reserved.charged());
        let (mode, payer, extra) = match reserved.source() {
            Source::Lock(channel_id) => {
                let extra = Z402Receipt {
                    payment_id: reserved.payment_id().as_str().to_owned(),
                    channel_id,
                    charged_amount: total,
                    credit_token: self
                        .credit_left(channel_id, reserved, charged.amount())
                        .await,
                };
                (Mode::Z, None, Json::from_value(&extra)?)
            }
            Source::Batch(channel_id) => {
                let extra = BatchReceipt {
                    charged_amount: Some(total),
                    channel_state: self.state_after(channel_id, charged.amount()).await,
                    voucher_state: None,
                };
                (Mode::X, Some(reserved.payer()), Json::from_value(&extra)?)
            }
            _ => (Mode::X, Some(reserved.payer()), Json::default()),
        };
        Ok(SettleResponse {
            payer: payer.map(|payer| payer.to_string()),
            transaction: reserved.deposit().unwrap_or_default().to_owned(),
            extra,
            ..self.answer(mode, charged.error())
        })
    }

    /// The same as the message metadata of a task.
    ///
    /// # Errors
    /// None in practice: all of it is plain data.
    pub async fn receipt_for(
        &self,
        reserved: &Reserved,
        charged: Charged<'_>,
    ) -> Result<Metadata, serde_json::Error> {
        let mut metadata = Metadata::new();
        match charged.error() {
            None => metadata.set(keys::STATUS, &PaymentStatus::PaymentCompleted)?,
            Some((code, _)) => {
                metadata.set(keys::STATUS, &PaymentStatus::PaymentFailed)?;
                metadata.set(keys::ERROR, code)?
            }
        };
        let receipt = self.receipt(reserved, charged).await?;
        metadata.set(keys::RECEIPTS, &[receipt])?;
        Ok(metadata)
    }

    /// An answer without what a scheme adds.
    pub(super) fn answer(&self, mode: Mode, error: Option<(&'static str, &str)>) -> SettleResponse {
        SettleResponse {
            success: error.is_none(),
            mode,
            error_reason: error.map(|(code, _)| code.to_owned()),
            error_message: error.map(|(_, message)| message.to_owned()),
            payer: None,
            transaction: String::new(),
            network: self.terms().asset.network.to_string(),
            amount: None,
            extra: Json::default(),
            extensions: Metadata::new(),
        }
    }

    /// A token for what a call leaves of what was signed. Only one that costs less than was held for
    /// it, or whose buyer signed ahead, leaves something, so the others need not ask the ledger.
    async fn credit_left(
        &self,
        channel_id: ChannelId,
        reserved: &Reserved,
        charge: BaseUnits,
    ) -> Option<CreditToken> {
        let key = self.credit.as_ref()?;
        let freed = reserved.amount().minus(charge).ok()?;
        if freed.is_zero() && !reserved.has_slack() {
            return None;
        }
        let standing = self.ledger.standing(channel_id).await.ok()??;
        let slack = standing.channel.slack().plus(freed).ok()?;
        let expires = self.clock.now_unix_secs().saturating_add(CREDIT_TTL_SECS);
        (!slack.is_zero() && !standing.channel.closed)
            .then(|| key.issue(channel_id, standing.channel.signed, expires))
    }

    /// The channel as it will be once so much is charged: its one call in flight is this one.
    async fn state_after(&self, channel_id: ChannelId, charge: BaseUnits) -> Option<ChannelState> {
        let standing = self.ledger.standing(channel_id).await.ok()??;
        let Funding::Batch(config) = standing.funding else {
            return None;
        };
        let channel = standing.channel;
        let since = match channel.deadline_unix_secs {
            NO_DEADLINE => 0,
            deadline => deadline.saturating_sub(config.withdraw_delay),
        };
        Some(ChannelState {
            channel_id,
            balance: channel.authorized,
            total_claimed: channel.claimed,
            withdraw_requested_at: since,
            refund_nonce: Uint256::default(),
            charged_cumulative_amount: Some(channel.charged.plus(charge).ok()?),
        })
    }
}
