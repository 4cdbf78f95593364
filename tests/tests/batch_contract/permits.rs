//! Permit2, and the contracts that spend its permits.

use agent_client::chain::bindings::IToken;
use agent_core::money::BaseUnits;
use agent_core::x402::batch::PERMIT2_DEPOSIT_COLLECTOR;
use agent_core::x402::{
    EXACT_PERMIT2_PROXY, ExactWitness, PERMIT2, Permit2Authorization, Permit2Domain,
    TokenPermissions, UPTO_PERMIT2_PROXY, Uint256, UptoWitness, Witness,
};
use agent_devnet::{CONTRACTS, GENESIS_USDC};
use agent_tests::sign::usdc_domain;
use agent_tests::world::{Refusal, World, account, key};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::{SolCall, SolStruct, SolValue};

use crate::bind::{
    Exact, ICollector, IExactProxy, IMulticall3, ISignatureTransfer as permit2, IUptoProxy,
    Permissions, Permit, TokenPermit, Upto,
};
use crate::stage::{
    FOREVER, PAYER, RECEIVER, STRANGER, USDC, channel, deposit_by_permit, network, send, signed,
    state,
};

const FACILITATOR: usize = 3;

alloy_sol_types::sol! {
    /// EIP-2612's message. Its name is its EIP-712 type.
    struct Approval { address owner; address spender; uint256 value; uint256 nonce; uint256 deadline; }
}

fn approved() -> World {
    let mut world = World::new();
    let approve = IToken::approveCall {
        spender: PERMIT2,
        value: U256::MAX,
    };
    world.send(account(PAYER), USDC, &approve).unwrap();
    world
}

fn authorization<W>(
    amount: u128,
    nonce: u64,
    spender: Address,
    witness: W,
) -> Permit2Authorization<W> {
    Permit2Authorization {
        from: account(PAYER),
        permitted: TokenPermissions {
            token: USDC,
            amount: BaseUnits::new(amount),
        },
        spender,
        nonce: Uint256::of(nonce),
        deadline: Uint256::of(FOREVER),
        witness,
    }
}

fn sign<W: Witness>(authorization: &Permit2Authorization<W>, by: usize) -> Bytes {
    signed(by, authorization.digest(&Permit2Domain::new(network())))
}

fn on_chain<W>(of: &Permit2Authorization<W>) -> Permit {
    Permit {
        permitted: Permissions {
            token: of.permitted.token,
            amount: U256::from(of.permitted.amount.get()),
        },
        nonce: of.nonce.0,
        deadline: of.deadline.0,
    }
}

fn exact(amount: u128, nonce: u64, by: usize) -> IExactProxy::settleCall {
    let witness = ExactWitness {
        to: account(RECEIVER),
        valid_after: Uint256::of(0),
    };
    let of = authorization(amount, nonce, EXACT_PERMIT2_PROXY, witness);
    IExactProxy::settleCall {
        permit: on_chain(&of),
        owner: of.from,
        witness: Exact {
            to: witness.to,
            validAfter: witness.valid_after.0,
        },
        signature: sign(&of, by),
    }
}

fn upto(max: u128, amount: u128, nonce: u64) -> IUptoProxy::settleCall {
    let witness = UptoWitness {
        to: account(RECEIVER),
        facilitator: account(FACILITATOR),
        valid_after: Uint256::of(0),
    };
    let of = authorization(max, nonce, UPTO_PERMIT2_PROXY, witness);
    IUptoProxy::settleCall {
        permit: on_chain(&of),
        amount: U256::from(amount),
        owner: of.from,
        witness: Upto {
            to: witness.to,
            facilitator: witness.facilitator,
            validAfter: witness.valid_after.0,
        },
        signature: sign(&of, PAYER),
    }
}

fn earned(world: &World) -> U256 {
    world.balance(USDC, account(RECEIVER)) - U256::from(GENESIS_USDC)
}

#[test]
fn exact_pays_what_was_signed_to_whom_it_was_signed_once() {
    let mut world = approved();
    let to = EXACT_PERMIT2_PROXY;
    let good = exact(700, 5, PAYER);
    let mut elsewhere = good.clone();
    elsewhere.witness.to = account(STRANGER);
    let mut more = good.clone();
    more.permit.permitted.amount = U256::from(701);
    for forged in [elsewhere, more, exact(700, 5, STRANGER)] {
        let refused = world.send(account(STRANGER), to, &forged).unwrap_err();
        assert_eq!(refused, Refusal::of(&permit2::InvalidSigner {}));
    }
    let mut early = good.clone();
    early.witness.validAfter = U256::from(FOREVER);
    let refused = world.send(account(STRANGER), to, &early).unwrap_err();
    assert_eq!(refused, Refusal::of(&IExactProxy::PaymentTooEarly {}));

    world.send(account(STRANGER), to, &good).unwrap();
    assert_eq!(earned(&world), U256::from(700));
    let refused = world.send(account(STRANGER), to, &good).unwrap_err();
    assert_eq!(refused, Refusal::of(&permit2::InvalidNonce {}));
    // Nonces have no order, and each is a bit of a word.
    for nonce in [4, 255, 256, 0] {
        world
            .send(account(STRANGER), to, &exact(1, nonce, PAYER))
            .unwrap();
    }
    let bits = |word: u64| permit2::nonceBitmapCall {
        owner: account(PAYER),
        word: U256::from(word),
    };
    let first = (U256::ONE << 255) | U256::from(0b11_0001);
    assert_eq!(world.view(PERMIT2, &bits(0)), first);
    assert_eq!(world.view(PERMIT2, &bits(1)), U256::ONE);
}

