use crate::{NETWORK, USDC, digests, token, usdc};
use agent_core::money::{AssetId, Network};
use agent_core::voucher::{CanonicalSignature, ChannelId, recover_signer};
use agent_core::x402::batch::{
    BatchDomain, ChannelConfig, ClaimEntry, claim_batch_digest, deposit_nonce, refund_digest,
};
use agent_core::x402::{
    ExactWitness, Permit2Authorization, Permit2Domain, TokenPermissions, TransferAuthorization,
    UptoWitness,
};
use alloy_primitives::{Address, B256};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|e| panic!("{value}: {e}"))
}

/// A permit as a payment carries it; a vector has only what is signed.
fn permit<W: DeserializeOwned + serde::Serialize>(
    message: &Value,
    signer: &Value,
) -> Permit2Authorization<W> {
    let mut message = message.clone();
    message["from"] = signer.clone();
    read(&message)
}

fn digest(vector: &Value) -> B256 {
    let message = &vector["message"];
    let domain = BatchDomain::new(NETWORK);
    let channel = || read::<ChannelId>(&message["channelId"]);
    let amount = |name: &str| read(&message[name]);
    match vector["type"].as_str().unwrap() {
        "ChannelConfig" => read::<ChannelConfig>(message).id(&domain).0,
        "Voucher" => domain.voucher_digest(channel(), amount("maxClaimableAmount")),
        "Refund" => refund_digest(
            &domain,
            channel(),
            read(&message["nonce"]),
            amount("amount"),
        ),
        "ClaimBatch" => {
            let entries: Vec<ClaimEntry> = message["claims"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| ClaimEntry {
                    channel_id: read(&entry["channelId"]),
                    max_claimable_amount: read(&entry["maxClaimableAmount"]),
                    total_claimed: read(&entry["totalClaimed"]),
                })
                .collect();
            claim_batch_digest(&domain, &entries).unwrap()
        }
        "TransferWithAuthorization" => {
            read::<TransferAuthorization>(message).transfer_digest(&usdc())
        }
        "ReceiveWithAuthorization" => {
            read::<TransferAuthorization>(message).receive_digest(&usdc())
        }
        "Exact" => {
            permit::<ExactWitness>(message, &vector["signer"]).digest(&Permit2Domain::new(NETWORK))
        }
        "Upto" => {
            permit::<UptoWitness>(message, &vector["signer"]).digest(&Permit2Domain::new(NETWORK))
        }
        other => panic!("{other}"),
    }
}

#[test]
fn published_and_measured_digests_reproduce_and_their_signatures_recover() {
    let all = digests();
    let vectors = all["digests"].as_array().unwrap();
    assert_eq!(vectors.len(), 14);
    let mut signed = 0;
    for vector in vectors {
        let name = &vector["name"];
        let made = digest(vector);
        assert_eq!(made, read::<B256>(&vector["digest"]), "{name}");
        if let Some(text) = vector["signature"].as_str() {
            let signature: CanonicalSignature = text.parse().unwrap();
            let signer = recover_signer(made, &signature);
            assert_eq!(signer, Some(read::<Address>(&vector["signer"])), "{name}");
            signed += 1;
        }
    }
    assert_eq!(signed, 9);
}

#[test]
fn separators_and_the_deposit_nonce_reproduce() {
    let all = digests();
    let separators = &all["separators"];
    assert_eq!(
        BatchDomain::new(NETWORK).separator(),
        read::<B256>(&separators["batch84532"])
    );
    assert_eq!(usdc().separator(), read::<B256>(&separators["usdc84532"]));
    let nonce = &all["depositNonce"];
    let salt = json!(format!("0x{}", nonce["salt"].as_str().unwrap()));
    assert_eq!(
        deposit_nonce(read(&nonce["channelId"]), read(&salt)),
        read::<B256>(&nonce["nonce"])
    );
}

#[test]
fn every_digest_depends_on_chain_and_contract() {
    let elsewhere = Network::eip155(8_453);
    let all = digests();
    for vector in all["digests"].as_array().unwrap() {
        let message = &vector["message"];
        let other = match vector["type"].as_str().unwrap() {
            "ChannelConfig" => {
                read::<ChannelConfig>(message)
                    .id(&BatchDomain::new(elsewhere))
                    .0
            }
            "Upto" => permit::<UptoWitness>(message, &vector["signer"])
                .digest(&Permit2Domain::new(elsewhere)),
            "TransferWithAuthorization" => {
                let moved = AssetId {
                    address: Address::ZERO,
                    ..token()
                };
                let domain = agent_core::x402::TokenDomain::new("USDC", "2", moved);
                assert_ne!(domain.separator(), usdc().separator());
                read::<TransferAuthorization>(message).transfer_digest(&domain)
            }
            _ => continue,
        };
        assert_ne!(other, read::<B256>(&vector["digest"]));
    }
}

