//! Whether a payment that feedback names was made, as the chain has it.

use agent_core::money::{AssetId, AssetTable, BaseUnits, Network};
use agent_core::trust::{
    FeedbackEvent, FeedbackFile, PaymentCheck, PaymentCommitment, ProofOfPayment, VerifiedPayment,
};
use agent_core::voucher::{ChannelId, EscrowDomain};
use agent_core::x402::SCHEME_Z402;
use alloy_eips::BlockId;
use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::{TransactionReceipt, TransactionRequest};
use alloy_sol_types::{SolCall, SolEvent};

use super::{limits, settlement};
use crate::chain::bindings::{IToken, IZ402Escrow};
use crate::chain::{Chain, ChainError};

/// Reads payments off the chain.
#[derive(Debug)]
pub(super) struct PaymentReader {
    chain: Chain,
    escrow: EscrowDomain,
    assets: AssetTable,
}

/// Why a payment does not hold, or could not be looked at.
enum Fault {
    Mismatch(String),
    Unreadable,
}

impl From<ChainError> for Fault {
    fn from(_: ChainError) -> Self {
        Self::Unreadable
    }
}

fn mismatch<T>(why: &str) -> Result<T, Fault> {
    Err(Fault::Mismatch(why.to_owned()))
}

impl PaymentReader {
    pub(super) const fn new(chain: Chain, escrow: EscrowDomain, assets: AssetTable) -> Self {
        Self {
            chain,
            escrow,
            assets,
        }
    }

    /// Checks the payment that `file` names for the feedback `item`; `accounts` are those that the
    /// agent is paid at.
    ///
    /// A z402 payment has to be a transaction that calls `settleBatch` of our escrow itself, with a
    /// row for a lock of the reviewer's: only then does the transaction say whose money it moved.
    /// Any other has to be a plain transfer from the reviewer.
    pub(super) async fn check(
        &self,
        item: &FeedbackEvent,
        file: &FeedbackFile,
        accounts: &[Address],
    ) -> PaymentCheck {
        let Some(proof) = file.payment() else {
            return PaymentCheck::NoProof;
        };
        match self.verify(item, proof, file.commitment(), accounts).await {
            Ok(paid) => PaymentCheck::Verified(paid),
            Err(Fault::Mismatch(why)) => PaymentCheck::Mismatch(why),
            Err(Fault::Unreadable) => PaymentCheck::Unreadable,
        }
    }

    /// When a block was made, in Unix seconds; `None` when the chain does not say.
    pub(super) async fn time_of(&self, block: u64) -> Option<u64> {
        let block = self.chain.block(block).await.ok()??;
        Some(block.timestamp)
    }

    async fn verify(
        &self,
        item: &FeedbackEvent,
        proof: &ProofOfPayment,
        commitment: Option<&PaymentCommitment>,
        accounts: &[Address],
    ) -> Result<VerifiedPayment, Fault> {
        if proof.chain_id != self.chain.chain_id() {
            return mismatch("it is on a chain that is not read here");
        }
        if !accounts.contains(&proof.to_address) {
            return mismatch("the agent is not paid at the account that was paid");
        }
        let Some(receipt) = self.chain.receipt(proof.tx_hash).await? else {
            return mismatch("there is no such transaction");
        };
        if !receipt.status() {
            return mismatch("the transaction failed");
        }
        let number = receipt.block_number.ok_or(Fault::Unreadable)?;
        let block = self.chain.block(number).await?.ok_or(Fault::Unreadable)?;
        if block.timestamp > item.block_time {
            return mismatch("it was made after the feedback");
        }
        if item.block_time.saturating_sub(block.timestamp) > limits::PAYMENT_AGE_MAX_SECS {
            return mismatch("it was made long before the feedback");
        }
        match commitment.filter(|commitment| commitment.scheme == SCHEME_Z402) {
            Some(commitment) => {
                self.settlement(proof, commitment, &receipt, number, item.client)
                    .await
            }
            None => self.transfer(proof, &receipt, item.client),
        }
    }