#[test]
fn upto_pays_what_the_named_facilitator_says() {
    let mut world = approved();
    let to = UPTO_PERMIT2_PROXY;
    let refused = world
        .send(account(STRANGER), to, &upto(700, 10, 1))
        .unwrap_err();
    assert_eq!(
        refused,
        Refusal::of(&IUptoProxy::UnauthorizedFacilitator {})
    );
    let refused = world
        .send(account(FACILITATOR), to, &upto(700, 701, 1))
        .unwrap_err();
    assert_eq!(refused, Refusal::of(&IUptoProxy::AmountExceedsPermitted {}));
    let refused = world
        .send(account(FACILITATOR), to, &upto(700, 0, 1))
        .unwrap_err();
    assert_eq!(refused, Refusal::of(&IExactProxy::InvalidAmount {}));
    world
        .send(account(FACILITATOR), to, &upto(700, 450, 1))
        .unwrap();
    assert_eq!(earned(&world), U256::from(450));
    let refused = world
        .send(account(FACILITATOR), to, &upto(700, 250, 1))
        .unwrap_err();
    assert_eq!(refused, Refusal::of(&permit2::InvalidNonce {}));
}

#[test]
fn a_permit_ends_and_can_be_taken_back() {
    let mut world = approved();
    let to = EXACT_PERMIT2_PROXY;
    let take_back = permit2::invalidateUnorderedNoncesCall {
        word: U256::ZERO,
        mask: U256::from(0b100),
    };
    world.send(account(PAYER), PERMIT2, &take_back).unwrap();
    let refused = world
        .send(account(STRANGER), to, &exact(1, 2, PAYER))
        .unwrap_err();
    assert_eq!(refused, Refusal::of(&permit2::InvalidNonce {}));

    let mut expired = exact(1, 3, PAYER);
    expired.permit.deadline = U256::from(world.now() - 1);
    let refused = world.send(account(STRANGER), to, &expired).unwrap_err();
    let signatureDeadline = expired.permit.deadline;
    assert_eq!(
        refused,
        Refusal::of(&permit2::SignatureExpired { signatureDeadline })
    );

    // Only the spender that was named can use it.
    let stolen = permit2::permitWitnessTransferFromCall {
        permit: permit2::PermitTransferFrom {
            permitted: permit2::TokenPermissions {
                token: USDC,
                amount: U256::ONE,
            },
            nonce: U256::from(3),
            deadline: U256::from(FOREVER),
        },
        transferDetails: permit2::SignatureTransferDetails {
            to: account(STRANGER),
            requestedAmount: U256::ONE,
        },
        owner: account(PAYER),
        witness: B256::ZERO,
        witnessTypeString: "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)".into(),
        signature: exact(1, 3, PAYER).signature,
    };
    let refused = world.send(account(STRANGER), PERMIT2, &stolen).unwrap_err();
    assert_eq!(refused, Refusal::of(&permit2::InvalidSigner {}));
}

#[test]
fn the_short_form_of_a_signature_is_good_too() {
    let mut world = approved();
    let mut short = exact(1, 3, PAYER);
    let mut bytes = short.signature.to_vec();
    let parity = bytes.pop().unwrap() - 27;
    bytes[32] |= parity << 7;
    short.signature = bytes.into();
    world
        .send(account(STRANGER), EXACT_PERMIT2_PROXY, &short)
        .unwrap();
    let mut shorter = exact(1, 4, PAYER);
    shorter.signature = Bytes::from_static(&[1; 63]);
    let refused = world
        .send(account(STRANGER), EXACT_PERMIT2_PROXY, &shorter)
        .unwrap_err();
    assert_eq!(refused, Refusal::of(&permit2::InvalidSignatureLength {}));
}

/// An EIP-2612 approval of Permit2 by the payer.
fn approval(value: u64) -> TokenPermit {
    let message = Approval {
        owner: account(PAYER),
        spender: PERMIT2,
        value: U256::from(value),
        nonce: U256::ZERO,
        deadline: U256::from(FOREVER),
    };
    let mut digest = Vec::from([0x19, 0x01]);
    digest.extend(usdc_domain(network().chain_id, USDC).separator());
    // The type is called Permit on chain, which is the name of another struct here.
    let typehash =
        alloy_primitives::keccak256(Approval::eip712_root_type().replace("Approval", "Permit"));
    digest.extend(alloy_primitives::keccak256(
        (typehash, message).abi_encode(),
    ));
    let signature = key(PAYER)
        .sign_hash_sync(&alloy_primitives::keccak256(digest))
        .unwrap();
    TokenPermit {
        value: U256::from(value),
        deadline: U256::from(FOREVER),
        r: signature.r().into(),
        s: signature.s().into(),
        v: 27 + u8::from(signature.v()),
    }
}

