//! What the contract of `batch-settlement` says, many channels at once.

use agent_client::chain::x402_bindings::IX402BatchSettlement as Contract;
use agent_client::chain::{Chain, ChainError};
use agent_core::money::BaseUnits;
use agent_core::voucher::ChannelId;
use agent_core::x402::Uint256;
use agent_core::x402::batch::{BATCH_SETTLEMENT, ChannelConfig, ChannelState};
use alloy_primitives::aliases::U40;
use alloy_primitives::{Address, Bytes};
use alloy_sol_types::SolCall;

/// What each channel holds, in the order of `ids`, all as of one block. A channel that was never
/// paid into reads as all zero.
pub(super) async fn states(
    chain: &Chain,
    ids: &[ChannelId],
) -> Result<Vec<ChannelState>, ChainError> {
    let mut data: Vec<Bytes> = Vec::with_capacity(ids.len().saturating_mul(3));
    for id in ids {
        let channel_id = id.0;
        let held = Contract::channelsCall {
            channelId: channel_id,
        };
        let notice = Contract::pendingWithdrawalsCall {
            channelId: channel_id,
        };
        let nonce = Contract::refundNonceCall {
            channelId: channel_id,
        };
        data.push(held.abi_encode().into());
        data.push(notice.abi_encode().into());
        data.push(nonce.abi_encode().into());
    }
    let call = Contract::multicallCall { data };
    let answers = chain.call(BATCH_SETTLEMENT, &call).await?;
    if answers.len() != call.data.len() {
        return Err(ChainError::BadAnswer("not one answer a call".to_owned()));
    }
    let rows = answers.chunks(3).zip(ids);
    rows.map(|(row, id)| state(*id, row)).collect()
}

fn state(channel_id: ChannelId, row: &[Bytes]) -> Result<ChannelState, ChainError> {
    let bad = |error: alloy_sol_types::Error| ChainError::BadAnswer(error.to_string());
    let [held, notice, nonce] = row else {
        return Err(ChainError::BadAnswer("not three answers".to_owned()));
    };
    let held = Contract::channelsCall::abi_decode_returns(held).map_err(bad)?;
    let notice = Contract::pendingWithdrawalsCall::abi_decode_returns(notice).map_err(bad)?;
    let nonce = Contract::refundNonceCall::abi_decode_returns(nonce).map_err(bad)?;
    Ok(ChannelState {
        channel_id,
        balance: BaseUnits::new(held.balance),
        total_claimed: BaseUnits::new(held.totalClaimed),
        withdraw_requested_at: notice.initiatedAt.to(),
        refund_nonce: Uint256(nonce),
        charged_cumulative_amount: None,
    })
}

/// What the contract booked for a receiver, and what of it it paid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Booked {
    pub(crate) claimed: BaseUnits,
    pub(crate) paid_out: BaseUnits,
}

impl Booked {
    /// What was claimed and is in the contract still.
    pub(crate) fn held(self) -> BaseUnits {
        self.claimed.minus(self.paid_out).unwrap_or_default()
    }
}

pub(crate) async fn booked(
    chain: &Chain,
    receiver: Address,
    token: Address,
) -> Result<Booked, ChainError> {
    let call = Contract::receiversCall { receiver, token };
    let booked = chain.call(BATCH_SETTLEMENT, &call).await?;
    Ok(Booked {
        claimed: BaseUnits::new(booked.totalClaimed),
        paid_out: BaseUnits::new(booked.totalSettled),
    })
}

/// A channel as the contract takes it; `None` for a delay that it cannot have.
pub(in crate::settle) fn on_chain(config: &ChannelConfig) -> Option<Contract::ChannelConfig> {
    Some(Contract::ChannelConfig {
        payer: config.payer,
        payerAuthorizer: config.payer_authorizer,
        receiver: config.receiver,
        receiverAuthorizer: config.receiver_authorizer,
        token: config.token,
        withdrawDelay: U40::try_from(config.withdraw_delay).ok()?,
        salt: config.salt,
    })
}
