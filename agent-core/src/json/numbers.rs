//! Whether every number in a JSON text is one that all readers can have.

/// Whether some number in the text is beyond what a double can hold, such as `1e400`. JSON allows it,
/// and Protocol Buffers have no such number: what holds one cannot be told on every binding.
///
/// The text must be JSON. Digits that a double rounds off do not count: the text keeps them.
pub(super) fn has_number_beyond_double(json: &str) -> bool {
    let mut rest = json.as_bytes();
    loop {
        // The next thing that is a string or a number.
        let Some(at) = rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b'-' | b'0'..=b'9'))
        else {
            return false;
        };
        rest = rest.get(at..).unwrap_or_default();
        let length = if rest.starts_with(b"\"") {
            string(rest)
        } else {
            let end = rest
                .iter()
                .position(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
            let length = end.unwrap_or(rest.len());
            let number = rest.get(..length).unwrap_or_default();
            if is_beyond_double(number) {
                return true;
            }
            length
        };
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// The length of the string that the text begins with, quotes included.
fn string(json: &[u8]) -> usize {
    let mut escaped = false;
    let end = json.iter().skip(1).position(|byte| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' => {
            escaped = true;
            false
        }
        byte => *byte == b'"',
    });
    end.map_or(json.len(), |end| end.saturating_add(2))
}

fn is_beyond_double(number: &[u8]) -> bool {
    // Shorter ones without an exponent are below 1e300.
    if number.len() <= 300 && !number.iter().any(|byte| matches!(byte, b'e' | b'E')) {
        return false;
    }
    let text = std::str::from_utf8(number).unwrap_or("");
    text.parse::<f64>().is_ok_and(f64::is_infinite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_no_double_holds() {
        let long = format!("[{}]", "9".repeat(310));
        for beyond in [
            "1e400",
            "-1E+309",
            r#"{"a":[1,{"b":2e999}]}"#,
            &long,
            r#"["\\",1e400]"#,
        ] {
            assert!(has_number_beyond_double(beyond), "{beyond}");
        }
        for within in [
            "0",
            "-1.5e308",
            "1e-400",
            r#""1e400""#,
            r#"{"1e400":"\"1e400"}"#,
            "[12345678901234567890123456789012345678901234567890]",
            "true",
            "",
        ] {
            assert!(!has_number_beyond_double(within), "{within}");
        }
    }
}