#[test]
fn a_payer_that_never_approved_permit2_can_do_so_on_the_way() {
    let mut world = World::new();
    let plain = exact(500, 1, PAYER);
    let with = |permit2612| IExactProxy::settleWithPermitCall {
        permit2612,
        permit: plain.permit.clone(),
        owner: plain.owner,
        witness: plain.witness.clone(),
        signature: plain.signature.clone(),
    };
    let to = EXACT_PERMIT2_PROXY;
    let refused = world.send(account(STRANGER), to, &plain).unwrap_err();
    assert_eq!(refused, Refusal::text("TRANSFER_FROM_FAILED"));
    let refused = world
        .send(account(STRANGER), to, &with(approval(501)))
        .unwrap_err();
    assert_eq!(
        refused,
        Refusal::of(&ICollector::Permit2612AmountMismatch {})
    );
    let done = world
        .send(account(STRANGER), to, &with(approval(500)))
        .unwrap();
    assert_eq!(done.events::<IExactProxy::SettledWithPermit>().len(), 1);
    assert_eq!(earned(&world), U256::from(500));
}

#[test]
fn somebody_elses_use_of_the_approval_does_not_stop_the_payment() {
    let mut world = World::new();
    let config = channel(0);
    let permit = approval(300);
    let call = deposit_by_permit(&config, 300, 1, PAYER);
    let (nonce, deadline, signature, none) =
        <(U256, U256, Bytes, Bytes)>::abi_decode_params(&call.collectorData).unwrap();
    assert!(none.is_empty());
    let v = U256::from(permit.v);
    let approving = (permit.value, permit.deadline, v, permit.r, permit.s);
    let approving = Bytes::from(approving.abi_encode_params());
    let mut call = call;
    call.collectorData = (nonce, deadline, signature, approving)
        .abi_encode_params()
        .into();

    alloy_sol_types::sol! {
        function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
    }
    let front_run = permitCall {
        owner: account(PAYER),
        spender: PERMIT2,
        value: permit.value,
        deadline: permit.deadline,
        v: permit.v,
        r: permit.r,
        s: permit.s,
    };
    world.send(account(STRANGER), USDC, &front_run).unwrap();
    let done = send(&mut world, STRANGER, &call).unwrap();
    let failed = done.events::<ICollector::EIP2612PermitFailedWithReason>();
    assert_eq!(failed[0].reason, "EIP2612: invalid signature");
    assert_eq!(state(&world, &config), (300, 0));
}

#[test]
fn a_permit_deposit_goes_into_the_channel_that_was_signed() {
    let mut world = approved();
    let (config, other) = (channel(0), channel(1));
    let mut turned = deposit_by_permit(&config, 300, 1, PAYER);
    turned.config = crate::stage::on_chain(&other);
    let refused = send(&mut world, STRANGER, &turned).unwrap_err();
    assert_eq!(refused, Refusal::of(&permit2::InvalidSigner {}));
    let call = deposit_by_permit(&config, 300, 1, PAYER);
    assert_eq!(call.collector, PERMIT2_DEPOSIT_COLLECTOR);
    send(&mut world, STRANGER, &call).unwrap();
    assert_eq!(state(&world, &config), (300, 0));
    let refused = send(&mut world, STRANGER, &call).unwrap_err();
    assert_eq!(refused, Refusal::of(&permit2::InvalidNonce {}));
}

#[test]
fn several_views_are_read_in_one() {
    let world = World::new();
    let at = CONTRACTS.x402.multicall3;
    let good = IToken::balanceOfCall {
        owner: account(PAYER),
    };
    let bad = IToken::transferCall {
        to: account(PAYER),
        value: U256::MAX,
    };
    let call = |data: Vec<u8>| IMulticall3::Call {
        target: USDC,
        callData: data.into(),
    };
    let ask = |requireSuccess| IMulticall3::tryAggregateCall {
        requireSuccess,
        calls: vec![call(good.abi_encode()), call(bad.abi_encode())],
    };
    let results = world.view(at, &ask(false));
    assert_eq!((results[0].success, results[1].success), (true, false));
    let has = IToken::balanceOfCall::abi_decode_returns(&results[0].returnData).unwrap();
    assert_eq!(has, U256::from(GENESIS_USDC));
    let refused = world.attempt(account(0), at, &ask(true)).unwrap_err();
    assert_eq!(refused, Refusal::text("Multicall3: call failed"));

    let call = |data: Vec<u8>, allowFailure| IMulticall3::Call3 {
        target: USDC,
        allowFailure,
        callData: data.into(),
    };
    let ask = |allow| IMulticall3::aggregate3Call {
        calls: vec![
            call(good.abi_encode(), false),
            call(bad.abi_encode(), allow),
        ],
    };
    let results = world.view(at, &ask(true));
    assert_eq!((results[0].success, results[1].success), (true, false));
    let refused = world.attempt(account(0), at, &ask(false)).unwrap_err();
    assert_eq!(refused, Refusal::text("Multicall3: call failed"));
}