    async fn settlement(
        &self,
        proof: &ProofOfPayment,
        commitment: &PaymentCommitment,
        receipt: &TransactionReceipt,
        block: u64,
        client: Address,
    ) -> Result<VerifiedPayment, Fault> {
        let escrow = self.escrow.contract();
        if commitment.channel != escrow {
            return mismatch("the escrow is not one that is trusted here");
        }
        let call = settlement::settlement_in(&self.chain, &self.escrow, proof.tx_hash).await?;
        let Some(call) = call else {
            return mismatch("the transaction is not a settlement of the escrow");
        };
        if call.payee != proof.to_address {
            return mismatch("the settlement paid another account");
        }
        self.known(call.token)?;
        let row = settlement::row_of(&call, &self.escrow, client, commitment.channel_id);
        let Some(row) = row else {
            return mismatch("the settlement has no row for the reviewer's lock");
        };
        let before = self.claimed_before(commitment.channel_id, block).await?;
        let moved = row.claim.saturating_sub(before);
        let settled = settled_amount(receipt, escrow, &call);
        let sent = transferred(receipt, call.token, escrow, call.payee);
        let amount = moved.min(settled).min(sent);
        if amount == 0 {
            return mismatch("the settlement moved nothing from the reviewer's lock");
        }
        let ceiling = BaseUnits::new(row.ceiling);
        let channel = ChannelId(commitment.channel_id);
        Ok(VerifiedPayment {
            amount_base_units: amount,
            tx: proof.tx_hash,
            payer: client,
            payee: call.payee,
            // Of the voucher that was redeemed, not the file's: one row is one payment, however
            // many vouchers led up to it.
            voucher_hash: Some(self.escrow.voucher_digest(channel, ceiling)),
        })
    }

    fn transfer(
        &self,
        proof: &ProofOfPayment,
        receipt: &TransactionReceipt,
        client: Address,
    ) -> Result<VerifiedPayment, Fault> {
        let tokens: Vec<Address> = self
            .assets
            .iter()
            .filter(|asset| asset.network == Network::eip155(self.chain.chain_id()))
            .map(|asset| asset.address)
            .collect();
        let amount = tokens
            .iter()
            .map(|token| transferred(receipt, *token, client, proof.to_address))
            .max()
            .unwrap_or(0);
        if amount == 0 {
            return mismatch("it moved no known token from the reviewer to the agent");
        }
        Ok(VerifiedPayment {
            amount_base_units: amount,
            tx: proof.tx_hash,
            payer: client,
            payee: proof.to_address,
            voucher_hash: None,
        })
    }

    fn known(&self, token: Address) -> Result<(), Fault> {
        let network = Network::eip155(self.chain.chain_id());
        match self.assets.by_id(AssetId {
            network,
            address: token,
        }) {
            Some(_) => Ok(()),
            None => mismatch("the token is not one that is known here"),
        }
    }

    /// What was claimed of the lock before the block of the settlement. Two settlements of one lock
    /// in one block count the first twice; the amounts of the receipt bound that.
    async fn claimed_before(&self, channel: B256, block: u64) -> Result<u128, Fault> {
        let call = IZ402Escrow::stateOfCall { id: channel };
        let request = TransactionRequest::default()
            .with_to(self.escrow.contract())
            .with_input(call.abi_encode());
        let before = BlockId::number(block.saturating_sub(1));
        let answer = self.chain.simulate(request, before).await?;
        let state =
            IZ402Escrow::stateOfCall::abi_decode_returns(&answer).map_err(|_| Fault::Unreadable)?;
        Ok(state.claimed.to())
    }
}

/// What the escrow says it paid out for this payee and token in this transaction.
fn settled_amount(
    receipt: &TransactionReceipt,
    escrow: Address,
    call: &IZ402Escrow::settleBatchCall,
) -> u128 {
    receipt
        .logs()
        .iter()
        .filter(|log| log.address() == escrow)
        .filter_map(|log| IZ402Escrow::Settled::decode_log(&log.inner).ok())
        .filter(|event| event.payee == call.payee && event.token == call.token)
        .fold(0, |sum, event| add(sum, event.amount))
}

/// What the token says it moved between two accounts in this transaction.
fn transferred(receipt: &TransactionReceipt, token: Address, from: Address, to: Address) -> u128 {
    receipt
        .logs()
        .iter()
        .filter(|log| log.address() == token)
        .filter_map(|log| IToken::Transfer::decode_log(&log.inner).ok())
        .filter(|event| event.from == from && event.to == to)
        .fold(0, |sum, event| add(sum, event.value))
}

fn add(sum: u128, more: U256) -> u128 {
    sum.saturating_add(u128::try_from(more).unwrap_or(u128::MAX))
}
