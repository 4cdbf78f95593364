//! Signatures over the structs of escrow and token, hashed by alloy and not by our own code.

use agent_client::chain::bindings::{AgentWalletSet, IZ402Escrow, ReceiveWithAuthorization};
use agent_core::{
    money::BaseUnits,
    voucher::{CanonicalSignature, EscrowDomain, Lock},
};
use alloy_primitives::{Address, B256, Bytes, U256, aliases::U40, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue, eip712_domain};

use crate::world::on_chain;

/// The structs that are signed, as the escrow's documentation has them.
#[allow(missing_docs, reason = "the Solidity documents itself")]
pub mod structs {
    alloy_sol_types::sol! {
        #[derive(Debug)]
        struct Lock { address payer; address signer; address payee; address token; uint96 salt; }
        #[derive(Debug)]
        struct Voucher { bytes32 channelId; uint128 maxClaimableAmount; }
        #[derive(Debug)]
        struct Authorize { bytes32 lockId; uint128 amount; uint40 deadline; uint256 nonce; }
        #[derive(Debug)]
        struct Release { bytes32 lockId; uint128 amount; uint256 nonce; }
    }
}

/// The escrow's domain in alloy's words.
#[must_use]
pub fn escrow_domain(domain: &EscrowDomain) -> Eip712Domain {
    eip712_domain! {
        name: "z402 Escrow",
        version: "1",
        chain_id: domain.chain_id(),
        verifying_contract: domain.contract(),
    }
}

/// Signs a hash.
#[must_use]
pub fn hash(key: &PrivateKeySigner, hash: B256) -> [u8; 65] {
    key.sign_hash_sync(&hash).unwrap().as_bytes()
}

/// Signs a struct.
#[must_use]
pub fn message<S: SolStruct>(key: &PrivateKeySigner, domain: &Eip712Domain, message: &S) -> Bytes {
    hash(key, message.eip712_signing_hash(domain)).into()
}

/// Signs a voucher.
#[must_use]
pub fn voucher(
    key: &PrivateKeySigner,
    domain: &EscrowDomain,
    lock: &Lock,
    ceiling: u128,
) -> CanonicalSignature {
    let digest = domain.voucher_digest(lock.id(domain), BaseUnits::new(ceiling));
    CanonicalSignature::from_slice(&hash(key, digest)).unwrap()
}

/// An `open3009` of this lock, signed by its payer.
#[must_use]
pub fn open(
    key: &PrivateKeySigner,
    domain: &EscrowDomain,
    lock: &Lock,
    amount: u128,
    deadline: u64,
    salt: u64,
) -> IZ402Escrow::open3009Call {
    let (deadline, salt) = (U40::from(deadline), B256::from(U256::from(salt)));
    let nonce = keccak256((lock.id(domain).0, deadline, salt).abi_encode());
    let (call, token) = (receive(domain, lock.payer, amount, nonce), lock.token);
    IZ402Escrow::open3009Call {
        lock: on_chain(lock),
        amount: call.value,
        deadline,
        validAfter: call.validAfter,
        validBefore: call.validBefore,
        salt,
        signature: message(key, &usdc_domain(domain.chain_id(), token), &call),
    }
}

/// A `depositWithAuthorization`, signed by the payer.
#[must_use]
pub fn deposit(
    key: &PrivateKeySigner,
    domain: &EscrowDomain,
    token: Address,
    amount: u128,
    salt: u64,
) -> IZ402Escrow::depositWithAuthorizationCall {
    let (payer, salt) = (key.address(), B256::from(U256::from(salt)));
    let nonce = keccak256((payer, salt).abi_encode());
    let call = receive(domain, payer, amount, nonce);
    IZ402Escrow::depositWithAuthorizationCall {
        payer,
        token,
        amount: call.value,
        validAfter: call.validAfter,
        validBefore: call.validBefore,
        salt,
        signature: message(key, &usdc_domain(domain.chain_id(), token), &call),
    }
}

/// An `authorizeBySig`, signed by this key.
#[must_use]
pub fn authorize(
    key: &PrivateKeySigner,
    domain: &EscrowDomain,
    lock: &Lock,
    amount: u128,
    deadline: u64,
    nonce: u64,
) -> IZ402Escrow::authorizeBySigCall {
    let (deadline, nonce) = (U40::from(deadline), U256::from(nonce));
    let signed = structs::Authorize {
        lockId: lock.id(domain).0,
        amount,
        deadline: deadline.to(),
        nonce,
    };
    IZ402Escrow::authorizeBySigCall {
        lock: on_chain(lock),
        amount: U256::from(amount),
        deadline,
        nonce,
        signature: message(key, &escrow_domain(domain), &signed),
    }
}

/// A `releaseBySig`, signed by this key.
#[must_use]
pub fn release(
    key: &PrivateKeySigner,
    domain: &EscrowDomain,
    lock: &Lock,
    amount: u128,
    nonce: u64,
) -> IZ402Escrow::releaseBySigCall {
    let nonce = U256::from(nonce);
    let signed = structs::Release {
        lockId: lock.id(domain).0,
        amount,
        nonce,
    };
    IZ402Escrow::releaseBySigCall {
        lock: on_chain(lock),
        amount: U256::from(amount),
        nonce,
        signature: message(key, &escrow_domain(domain), &signed),
    }
}

/// A new wallet's consent to be an agent's.
#[must_use]
pub fn agent_wallet(
    key: &PrivateKeySigner,
    chain_id: u64,
    registry: Address,
    consent: &AgentWalletSet,
) -> Bytes {
    let domain = eip712_domain! {
        name: "ERC8004IdentityRegistry",
        version: "1",
        chain_id: chain_id,
        verifying_contract: registry,
    };
    message(key, &domain, consent)
}

/// The test token's domain, which is that of USDC.
#[must_use]
pub fn usdc_domain(chain_id: u64, token: Address) -> Eip712Domain {
    eip712_domain! {
        name: "USDC",
        version: "2",
        chain_id: chain_id,
        verifying_contract: token,
    }
}

fn receive(
    domain: &EscrowDomain,
    from: Address,
    amount: u128,
    nonce: B256,
) -> ReceiveWithAuthorization {
    ReceiveWithAuthorization {
        from,
        to: domain.contract(),
        value: U256::from(amount),
        validAfter: U256::ZERO,
        validBefore: U256::MAX,
        nonce,
    }
}