/// The type hashes, from the types as the contracts declare them.
#[test]
fn type_hashes_are_those_of_the_types() {
    use agent_core::x402::{DepositWitness, Witness};
    use alloy_primitives::keccak256;
    let all = digests();
    let hashes = all["typeHashes"].as_object().unwrap();
    let entry = "ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)";
    let transfer = "(address from,address to,uint256 value,uint256 validAfter,\
                    uint256 validBefore,bytes32 nonce)";
    let types = [
        "ChannelConfig(address payer,address payerAuthorizer,address receiver,\
         address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)"
            .to_owned(),
        "Voucher(bytes32 channelId,uint128 maxClaimableAmount)".to_owned(),
        "Refund(bytes32 channelId,uint256 nonce,uint128 amount)".to_owned(),
        entry.to_owned(),
        format!("ClaimBatch(ClaimEntry[] claims){entry}"),
        format!("TransferWithAuthorization{transfer}"),
        format!("ReceiveWithAuthorization{transfer}"),
    ];
    assert_eq!(hashes.len(), types.len());
    for text in types {
        let name = text.split('(').next().unwrap();
        assert_eq!(keccak256(&text), read::<B256>(&hashes[name]), "{name}");
    }
    let permissions = "TokenPermissions(address token,uint256 amount)";
    let permit = |witness: &str| {
        format!(
            "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,\
             uint256 nonce,uint256 deadline,{witness} witness)"
        )
    };
    let exact = "Witness(address to,uint256 validAfter)";
    let upto = "Witness(address to,address facilitator,uint256 validAfter)";
    let deposit = "DepositWitness(bytes32 channelId)";
    assert_eq!(
        keccak256(format!("{}{permissions}{exact}", permit("Witness"))),
        ExactWitness::PERMIT_TYPE
    );
    assert_eq!(
        keccak256(format!("{}{permissions}{upto}", permit("Witness"))),
        UptoWitness::PERMIT_TYPE
    );
    assert_eq!(
        keccak256(format!(
            "{}{deposit}{permissions}",
            permit("DepositWitness")
        )),
        DepositWitness::PERMIT_TYPE
    );
}

/// Typed data hashed by alloy from declarations in Solidity, independently of the code here.
mod wire {
    alloy_sol_types::sol! {
        struct TokenPermissions { address token; uint256 amount; }
        struct DepositWitness { bytes32 channelId; }
        struct PermitWitnessTransferFrom {
            TokenPermissions permitted; address spender; uint256 nonce; uint256 deadline;
            DepositWitness witness;
        }
    }
}

#[test]
fn the_deposit_permit_agrees_with_alloy() {
    use agent_core::x402::{DepositWitness, PERMIT2, Uint256};
    use alloy_primitives::U256;
    use alloy_sol_types::{SolStruct, eip712_domain};
    let channel = B256::repeat_byte(7);
    let ours = Permit2Authorization {
        from: Address::repeat_byte(1),
        permitted: TokenPermissions {
            token: USDC,
            amount: agent_core::money::BaseUnits::new(10_000),
        },
        spender: Address::repeat_byte(2),
        nonce: Uint256::of(3),
        deadline: Uint256::of(4),
        witness: DepositWitness {
            channel_id: ChannelId(channel),
        },
    };
    let theirs = wire::PermitWitnessTransferFrom {
        permitted: wire::TokenPermissions {
            token: USDC,
            amount: U256::from(10_000),
        },
        spender: Address::repeat_byte(2),
        nonce: U256::from(3),
        deadline: U256::from(4),
        witness: wire::DepositWitness { channelId: channel },
    };
    let domain = eip712_domain! {
        name: "Permit2",
        chain_id: 84_532,
        verifying_contract: PERMIT2,
    };
    assert_eq!(
        ours.digest(&Permit2Domain::new(NETWORK)),
        theirs.eip712_signing_hash(&domain)
    );
}
