//! Amounts: exact or an error.

use agent_core::money::{Amount, Asset, AssetTable, BaseUnits, Money, MoneyError, Network};
use agent_core::price::{Charge, Price, ResolvedPrice};
use alloy_primitives::Address;
use proptest::prelude::*;

fn usdc() -> Asset {
    Asset {
        network: Network::eip155(84_532),
        address: Address::repeat_byte(1),
        symbol: "USDC".to_owned(),
        decimals: 6,
        name: "USDC".to_owned(),
        version: "2".to_owned(),
    }
}

#[test]
fn text_becomes_base_units_exactly() {
    for (text, units) in [
        ("1 USDC", 1_000_000),
        ("0.001 USDC", 1_000),
        ("0.000001 USDC", 1),
        ("0.10 USDC", 100_000),
        ("1.50000000000000 USDC", 1_500_000),
        ("0 USDC", 0),
    ] {
        let money: Money = text.parse().unwrap();
        assert_eq!(
            money.in_base_units_of(&usdc()),
            Ok(BaseUnits::new(units)),
            "{text}"
        );
    }
}

#[test]
fn what_is_not_exact_is_refused() {
    let finer: Money = "0.0000001 USDC".parse().unwrap();
    assert!(matches!(
        finer.in_base_units_of(&usdc()),
        Err(MoneyError::TooPrecise { .. })
    ));
    let other: Money = "1 EURC".parse().unwrap();
    assert!(matches!(
        other.in_base_units_of(&usdc()),
        Err(MoneyError::UnknownSymbol(_))
    ));
    let huge: Money = "340282366920938463463374607431768211455 USDC"
        .parse()
        .unwrap();
    assert_eq!(huge.in_base_units_of(&usdc()), Err(MoneyError::Overflow));
    for text in [
        "",
        "1",
        "USDC",
        "1.2.3 USDC",
        "-1 USDC",
        "1e3 USDC",
        "+1 USDC",
        ".5 USDC",
        "1 US DC",
        "0x1 USDC",
    ] {
        assert!(text.parse::<Money>().is_err(), "{text}");
    }
}

#[test]
fn base_units_have_one_spelling() {
    for text in ["", "01", "+1", "-1", " 1", "1 ", "1.0", "0x1", "1_000"] {
        assert!(text.parse::<BaseUnits>().is_err(), "{text}");
        assert!(
            serde_json::from_value::<BaseUnits>(text.into()).is_err(),
            "{text}"
        );
    }
    assert!(
        serde_json::from_str::<BaseUnits>("1").is_err(),
        "a number is not a string"
    );
    assert_eq!(serde_json::to_string(&BaseUnits::new(7)).unwrap(), "\"7\"");
}

#[test]
fn nothing_wraps() {
    let (one, max) = (BaseUnits::new(1), BaseUnits::new(u128::MAX));
    assert_eq!(max.plus(one), Err(MoneyError::Overflow));
    assert_eq!(BaseUnits::ZERO.minus(one), Err(MoneyError::Underflow));
    assert_eq!(max.times(2), Err(MoneyError::Overflow));
    assert_eq!(BaseUnits::total([max, one]), Err(MoneyError::Overflow));
}

#[test]
fn amounts_of_two_assets_do_not_add() {
    let one = Amount {
        value: BaseUnits::new(1),
        asset: usdc().id(),
    };
    let other = Asset {
        address: Address::ZERO,
        ..usdc()
    };
    let two = Amount {
        value: BaseUnits::new(1),
        asset: other.id(),
    };
    assert_eq!(one.plus(two), Err(MoneyError::MixedAssets));
    assert_eq!(one.plus(one).unwrap().value, BaseUnits::new(2));
}

#[test]
fn networks_are_caip_2() {
    assert_eq!("eip155:8453".parse(), Ok(Network::eip155(8_453)));
    for text in [
        "8453",
        "eip155:",
        "eip155:0",
        "eip155:08",
        "eip155:-1",
        "solana:1",
        "eip155:1:2",
    ] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
}

#[test]
fn prices_resolve_to_ceilings() {
    let table = AssetTable::new(vec![usdc()]);
    assert_eq!(Price::free().resolve(&table), Ok(ResolvedPrice::Free));
    assert_eq!(
        Price::per_task("0 USDC").resolve(&table),
        Ok(ResolvedPrice::Free)
    );
    let metered = Price::per_unit("0.000002 USDC", "word", "0.01 USDC");
    let ResolvedPrice::Paid {
        ceiling, charge, ..
    } = metered.resolve(&table).unwrap()
    else {
        panic!("it has a price");
    };
    assert_eq!(ceiling, BaseUnits::new(10_000));
    assert_eq!(
        charge,
        Charge::PerUnit {
            slice: None,
            unit: "word".to_owned(),
            each: BaseUnits::new(2)
        }
    );
    assert!(Price::per_task("one dollar").resolve(&table).is_err());
    assert!(Price::per_task("1 EURC").resolve(&table).is_err());
}

proptest! {
    /// What is shown to people reads back as the same amount.
    #[test]
    fn shown_amounts_read_back(units in 0u128..u128::MAX / 2, decimals in 0u8..=18) {
        let asset = Asset { decimals, ..usdc() };
        let amount = BaseUnits::new(units);
        let money: Money = asset.show(amount).parse().unwrap();
        prop_assert_eq!(money.in_base_units_of(&asset), Ok(amount));
        let again: Money = money.to_string().parse().unwrap();
        prop_assert_eq!(again, money);
    }

    /// Arbitrary text is an amount or an error, never a panic.
    #[test]
    fn arbitrary_text_does_not_panic(text in "\\PC{0,60}") {
        let _ = text.parse::<Money>();
        let _ = text.parse::<BaseUnits>();
        let _ = text.parse::<Network>();
    }
}
