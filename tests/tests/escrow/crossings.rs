//! A signature is good for one thing: one struct, one lock, one contract, one chain, in one form.

use agent_client::chain::bindings::{
    IZ402Escrow::{self, BadSignature, BadVoucher},
    ReceiveWithAuthorization, TransferWithAuthorization,
};
use agent_core::voucher::Lock;
use agent_devnet::CONTRACTS;
use agent_tests::{
    rows,
    sign::{self, escrow_domain, structs, usdc_domain},
    world::{Refusal, World, account, key, lock, on_chain},
};
use alloy_primitives::{
    Address, B256, Bytes, U256, address,
    aliases::{U40, U96},
    keccak256, uint,
};
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue, eip712_domain, sol};

sol! {
    struct Refund { bytes32 channelId; uint256 nonce; uint128 amount; }
    struct ClaimEntry { bytes32 channelId; uint128 maxClaimableAmount; uint128 totalClaimed; }
    struct ClaimBatch { ClaimEntry[] claims; }
    struct Permit { address owner; address spender; uint256 value; uint256 nonce; uint256 deadline; }
}

const AMOUNT: u128 = 100;
const NONCE: u64 = 2;
const SALT: u64 = 5;
/// Where x402's `batch-settlement` is, which signs a struct of the very same shape.
const BATCH_SETTLEMENT: Address = address!("0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003");
/// The order of secp256k1.
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

/// What takes a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Open3009,
    Deposit3009,
    AuthorizeBySig,
    ReleaseBySig,
    SettleBatch,
}

const ENTRIES: [Entry; 5] = [
    Entry::Open3009,
    Entry::Deposit3009,
    Entry::AuthorizeBySig,
    Entry::ReleaseBySig,
    Entry::SettleBatch,
];

/// A lock whose payer, signer and payee are one account, so that nothing but what was signed tells
/// its signatures apart; and money in it and in the vault.
struct Stage {
    world: World,
    own: Lock,
    deadline: u64,
}

impl Stage {
    fn new() -> Self {
        let mut world = World::new();
        let (own, deadline) = (lock(0, 0, 3), world.now() + 5_000);
        let open = sign::open(&key(0), &world.domain, &own, 1_000, deadline, 1);
        world.escrow(account(0), &open).unwrap();
        world.deposit(account(0), CONTRACTS.usdc, 500).unwrap();
        Self {
            world,
            own,
            deadline,
        }
    }

    /// Whether the escrow takes these bytes for this.
    fn takes(&self, entry: Entry, lock: &Lock, bytes: &[u8]) -> Result<(), Refusal> {
        let (signature, of) = (Bytes::copy_from_slice(bytes), on_chain(lock));
        let (amount, deadline) = (U256::from(AMOUNT), U40::from(self.deadline));
        let (nonce, salt) = (U256::from(NONCE), B256::from(U256::from(SALT)));
        let (from, to) = (account(9), CONTRACTS.escrow);
        let world = &self.world;
        match entry {
            Entry::Open3009 => {
                let call = IZ402Escrow::open3009Call {
                    lock: of,
                    amount,
                    deadline,
                    validAfter: U256::ZERO,
                    validBefore: U256::MAX,
                    salt,
                    signature,
                };
                world.attempt(from, to, &call).map(drop)
            }
            Entry::Deposit3009 => {
                let call = IZ402Escrow::depositWithAuthorizationCall {
                    payer: lock.payer,
                    token: lock.token,
                    amount,
                    validAfter: U256::ZERO,
                    validBefore: U256::MAX,
                    salt,
                    signature,
                };
                world.attempt(from, to, &call).map(drop)
            }
            Entry::AuthorizeBySig => {
                let call = IZ402Escrow::authorizeBySigCall {
                    lock: of,
                    amount,
                    deadline,
                    nonce,
                    signature,
                };
                world.attempt(from, to, &call).map(drop)
            }
            Entry::ReleaseBySig => {
                let call = IZ402Escrow::releaseBySigCall {
                    lock: of,
                    amount,
                    nonce,
                    signature,
                };
                world.attempt(from, to, &call).map(drop)
            }
            Entry::SettleBatch => {
                let row = rows::pack(lock, AMOUNT, AMOUNT, compact(bytes));
                let call = rows::settle(lock.payee, lock.token, &[row]);
                let paid = world.attempt(from, to, &call)?;
                assert_eq!(paid, U256::from(AMOUNT));
                Ok(())
            }
        }
    }

