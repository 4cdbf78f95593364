//! Whether every escape in a JSON text names a character.

/// Whether some `\u` in the text is half of a pair without the other half. Such a string is no text:
/// it has no UTF-8 and no Protocol Buffers, and each reader makes something else of it or nothing.
///
/// The text must be JSON: a backslash stands in strings only.
pub(super) fn has_half_a_pair(json: &str) -> bool {
    let mut rest = json.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let escape = rest.get(at..).unwrap_or_default();
        let (read, half) = match unit(escape) {
            None => (2, false),
            Some(0xD800..0xDC00) => {
                let second = escape.get(6..).and_then(unit);
                (12, !matches!(second, Some(0xDC00..0xE000)))
            }
            Some(unit) => (6, matches!(unit, 0xDC00..0xE000)),
        };
        if half {
            return true;
        }
        rest = escape.get(read..).unwrap_or_default();
    }
    false
}

/// The number of an escaped code unit (a backslash, `u` and four digits), if the text begins so.
fn unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(br"\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    #[test]
    fn tells_halves_from_pairs() {
        for whole in [
            r#""""#,
            r#""\\ud800""#,
            r#""\\\\ud800\n\"""#,
            r#""\ud83d\ude00""#,
            r#""\uD83D\uDE00\u0041""#,
            r#"{"\u00e9":["\ud7ff","\ue000"]}"#,
            "\"\u{1f600}\"",
        ] {
            assert!(!has_half_a_pair(whole), "{whole}");
        }
        for half in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\\\ud800""#,
            r#""\ud800\ud800""#,
            r#""\ud800\n\udc00""#,
            r#""\ud83dx\ude00""#,
            r#"{"\udfff":1}"#,
            r#"[{"a":"\ud83d\ude00\ude00"}]"#,
        ] {
            assert!(has_half_a_pair(half), "{half}");
        }
    }

    proptest::proptest! {
        /// As the parser has it that reads the strings.
        #[test]
        fn agrees_with_a_reader(pieces in proptest::collection::vec(0_usize..9, 0..8)) {
            let all = [
                r"\ud83d", r"\ude00", r"\uDBFF", r"\uDFFF", r"\\", r"\n", "u", r"\u0041", "\u{e9}",
            ];
            let text: String = pieces.into_iter().map(|piece| all[piece]).collect();
            let text = format!("\"{text}\"");
            serde_json::from_str::<&RawValue>(&text).unwrap();
            let read = serde_json::from_str::<String>(&text).is_ok();
            proptest::prop_assert_eq!(read, !has_half_a_pair(&text), "{}", text);
        }
    }
}
