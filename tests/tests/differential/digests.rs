//! Digests for random inputs: ours, the contract's, and alloy's.

use agent_client::chain::bindings::IZ402Escrow;
use agent_core::{
    money::BaseUnits,
    voucher::{ChannelId, EscrowDomain, Lock, Salt},
};
use agent_devnet::{CONTRACTS, Chain, DevnetConfig};
use agent_tests::{
    sign::{escrow_domain, structs},
    world::{World, escrow_code, on_chain},
};
use alloy_primitives::{Address, aliases::U96};
use alloy_sol_types::SolStruct;

use crate::dice::Dice;

fn random_lock(dice: &mut Dice) -> Lock {
    let mut address = || Address::from_word(dice.word());
    Lock {
        payer: address(),
        signer: address(),
        payee: address(),
        token: address(),
        salt: Salt(U96::try_from_be_slice(&dice.word()[..12]).unwrap()),
    }
}

fn agree(world: &World, dice: &mut Dice) {
    let (escrow, domain) = (world.domain.contract(), &world.domain);
    let separator = world.view(escrow, &IZ402Escrow::domainSeparatorCall {});
    assert_eq!(domain.separator(), separator);
    for _ in 0..200 {
        let lock = random_lock(dice);
        let ours = lock.id(domain);
        let ask = IZ402Escrow::lockIdCall {
            lock: on_chain(&lock),
        };
        assert_eq!(ours.0, world.view(escrow, &ask));
        let alloys = structs::Lock {
            payer: lock.payer,
            signer: lock.signer,
            payee: lock.payee,
            token: lock.token,
            salt: lock.salt.0,
        };
        assert_eq!(ours.0, alloys.eip712_signing_hash(&escrow_domain(domain)));

        let (id, ceiling) = (dice.word(), dice.amount() >> dice.below(128));
        let ours = domain.voucher_digest(ChannelId(id), BaseUnits::new(ceiling));
        assert_eq!(
            ours,
            world.view(escrow, &IZ402Escrow::voucherDigestCall { id, ceiling })
        );
        let alloys = structs::Voucher {
            channelId: id,
            maxClaimableAmount: ceiling,
        };
        assert_eq!(ours, alloys.eip712_signing_hash(&escrow_domain(domain)));
    }
}

#[test]
fn digests_are_the_contracts_on_any_chain_and_at_any_address() {
    let mut dice = Dice::new("digests");
    let code = escrow_code();
    for chain_id in [1, 84_532, u64::from(u32::MAX) + 1] {
        let config = DevnetConfig::default().with_chain_id(chain_id);
        let mut world = World {
            chain: Chain::new(&config).unwrap(),
            domain: EscrowDomain::new(chain_id, CONTRACTS.escrow),
        };
        world
            .chain
            .set_code(CONTRACTS.escrow, code.clone())
            .unwrap();
        agree(&world, &mut dice);
        let elsewhere = Address::from_word(dice.word());
        world.chain.set_code(elsewhere, code.clone()).unwrap();
        world.domain = EscrowDomain::new(chain_id, elsewhere);
        agree(&world, &mut dice);
    }
}
