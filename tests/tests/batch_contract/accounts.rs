//! Parties that are contracts.

use agent_core::x402::batch::ChannelConfig;
use agent_tests::tokens::ITestToken;
use agent_tests::world::{Refusal, World, account};
use alloy_primitives::{Address, Bytes, U256};

use crate::bind::IX402BatchSettlement as batch;
use crate::stage::{
    AUTHORIZER, PAYER, RECEIVER, STRANGER, USDC, channel, deposit, row, send, signed_claim,
    signed_refund, state,
};

/// A wallet whose answer to everything is this word.
fn wallet(world: &mut World, byte: u8, answer: [u8; 4]) -> Address {
    let at = Address::repeat_byte(byte);
    // push4 answer, shl 224, mstore at 0, return 32 bytes
    let mut code = vec![0x63];
    code.extend(answer);
    code.extend([
        0x60, 0xe0, 0x1b, 0x60, 0x00, 0x52, 0x60, 0x20, 0x60, 0x00, 0xf3,
    ]);
    world.chain.set_code(at, Bytes::from(code)).unwrap();
    at
}

const AGREES: [u8; 4] = [0x16, 0x26, 0xba, 0x7e];

fn claim(config: &ChannelConfig, by: usize) -> batch::claimCall {
    batch::claimCall {
        voucherClaims: vec![row(config, 40, 40, by)],
    }
}

#[test]
fn without_an_authorizer_the_payers_account_answers() {
    let mut world = World::new();
    let config = ChannelConfig {
        payer_authorizer: Address::ZERO,
        ..channel(0)
    };
    send(&mut world, STRANGER, &deposit(&config, 100, 1, PAYER)).unwrap();
    let refused = send(&mut world, RECEIVER, &claim(&config, STRANGER)).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::InvalidSignature {}));
    send(&mut world, RECEIVER, &claim(&config, PAYER)).unwrap();
    assert_eq!(state(&world, &config), (100, 40));
}

#[test]
fn a_wallet_that_is_a_contract_stands_by_its_signatures_or_does_not() {
    for (answer, agrees) in [(AGREES, true), ([0xff; 4], false), ([0; 4], false)] {
        let mut world = World::new();
        let payer = wallet(&mut world, 0xaa, answer);
        let mint = ITestToken::mintCall {
            to: payer,
            value: U256::from(100),
        };
        world.send(account(0), USDC, &mint).unwrap();
        let config = ChannelConfig {
            payer,
            payer_authorizer: Address::ZERO,
            ..channel(0)
        };
        // The token asks the wallet too.
        let paid_in = send(&mut world, STRANGER, &deposit(&config, 100, 1, STRANGER));
        assert_eq!(paid_in.is_ok(), agrees);
        if agrees {
            send(&mut world, RECEIVER, &claim(&config, STRANGER)).unwrap();
            assert_eq!(state(&world, &config), (100, 40));
        }
    }
}

#[test]
fn a_contracts_key_is_not_asked_where_a_key_is_named() {
    let mut world = World::new();
    let agreeing = wallet(&mut world, 0xaa, AGREES);
    let config = ChannelConfig {
        payer_authorizer: agreeing,
        ..channel(0)
    };
    send(&mut world, STRANGER, &deposit(&config, 100, 1, PAYER)).unwrap();
    let refused = send(&mut world, RECEIVER, &claim(&config, STRANGER)).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::InvalidSignature {}));
}

#[test]
fn a_receivers_authorizer_may_be_a_contract() {
    for (answer, agrees) in [(AGREES, true), ([0x16, 0x26, 0xba, 0x7f], false)] {
        let mut world = World::new();
        let config = ChannelConfig {
            receiver_authorizer: wallet(&mut world, 0xab, answer),
            ..channel(0)
        };
        send(&mut world, STRANGER, &deposit(&config, 100, 1, PAYER)).unwrap();
        let rows = vec![row(&config, 40, 40, PAYER)];
        let claimed = send(
            &mut world,
            STRANGER,
            &signed_claim(rows, &[config], STRANGER),
        );
        let refund = signed_refund(&config, 10, 0, AUTHORIZER);
        let refunded = send(&mut world, STRANGER, &refund);
        assert_eq!((claimed.is_ok(), refunded.is_ok()), (agrees, agrees));
    }
}