    /// Everything that somebody may be brought to sign: a name, the digest, and what it is for.
    fn signed(&self) -> Vec<(String, B256, Option<Entry>)> {
        let domain = &self.world.domain;
        let ours = escrow_domain(domain);
        let usdc = usdc_domain(domain.chain_id(), CONTRACTS.usdc);
        let (id, another) = (self.world.id(&self.own), self.world.id(&lock(0, 0, 4)));
        let mut all = Vec::new();
        for (named, domain) in domains(&ours) {
            let home = |entry| (domain == ours).then_some(entry);
            for (of, id) in [("", id), (" of another lock", another)] {
                for (name, digest, entry) in self.of_the_escrow(&domain, id) {
                    let entry = home(entry).filter(|_| of.is_empty());
                    all.push((format!("{name}{of} under {named}"), digest, entry));
                }
            }
            for (name, digest) in self.of_others(&domain, id) {
                all.push((format!("{name} under {named}"), digest, None));
            }
        }
        for (named, domain) in domains(&usdc) {
            for (name, digest, entry) in self.of_the_token(&domain, id) {
                let entry = entry.filter(|_| domain == usdc);
                all.push((format!("{name} under {named} for the token"), digest, entry));
            }
        }
        // What is signed without a domain, or with its hash alone.
        all.push(("the lock's id".into(), id, None));
        all.push((
            "a bare hash".into(),
            keccak256((id, AMOUNT).abi_encode()),
            None,
        ));
        all
    }

