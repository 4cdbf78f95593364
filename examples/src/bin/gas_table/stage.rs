//! A chain, and the hands that sign and send on it.

use crate::Result;
use agent_client::chain::bindings::{IToken, ReceiveWithAuthorization};
use agent_client::wallet::PayerKey;
use agent_core::voucher::{EscrowDomain, Lock, Salt};
use agent_devnet::{CONTRACTS, Chain, Clock, DEV_ACCOUNTS, DevnetConfig};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rpc_types_eth::{BlockId, TransactionRequest};
use alloy_sol_types::{Eip712Domain, SolCall, SolStruct, eip712_domain, sol};

/// When the chain begins; any second does, if it is the same in every run.
const START: u64 = 1_700_000_000;
/// The accounts that pay, in turn.
const PAYERS: usize = 10;
/// The account that is paid. It has tokens from the start, as a seller in business has.
pub(crate) const PAYEE: usize = 15;
/// The account that sends what anybody may send.
pub(crate) const SENDER: usize = 16;
/// What every lock and channel is given: five dollars.
pub(crate) const EACH: u64 = 5_000_000;
pub(crate) const DAY_SECS: u64 = 86_400;

sol! {
    interface IMint { function mint(address to, uint256 value) external; }
}

/// A chain whose contracts and sellers are in business.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) chain: Chain,
    pub(crate) domain: EscrowDomain,
}

/// The key of a development account.
pub(crate) fn key(index: usize) -> Result<PayerKey> {
    let account = DEV_ACCOUNTS.get(index).ok_or("no such account")?;
    Ok(PayerKey::from_hex(account.private_key)?)
}

pub(crate) fn account(index: usize) -> Result<Address> {
    Ok(DEV_ACCOUNTS.get(index).ok_or("no such account")?.address)
}

/// Whose turn it is to pay.
pub(crate) fn payer_of(at: usize) -> usize {
    at % PAYERS
}

/// Looks random and is the same in every run.
pub(crate) fn word(of: &str, at: usize) -> B256 {
    keccak256(format!("{of} {at}"))
}

/// A lock of a payer for a payee, under a random salt as wallets choose it.
pub(crate) fn lock(payer: usize, payee: Address, at: usize) -> Result<Lock> {
    let salt = word("salt", at);
    let salt = salt
        .get(..12)
        .and_then(alloy_primitives::Uint::try_from_be_slice);
    Ok(Lock {
        payer: account(payer)?,
        signer: account(payer)?,
        payee,
        token: CONTRACTS.usdc,
        salt: Salt(salt.ok_or("twelve bytes")?),
    })
}

impl Stage {
    pub(crate) fn new() -> Result<Self> {
        let config = DevnetConfig::default()
            .with_clock(Clock::Stepped)
            .with_genesis_timestamp(START);
        let chain = Chain::new(&config)?;
        let domain = EscrowDomain::new(chain.chain_id(), CONTRACTS.escrow);
        let mut stage = Self { chain, domain };
        // The first token that a contract ever holds costs a new storage slot, once for all who come.
        for to in [CONTRACTS.escrow, CONTRACTS.x402.batch_settlement] {
            let value = U256::ONE;
            stage.send(SENDER, CONTRACTS.usdc, &IMint::mintCall { to, value })?;
        }
        Ok(stage)
    }

    /// Sends a transaction; its gas.
    pub(crate) fn send<C: SolCall>(&mut self, from: usize, to: Address, call: &C) -> Result<u64> {
        let request = TransactionRequest::default()
            .from(account(from)?)
            .to(to)
            .input(call.abi_encode().into());
        let receipt = self.chain.transact(request)?;
        if receipt.status() {
            Ok(receipt.gas_used)
        } else {
            Err(format!("{} reverted", C::SIGNATURE).into())
        }
    }

    /// What a view answers.
    pub(crate) fn view<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return> {
        let request = TransactionRequest::default()
            .to(to)
            .input(call.abi_encode().into());
        let answer = self.chain.call(request, BlockId::latest())?;
        Ok(C::abi_decode_returns(&answer)?)
    }

    /// Lets a contract take whatever it wants of a payer's tokens.
    pub(crate) fn approve(&mut self, payer: usize, spender: Address) -> Result<()> {
        let value = U256::MAX;
        let call = IToken::approveCall { spender, value };
        self.send(payer, CONTRACTS.usdc, &call).map(drop)
    }

    pub(crate) fn token_domain(&self) -> Eip712Domain {
        eip712_domain! {
            name: "USDC",
            version: "2",
            chain_id: self.chain.chain_id(),
            verifying_contract: CONTRACTS.usdc,
        }
    }

    /// A payer's consent that `to` takes this from its wallet.
    pub(crate) fn consent(
        &self,
        payer: usize,
        to: Address,
        value: U256,
        nonce: B256,
    ) -> Result<Bytes> {
        let message = ReceiveWithAuthorization {
            from: account(payer)?,
            to,
            value,
            validAfter: U256::ZERO,
            validBefore: U256::MAX,
            nonce,
        };
        let digest = message.eip712_signing_hash(&self.token_domain());
        sign(payer, digest)
    }
}

/// A signature of 65 bytes.
pub(crate) fn sign(payer: usize, digest: B256) -> Result<Bytes> {
    Ok(Bytes::from(key(payer)?.sign(digest).as_bytes().to_vec()))
}
