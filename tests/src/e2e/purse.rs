//! A lock on chain and the key that signs its vouchers.

use super::{Payment, SELLER};
use crate::{sign, world};
use agent_client::chain::bindings::IToken;
use agent_client::settings::ChainSettings;
use agent_core::money::BaseUnits;
use agent_core::voucher::{EscrowDomain, Lock, Salt};
use agent_devnet::Devnet;
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, aliases::U96};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};

/// A lock, its key, and what the next ceiling is.
#[derive(Debug)]
pub struct Purse {
    /// Who signs.
    pub key: PrivateKeySigner,
    /// The lock.
    pub lock: Lock,
    /// What its vouchers are signed under.
    pub domain: EscrowDomain,
    settings: ChainSettings,
}

impl Purse {
    /// Opens a lock on chain, with one signature and a transaction that anybody may send.
    pub(super) fn open(
        devnet: &Devnet,
        settings: &ChainSettings,
        payer: usize,
        salt: u64,
        amount: u128,
        deadline: u64,
    ) -> Self {
        let lock = Lock {
            payer: world::account(payer),
            signer: world::account(payer),
            payee: world::account(SELLER),
            token: settings.token.address,
            salt: Salt(U96::from(salt)),
        };
        let purse = Self {
            key: world::key(payer),
            lock,
            domain: settings.domain(),
            settings: settings.clone(),
        };
        let call = sign::open(&purse.key, &purse.domain, &lock, amount, deadline, salt);
        let request = TransactionRequest::default()
            .from(world::account(0))
            .to(settings.escrow)
            .input(Bytes::from(call.abi_encode()).into());
        let receipt = devnet.chain().transact(request).unwrap();
        assert!(receipt.status(), "the lock did not open");
        purse
    }

    /// The lock's id.
    #[must_use]
    pub fn id(&self) -> B256 {
        self.lock.id(&self.domain).0
    }

    /// The 65 bytes that sign a ceiling.
    #[must_use]
    pub fn signature(&self, ceiling: u128) -> [u8; 65] {
        let digest = self
            .domain
            .voucher_digest(self.lock.id(&self.domain), BaseUnits::new(ceiling));
        sign::hash(&self.key, digest)
    }

    /// A payment with a fresh id.
    #[must_use]
    pub fn payment(&self, amount: u128, ceiling: u128) -> Payment {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = format!(
            "payment-of-test-{:06}",
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let signature = alloy_primitives::hex::encode_prefixed(self.signature(ceiling));
        let Self { settings, lock, .. } = self;
        Payment(json!({
            "x402Version": 2,
            "mode": "z",
            "accepted": {
                "scheme": "z402",
                "network": settings.network().to_string(),
                "amount": amount.to_string(),
                "asset": settings.token.address.to_string(),
                "payTo": world::account(SELLER).to_string(),
                "maxTimeoutSeconds": 300,
                "extra": {
                    "contract": settings.escrow.to_string(),
                    "name": "USDC",
                    "version": "2",
                    "minDeadlineSeconds": 1_800,
                    "maxInFlight": 64,
                    "mode": "z",
                },
            },
            "payload": {
                "type": "voucher",
                "lock": {
                    "payer": lock.payer.to_string(),
                    "signer": lock.signer.to_string(),
                    "payee": lock.payee.to_string(),
                    "token": lock.token.to_string(),
                    "salt": lock.salt.0.to_string(),
                },
                "voucher": {
                    "channelId": self.id().to_string(),
                    "maxClaimableAmount": ceiling.to_string(),
                    "signature": signature,
                },
            },
            "extensions": { "payment-identifier": { "info": { "required": true, "id": id } } },
        }))
    }
}

/// What an account has in tokens.
pub(super) fn tokens(devnet: &Devnet, settings: &ChainSettings, owner: Address) -> u128 {
    let call = IToken::balanceOfCall { owner };
    let request = TransactionRequest::default()
        .to(settings.token.address)
        .input(Bytes::from(call.abi_encode()).into());
    let output = devnet.chain().call(request, BlockId::latest()).unwrap();
    IToken::balanceOfCall::abi_decode_returns(&output)
        .unwrap()
        .to()
}
