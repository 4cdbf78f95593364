//! Json, Metadata and Timestamp: the values that A2A objects are made of.

use agent_core::a2a::{Part, Secret, Timestamp};
use agent_core::json::{Json, Metadata};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// Numbers that a tree of `f64` would change or refuse.
const NUMBERS: [&str; 10] = [
    "42",
    "42.0",
    "-0",
    "-0.0",
    "12345678901234567890123",
    "1e400",
    "1E-400",
    "0.1000000000000000055511151231257827",
    "18446744073709551616",
    "1e0",
];

#[test]
fn numbers_pass_through_byte_for_byte() {
    for number in NUMBERS {
        for text in [
            number.to_owned(),
            format!(r#"{{"z":[{number}],"a":{number}}}"#),
        ] {
            let part = format!(r#"{{"data":{text},"metadata":{{"n":{number}}}}}"#);
            let read: Part = serde_json::from_str(&part).unwrap();
            assert_eq!(read.as_data().unwrap().get(), text);
            assert_eq!(serde_json::to_string(&read).unwrap(), part);
        }
    }
}

#[test]
fn json_is_read_once_by_who_knows_the_shape() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Point {
        x: u64,
    }
    let json = Json::from_value(&Point { x: u64::MAX }).unwrap();
    assert_eq!(json.get(), r#"{"x":18446744073709551615}"#);
    assert_eq!(json.parse::<Point>().unwrap(), Point { x: u64::MAX });
    assert!(json.parse::<String>().is_err());
    assert!(json.is_object());
    assert_eq!(json, json.clone());
    assert_eq!(format!("{json:?}"), json.get());
}

#[test]
fn json_that_is_not_json_is_refused() {
    for text in [
        "",
        "{",
        "1 2",
        "nul",
        "[1,]",
        "'a'",
        "{\"a\":1,}",
        "\"\u{1}\"",
        "NaN",
        "01",
    ] {
        assert!(Json::from_text(text).is_err(), "{text}");
    }
    assert!(Json::from_value(&std::collections::BTreeMap::from([((1, 2), 3)])).is_err());
}

#[test]
fn json_is_one_line_and_means_the_same() {
    let json = Json::from_text("{\r\n  \"a\" : [1,\n2],\n\"b\":\"x\\ny\" }").unwrap();
    assert!(!json.get().contains(['\n', '\r']));
    assert_eq!(json.get(), "{    \"a\" : [1, 2], \"b\":\"x\\ny\" }");
}

#[test]
fn json_default_is_null() {
    assert!(Json::default().is_null());
    assert_eq!(Json::default(), Json::from_text(" null ").unwrap());
}

#[test]
fn json_can_come_from_and_go_into_a_tree() {
    let tree = serde_json::json!({"a": [1, null, "x"]});
    let json: Json = serde_json::from_value(tree.clone()).unwrap();
    assert_eq!(serde_json::to_value(&json).unwrap(), tree);
}

#[test]
fn metadata_keeps_the_last_of_two_and_reads_null_as_empty() {
    let read: Metadata = serde_json::from_str(r#"{"b":1,"a":{"x":1.0},"b":2}"#).unwrap();
    assert_eq!(read.get("b").unwrap().get(), "2");
    assert_eq!(
        serde_json::to_string(&read).unwrap(),
        r#"{"a":{"x":1.0},"b":2}"#
    );
    assert!(serde_json::from_str::<Metadata>("null").unwrap().is_empty());
    for text in ["1", "[]", "\"a\"", "true", r#"{"a"}"#] {
        assert!(serde_json::from_str::<Metadata>(text).is_err(), "{text}");
    }
}

#[test]
fn metadata_reads_and_sets_typed_values() {
    let mut metadata = Metadata::new();
    metadata.set("n", &7).unwrap();
    metadata.insert("none", Json::default());
    assert_eq!(metadata.parse::<u8>("n").unwrap(), Some(7));
    assert_eq!(metadata.parse::<u8>("none").unwrap(), None);
    assert_eq!(metadata.parse::<u8>("absent").unwrap(), None);
    assert!(metadata.parse::<String>("n").is_err());
    assert_eq!(metadata.len(), 2);
    assert!(metadata.remove("n").is_some() && !metadata.contains("n"));
    assert_eq!(
        metadata.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        ["none"]
    );
}

#[test]
fn a_secret_is_written_but_not_shown() {
    let secret = Secret::new("hunter2");
    assert!(!format!("{secret:?}").contains("hunter2"));
    assert_eq!(serde_json::to_string(&secret).unwrap(), r#""hunter2""#);
    assert_eq!(
        serde_json::from_str::<Secret>(r#""hunter2""#).unwrap(),
        secret
    );
    let error = serde_json::from_str::<Secret>("271828")
        .unwrap_err()
        .to_string();
    assert!(!error.contains("271828"), "{error}");
}

#[test]
fn every_form_of_a_time_is_read() {
    for (text, millis) in [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.5Z", 500),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2025-10-28T10:30:00.000Z", 1_761_647_400_000),
        ("2025-10-28t10:30:00z", 1_761_647_400_000),
        ("2025-10-28 10:30:00Z", 1_761_647_400_000),
        ("2025-10-28T12:30:00+02:00", 1_761_647_400_000),
        ("2025-10-28T05:00:00.0001-05:30", 1_761_647_400_000),
        ("2025-04-17T17:47:09.680794Z", 1_744_912_029_680),
        ("2025-04-17T17:47:09.680794123456789Z", 1_744_912_029_680),
        ("2000-02-29T00:00:00Z", 951_782_400_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999),
    ] {
        let time: Timestamp = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(time.unix_millis(), millis, "{text}");
    }
}

#[test]
fn what_is_not_a_time_is_refused() {
    for text in [
        "",
        "2025-10-28",
        "2025-10-28T10:30Z",
        "2025-10-28T10:30:00",
        "2025-10-28T10:30:00.Z",
        "2025-10-28T10:30:00+0200",
        "2025-10-28T10:30:00+24:00",
        "2025-10-28T10:30:00Z ",
        "2025-13-01T00:00:00Z",
        "2025-00-01T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2025-04-31T00:00:00Z",
        "2025-01-01T24:00:00Z",
        "2025-01-01T00:60:00Z",
        "2025-01-01T00:00:61Z",
        "0000-12-31T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "-001-01-01T00:00:00Z",
        "२०२५-10-28T10:30:00Z",
    ] {
        assert!(text.parse::<Timestamp>().is_err(), "{text}");
    }
    assert!(serde_json::from_str::<Timestamp>("0").is_err());
}

#[test]
fn a_time_out_of_range_becomes_the_nearest_that_is_not() {
    let written = |millis| Timestamp::from_unix_millis(millis).to_string();
    assert_eq!(written(i64::MIN), "0001-01-01T00:00:00.000Z");
    assert_eq!(written(i64::MAX), "9999-12-31T23:59:59.999Z");
    assert_eq!(written(0), "1970-01-01T00:00:00.000Z");
}

proptest! {
    #[test]
    fn a_time_is_read_as_it_was_written(millis in -62_135_596_800_000_i64..253_402_300_800_000) {
        let time = Timestamp::from_unix_millis(millis);
        prop_assert_eq!(time.unix_millis(), millis);
        let text = time.to_string();
        prop_assert_eq!(text.len(), "2025-10-28T10:30:00.000Z".len());
        prop_assert_eq!(text.parse::<Timestamp>(), Ok(time));
        let json = serde_json::to_string(&time).unwrap();
        prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time);
    }

    #[test]
    fn later_times_are_written_later(a: i64, b: i64) {
        let (a, b) = (Timestamp::from_unix_millis(a), Timestamp::from_unix_millis(b));
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn no_text_panics(text in any::<String>(), near in "[0-9]{0,5}[-T: .Z+0-9]{0,30}") {
        let _ = text.parse::<Timestamp>();
        let _ = near.parse::<Timestamp>();
        let _ = Json::from_text(&text);
    }

    #[test]
    fn bytes_survive_base64(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let part = Part::raw(bytes);
        let json = serde_json::to_string(&part).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Part>(&json).unwrap(), &part);
        // Only the value is translated: the name and the quotes hold none of these.
        let other = json.replace('+', "-").replace('/', "_").replace('=', "");
        prop_assert_eq!(&serde_json::from_str::<Part>(&other).unwrap(), &part);
    }
}
