//! Every bit of a row: what the contract pays for the changed row is what we make of it.

use agent_core::{
    money::BaseUnits,
    voucher::{CanonicalSignature, Lock, Salt, Voucher},
};
use agent_tests::{
    rows, sign,
    world::{World, account, key, lock},
};
use alloy_primitives::{Address, U256, aliases::U96};

const HELD: u128 = 5_000;

/// What we make of a row for this payee and token: the claim, if the voucher is good for it.
fn ours(world: &World, honest: &Lock, row: &[u8]) -> U256 {
    let number = |at: usize| u128::from_be_bytes(row[at..at + 16].try_into().unwrap());
    let lock = Lock {
        payer: Address::from_slice(&row[..20]),
        signer: Address::from_slice(&row[20..40]),
        salt: Salt(U96::try_from_be_slice(&row[40..52]).unwrap()),
        ..*honest
    };
    let (ceiling, claim) = (number(52), number(68));
    let mut bytes = [0; 65];
    bytes[..64].copy_from_slice(&row[84..]);
    bytes[64] = 27 + (bytes[32] >> 7);
    bytes[32] &= 0x7f;
    let checked = CanonicalSignature::from_slice(&bytes)
        .ok()
        .and_then(|signature| {
            let id = lock.id(&world.domain);
            let received = Voucher::received(id, BaseUnits::new(ceiling), signature);
            received.check(&world.domain, &lock).ok()
        });
    let good = checked.is_some() && lock == *honest && claim <= ceiling && claim <= HELD;
    U256::from(if good { claim } else { 0 })
}

#[test]
fn no_bit_of_a_row_can_be_changed_unnoticed() {
    let mut world = World::new();
    let lock = lock(0, 5, 0xabcdef);
    let deadline = world.now() + 5_000;
    let open = sign::open(&key(0), &world.domain, &lock, HELD, deadline, 1);
    world.escrow(account(9), &open).unwrap();
    let honest = rows::signed(&key(0), &world.domain, &lock, 3_000, 2_048);
    let mut paying = 0;
    for bit in 0..rows::ROW_BYTES * 8 {
        let mut row = honest;
        row[bit / 8] ^= 0x80 >> (bit % 8);
        let batch = rows::settle(account(5), lock.token, &[row]);
        let paid = world.attempt(account(9), world.domain.contract(), &batch);
        let expected = ours(&world, &lock, &row);
        assert_eq!(paid.unwrap_or_default(), expected, "bit {bit}");
        paying += u32::from(!expected.is_zero());
    }
    // The claim alone is not signed. Its lower eleven bits, less what passes the ceiling of 3,000,
    // are the only ones that pay another amount.
    assert_eq!(paying, 10);
}