    fn of_the_escrow(&self, domain: &Eip712Domain, id: B256) -> [(&'static str, B256, Entry); 3] {
        let voucher = structs::Voucher {
            channelId: id,
            maxClaimableAmount: AMOUNT,
        };
        let authorize = structs::Authorize {
            lockId: id,
            amount: AMOUNT,
            deadline: U40::from(self.deadline).to(),
            nonce: U256::from(NONCE),
        };
        let release = structs::Release {
            lockId: id,
            amount: AMOUNT,
            nonce: U256::from(NONCE),
        };
        [
            (
                "Voucher",
                voucher.eip712_signing_hash(domain),
                Entry::SettleBatch,
            ),
            (
                "Authorize",
                authorize.eip712_signing_hash(domain),
                Entry::AuthorizeBySig,
            ),
            (
                "Release",
                release.eip712_signing_hash(domain),
                Entry::ReleaseBySig,
            ),
        ]
    }

    fn of_others(&self, domain: &Eip712Domain, id: B256) -> [(&'static str, B256); 4] {
        let refund = Refund {
            channelId: id,
            nonce: U256::from(NONCE),
            amount: AMOUNT,
        };
        let claims = ClaimBatch {
            claims: vec![ClaimEntry {
                channelId: id,
                maxClaimableAmount: AMOUNT,
                totalClaimed: AMOUNT,
            }],
        };
        let permit = Permit {
            owner: account(0),
            spender: CONTRACTS.escrow,
            value: U256::from(AMOUNT),
            nonce: U256::ZERO,
            deadline: U256::MAX,
        };
        let lock = structs::Lock {
            payer: self.own.payer,
            signer: self.own.signer,
            payee: self.own.payee,
            token: self.own.token,
            salt: self.own.salt.0 ^ U96::ONE,
        };
        [
            ("Refund", refund.eip712_signing_hash(domain)),
            ("ClaimBatch", claims.eip712_signing_hash(domain)),
            ("Permit", permit.eip712_signing_hash(domain)),
            ("Lock", lock.eip712_signing_hash(domain)),
        ]
    }

    fn of_the_token(
        &self,
        domain: &Eip712Domain,
        id: B256,
    ) -> [(&'static str, B256, Option<Entry>); 4] {
        let (from, to, value) = (account(0), CONTRACTS.escrow, U256::from(AMOUNT));
        let salt = B256::from(U256::from(SALT));
        let for_lock = keccak256((id, U40::from(self.deadline), salt).abi_encode());
        let for_vault = keccak256((from, salt).abi_encode());
        let receive = |nonce| {
            ReceiveWithAuthorization {
                from,
                to,
                value,
                validAfter: U256::ZERO,
                validBefore: U256::MAX,
                nonce,
            }
            .eip712_signing_hash(domain)
        };
        let transfer = |nonce| {
            TransferWithAuthorization {
                from,
                to,
                value,
                validAfter: U256::ZERO,
                validBefore: U256::MAX,
                nonce,
            }
            .eip712_signing_hash(domain)
        };
        [
            (
                "Receive into a lock",
                receive(for_lock),
                Some(Entry::Open3009),
            ),
            (
                "Receive into a vault",
                receive(for_vault),
                Some(Entry::Deposit3009),
            ),
            ("Transfer into a lock", transfer(for_lock), None),
            ("Transfer into a vault", transfer(for_vault), None),
        ]
    }
}

/// A domain, and all that differ from it in one member, and those of neighbours.
fn domains(domain: &Eip712Domain) -> Vec<(&'static str, Eip712Domain)> {
    let chain_id = domain.chain_id.unwrap();
    let batch = eip712_domain! {
        name: "x402 Batch Settlement",
        version: "1",
        chain_id: chain_id.to(),
        verifying_contract: BATCH_SETTLEMENT,
    };
    let change = |change: &dyn Fn(&mut Eip712Domain)| {
        let mut other = domain.clone();
        change(&mut other);
        other
    };
    vec![
        ("its own domain", domain.clone()),
        (
            "another chain",
            change(&|d| d.chain_id = Some(chain_id + U256::ONE)),
        ),
        (
            "another contract",
            change(&|d| d.verifying_contract = Some(account(7))),
        ),
        (
            "another name",
            change(&|d| d.name = Some("z402 escrow".into())),
        ),
        ("another version", change(&|d| d.version = Some("3".into()))),
        ("no chain", change(&|d| d.chain_id = None)),
        ("no contract", change(&|d| d.verifying_contract = None)),
        ("x402's batch settlement", batch),
    ]
}

/// The row's form of a signature of 65 bytes.
fn compact(bytes: &[u8]) -> [u8; 64] {
    let mut compact: [u8; 64] = bytes[..64].try_into().unwrap();
    compact[32] |= u8::from(bytes[64] == 28) << 7;
    compact
}

#[test]
fn what_was_signed_for_one_thing_is_good_for_no_other() {
    let stage = Stage::new();
    let signed = stage.signed();
    assert!(signed.len() > 100, "{}", signed.len());
    for entry in ENTRIES {
        let mut taken = 0;
        for (name, digest, home) in &signed {
            let bytes = sign::hash(&key(0), *digest);
            let said = stage.takes(entry, &stage.own, &bytes);
            assert_eq!(
                said.is_ok(),
                *home == Some(entry),
                "{entry:?}: {name}: {said:?}"
            );
            taken += u32::from(said.is_ok());
        }
        assert_eq!(taken, 1, "{entry:?}");
    }
}

#[test]
fn a_signature_has_one_form() {
    let stage = Stage::new();
    let forgery = [
        (Entry::AuthorizeBySig, Refusal::of(&BadSignature {})),
        (Entry::ReleaseBySig, Refusal::of(&BadSignature {})),
        (
            Entry::SettleBatch,
            Refusal::of(&BadVoucher { row: U256::ZERO }),
        ),
    ];
    for (entry, error) in forgery {
        let digests = stage.of_the_escrow(
            &escrow_domain(&stage.world.domain),
            stage.world.id(&stage.own),
        );
        let (_, digest, _) = digests.into_iter().find(|(_, _, of)| *of == entry).unwrap();
        let honest = sign::hash(&key(0), digest);
        assert_eq!(stage.takes(entry, &stage.own, &honest), Ok(()));

        // The mirror image of s, with either recovery id: a row has no bit to say it with.
        let s = U256::from_be_slice(&honest[32..64]);
        for v in [27, 28] {
            let mut high = honest;
            high[32..64].copy_from_slice(&(ORDER - s).to_be_bytes::<32>());
            high[64] = v;
            if entry != Entry::SettleBatch {
                assert_eq!(stage.takes(entry, &stage.own, &high), Err(error.clone()));
            }
            let mut other = honest;
            other[64] = v;
            let said = stage.takes(entry, &stage.own, &other);
            assert_eq!(said.is_ok(), v == honest[64]);
        }
        for (r, s) in [
            (U256::ZERO, s),
            (ORDER, s),
            (s, U256::ZERO),
            (s, ORDER),
            (U256::ZERO, U256::ZERO),
        ] {
            let mut empty = honest;
            empty[..32].copy_from_slice(&r.to_be_bytes::<32>());
            empty[32..64].copy_from_slice(&s.to_be_bytes::<32>());
            assert_eq!(stage.takes(entry, &stage.own, &empty), Err(error.clone()));
        }
        if entry == Entry::SettleBatch {
            continue;
        }
        for v in (0..=255).filter(|v| !matches!(v, 27 | 28)) {
            let mut odd = honest;
            odd[64] = v;
            assert_eq!(
                stage.takes(entry, &stage.own, &odd),
                Err(error.clone()),
                "v = {v}"
            );
        }
        for bytes in [
            &honest[..0],
            &honest[..64],
            &[honest.as_slice(), &[0]].concat(),
        ] {
            assert_eq!(stage.takes(entry, &stage.own, bytes), Err(error.clone()));
        }
    }
}

#[test]
fn who_signs_nothing_is_nobody() {
    let stage = Stage::new();
    // From each of these, recovery gives the zero address.
    let mut garbage = vec![[0; 65]; 3];
    garbage[1][..64].fill(0xff);
    garbage[2][63] = 1;
    for bytes in &mut garbage {
        bytes[64] = 27;
        let bad = Err(Refusal::of(&BadSignature {}));
        let nobody = Lock {
            payer: Address::ZERO,
            payee: Address::ZERO,
            signer: Address::ZERO,
            ..stage.own
        };
        assert_eq!(stage.takes(Entry::AuthorizeBySig, &nobody, bytes), bad);
        assert_eq!(stage.takes(Entry::ReleaseBySig, &nobody, bytes), bad);
        // Nobody's lock cannot be funded, so a row of it pays nothing.
        let row = rows::pack(
            &Lock {
                signer: Address::ZERO,
                ..stage.own
            },
            AMOUNT,
            AMOUNT,
            compact(bytes),
        );
        let call = rows::settle(stage.own.payee, stage.own.token, &[row]);
        let paid = stage.world.attempt(account(9), CONTRACTS.escrow, &call);
        assert_eq!(paid, Ok(U256::ZERO));
    }
}
