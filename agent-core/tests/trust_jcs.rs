//! RFC 8785, with the vectors of the RFC itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use agent_core::jcs::{self, JcsError};
use proptest::prelude::*;
use serde_json::{Value, json};

fn canonical(text: &str) -> String {
    let value: Value = serde_json::from_str(text).unwrap();
    String::from_utf8(jcs::to_vec(&value).unwrap()).unwrap()
}

/// RFC 8785 appendix B.
const NUMBERS: &[(u64, &str)] = &[
    (0x0000_0000_0000_0000, "0"),
    (0x8000_0000_0000_0000, "0"),
    (0x0000_0000_0000_0001, "5e-324"),
    (0x8000_0000_0000_0001, "-5e-324"),
    (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
    (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
    (0x4340_0000_0000_0000, "9007199254740992"),
    (0xc340_0000_0000_0000, "-9007199254740992"),
    (0x4430_0000_0000_0000, "295147905179352830000"),
    (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
    (0x44b5_2d02_c7e1_4af6, "1e+23"),
    (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
    (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
    (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
    (0x444b_1ae4_d6e2_ef50, "1e+21"),
    (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
    (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
    (0x41b3_de43_5555_5553, "333333333.3333332"),
    (0x41b3_de43_5555_5554, "333333333.33333325"),
    (0x41b3_de43_5555_5555, "333333333.3333333"),
    (0x41b3_de43_5555_5556, "333333333.3333334"),
    (0x41b3_de43_5555_5557, "333333333.33333343"),
    (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
];

#[test]
fn numbers_of_appendix_b() {
    for (bits, written) in NUMBERS {
        let bytes = jcs::to_vec(&f64::from_bits(*bits)).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), *written, "{bits:016x}");
    }
}

#[test]
fn nan_and_infinities_are_refused_wherever_they_hide() {
    for bits in [
        0x7fff_ffff_ffff_ffff,
        0x7ff0_0000_0000_0000,
        0xfff0_0000_0000_0000,
    ] {
        let double = f64::from_bits(bits);
        assert!(matches!(jcs::to_vec(&double), Err(JcsError::NotFinite)));
        assert!(matches!(
            jcs::to_vec(&vec![(1, Some(double))]),
            Err(JcsError::NotFinite)
        ));
    }
    assert!(matches!(jcs::to_vec(&f32::NAN), Err(JcsError::NotFinite)));
}

#[test]
fn integers_are_exact_up_to_2_53_and_refused_beyond() {
    assert_eq!(
        jcs::to_vec(&9_007_199_254_740_992_u64).unwrap(),
        b"9007199254740992"
    );
    assert_eq!(
        jcs::to_vec(&-9_007_199_254_740_992_i64).unwrap(),
        b"-9007199254740992"
    );
    for beyond in [
        json!(9_007_199_254_740_993_u64),
        json!(i64::MIN),
        json!(u64::MAX),
    ] {
        assert!(
            matches!(jcs::to_vec(&beyond), Err(JcsError::Imprecise(_))),
            "{beyond}"
        );
    }
    assert!(jcs::to_vec(&u128::MAX).is_err());
    assert_eq!(canonical("[56.0, 1e2, -0]"), "[56,100,0]");
}

/// RFC 8785 §3.2.2 and §3.2.4: the sample object, and its bytes.
#[test]
#[expect(clippy::excessive_precision, reason = "as the RFC writes it")]
fn sample_of_section_3_2() {
    // The numbers are Rust's, since serde_json without `float_roundtrip` may parse one unit off.
    let sample = json!({
        "numbers": [333_333_333.333_333_29, 1E30, 4.50, 2e-3, 0.000_000_000_000_000_000_000_000_001],
        "string": "\u{20ac}$\u{f}\u{a}A'\u{42}\u{22}\u{5c}\\\"/",
        "literals": [null, true, false],
    });
    let bytes = "
        7b 22 6c 69 74 65 72 61 6c 73 22 3a 5b 6e 75 6c 6c 2c 74 72 75 65 2c 66 61 6c 73 65 5d 2c
        22 6e 75 6d 62 65 72 73 22 3a 5b 33 33 33 33 33 33 33 33 33 2e 33 33 33 33 33 33 33 2c 31
        65 2b 33 30 2c 34 2e 35 2c 30 2e 30 30 32 2c 31 65 2d 32 37 5d 2c 22 73 74 72 69 6e 67 22
        3a 22 e2 82 ac 24 5c 75 30 30 30 66 5c 6e 41 27 42 5c 22 5c 5c 5c 5c 5c 22 2f 22 7d";
    let bytes: String = bytes.split_whitespace().collect();
    let written = jcs::to_vec(&sample).unwrap();
    let written: String = written.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(written, bytes);
}

/// RFC 8785 §3.2.3.
#[test]
fn keys_sort_by_utf16_code_units() {
    let sample = r#"{
      "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis"
    }"#;
    let written = canonical(sample);
    let order = [
        "Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew",
    ];
    let places: Vec<usize> = order
        .iter()
        .map(|word| written.find(word).unwrap())
        .collect();
    assert!(places.is_sorted(), "{written}");
}

#[test]
fn strings_are_escaped_as_the_rfc_lists() {
    let text = "\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f}\u{7f}\u{2028}\"\\/é";
    assert_eq!(
        jcs::to_vec(text).unwrap(),
        "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\u{7f}\u{2028}\\\"\\\\/é\"".as_bytes()
    );
}

#[test]
fn depth_is_bounded() {
    let nest = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    assert!(jcs::to_vec(&nest(128)).is_ok());
    assert!(matches!(jcs::to_vec(&nest(129)), Err(JcsError::TooDeep)));
}

proptest! {
    #[test]
    fn doubles_survive(bits in any::<u64>()) {
        let double = f64::from_bits(bits);
        prop_assume!(double.is_finite());
        let text = String::from_utf8(jcs::to_vec(&double).unwrap()).unwrap();
        let back: f64 = text.parse().unwrap();
        prop_assert!(back == double, "{text}");
    }

    #[test]
    fn canonical_text_is_a_fixed_point(
        keys in proptest::collection::btree_map(".{0,6}", -1_000_000_i64..1_000_000, 0..8),
    ) {
        let once = jcs::to_vec(&keys).unwrap();
        let again: Value = serde_json::from_slice(&once).unwrap();
        prop_assert_eq!(jcs::to_vec(&again).unwrap(), once);
    }
}
