//! A lock's life.

use agent_client::chain::bindings::{IToken, IZ402Escrow as escrow};
use agent_core::voucher::{Lock, Salt};
use agent_tests::{rows, sign, tokens::ITestToken, world::on_chain};
use alloy_primitives::{
    U256,
    aliases::{U40, U96},
};

use crate::node::{Cast, Node};

pub(crate) async fn play(node: &mut Node, cast: &Cast) {
    let [usdc, _, _, at] = node.contracts;
    let (payer, payee) = (cast.address(0), cast.address(1));
    let lock = Lock {
        payer,
        signer: payer,
        payee,
        token: usdc,
        salt: Salt(U96::from(402)),
    };
    let deadline = cast.start() + 20_000;
    let (domain, key) = (node.domain(), &cast.keys[0]);

    let mint = ITestToken::mintCall {
        to: payer,
        value: U256::from(10_000),
    };
    node.act(1, usdc, &mint).await;
    node.act(
        0,
        usdc,
        &IToken::approveCall {
            spender: at,
            value: U256::from(1_000),
        },
    )
    .await;
    let deposit = |amount: u64| escrow::depositCall {
        token: usdc,
        amount: U256::from(amount),
    };
    node.refused(0, at, &deposit(1_001), "TransferFailed").await;
    node.act(0, at, &deposit(1_000)).await;
    let open = sign::open(key, &domain, &lock, 5_000, deadline, 1);
    node.act(1, at, &open).await;
    node.refused(1, at, &open, "TransferFailed").await;
    let more = escrow::authorizeCall {
        lock: on_chain(&lock),
        amount: U256::from(500),
        deadline: U40::from(deadline),
    };
    node.act(0, at, &more).await;

    let id = node
        .ask(
            at,
            &escrow::lockIdCall {
                lock: on_chain(&lock),
            },
        )
        .await;
    assert_eq!(id, lock.id(&domain).0);
    let row = rows::signed(key, &domain, &lock, 3_000, 2_500);
    let batch = rows::settle(payee, usdc, &[row]);
    node.act(1, at, &batch).await;
    node.act(1, at, &batch).await;
    let forged = rows::signed(&cast.keys[1], &domain, &lock, 3_000, 2_501);
    let forged = rows::settle(payee, usdc, &[row, forged]);
    node.refused(1, at, &forged, "BadVoucher { row: 1 }").await;

    let give = escrow::releaseByPayeeCall {
        lock: on_chain(&lock),
        amount: U256::from(100),
    };
    node.act(1, at, &give).await;
    let release = escrow::releaseCall {
        lock: on_chain(&lock),
    };
    node.refused(0, at, &release, "DeadlineNotReached").await;
    node.wait(crate::PASSED).await;
    node.act(0, at, &release).await;
    let take = escrow::withdrawCall {
        token: usdc,
        amount: U256::from(500),
        to: payer,
    };
    node.act(0, at, &take).await;

    let state = node.ask(at, &escrow::stateOfCall { id }).await;
    assert_eq!(
        (state.authorized, state.claimed),
        (state.claimed, state.authorized)
    );
    for (owner, amount) in [(payer, 7_500), (payee, 2_500), (at, 0)] {
        let has = node.ask(usdc, &IToken::balanceOfCall { owner }).await;
        assert_eq!(has, U256::from(amount));
    }
}
