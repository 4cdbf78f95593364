//! The schemes of x402 on EVM, against published and captured vectors and by their properties.
//!
//! `digests.json` holds the published fixtures of `batch-settlement`, the example of the scheme
//! `exact`, and digests that viem and eth-account agree on. `wire.json` holds objects that the
//! stock packages, version 2.27, sent to each other. `offer_receipt.json` is what eth-account signs. The keys are those every test chain has.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod arbitrary;
mod batch;
mod batch_deposit;
mod capture;
mod exact;
mod facilitator;
mod header;
mod offer_receipt;
mod permit;
mod properties;
mod v1;
mod vectors;

use agent_core::money::{AssetId, Network};
use agent_core::voucher::CanonicalSignature;
use agent_core::x402::TokenDomain;
use alloy_primitives::{Address, B256, address, keccak256};
use secp256k1::{Message, SECP256K1, SecretKey};
use serde_json::Value;

const NETWORK: Network = Network::eip155(84_532);
const USDC: Address = address!("0x036CbD53842c5426634e7929541eC2318f3dCF7e");
const BUYER: Address = address!("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
const SELLER: Address = address!("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC");
const AUTHORIZER: Address = address!("0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65");
const FACILITATOR: Address = address!("0x90F79bf6EB2c4f870365E785982E1f101E93b906");
/// A second at which the captured authorizations were good.
const NOW: u64 = 1_795_337_600;

fn digests() -> Value {
    serde_json::from_str(include_str!("digests.json")).unwrap()
}

fn wire() -> Value {
    serde_json::from_str(include_str!("wire.json")).unwrap()
}

fn token() -> AssetId {
    AssetId {
        network: NETWORK,
        address: USDC,
    }
}

fn usdc() -> TokenDomain {
    TokenDomain::new("USDC", "2", token())
}

/// The key of the buyer, the seller or the receiver's authorizer (`rauth`).
fn key(name: &str) -> SecretKey {
    let bytes: B256 = digests()["keys"][name].as_str().unwrap().parse().unwrap();
    SecretKey::from_byte_array(bytes.0).unwrap()
}

fn address_of(key: &SecretKey) -> Address {
    let public = key.public_key(SECP256K1).serialize_uncompressed();
    Address::from_slice(&keccak256(&public[1..])[12..])
}

fn sign(digest: B256, key: &SecretKey) -> CanonicalSignature {
    let message = Message::from_digest(digest.0);
    CanonicalSignature::from_recoverable(&SECP256K1.sign_ecdsa_recoverable(message, key))
}

/// Reads `value`, writes it again, and holds it against what it was.
fn read_whole<T: serde::Serialize + serde::de::DeserializeOwned>(value: &Value) -> T {
    let object: T = serde_json::from_str(&value.to_string()).unwrap();
    assert_eq!(&serde_json::to_value(&object).unwrap(), value);
    object
}
