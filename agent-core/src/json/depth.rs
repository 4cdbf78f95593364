//! How deep a JSON text nests, found without parsing it.

use thiserror::Error;

/// The text nests deeper than was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("JSON nests deeper than {max} levels (at byte {at})")]
#[non_exhaustive]
pub struct DepthError {
    /// How many levels were allowed.
    pub max: usize,
    /// Where the first bracket too many stands.
    pub at: usize,
}

/// Refuses a text in which arrays and objects nest deeper than `max`.
///
/// One pass, no memory, no opinion on whether the text is JSON: brackets inside strings do not
/// count, and a text that is not JSON is left for the parser to refuse. It stands before the
/// parser because a parser that recurses can run out of stack, and one that does not (the one
/// that skips over values which are kept as text) lets any depth through to whoever reads the
/// value later.
///
/// # Errors
/// At the first bracket that opens level `max + 1`.
pub fn check_depth(bytes: &[u8], max: usize) -> Result<(), DepthError> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' if depth >= max => return Err(DepthError { max, at }),
            b'[' | b'{' => depth = depth.saturating_add(1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_brackets_outside_strings_only() {
        for text in [
            r#"{"a":[1,[2]]}"#,
            r#"["[[[[[[","{{{{{{"]"#,
            r#"["\"[[[[[[","\\",[1]]"#,
            r#"["\\\"[[[[[["]"#,
            "[[[]]][[[]]]",
            "",
            "]]]]]}}}",
            r#"["unfinished [[[[["#,
            r#""ends in a backslash\"#,
        ] {
            assert_eq!(check_depth(text.as_bytes(), 3), Ok(()), "{text}");
        }
    }

    #[test]
    fn names_the_bracket_too_many() {
        assert_eq!(
            check_depth(b"[[1],[[2]]]", 2),
            Err(DepthError { max: 2, at: 6 })
        );
        assert_eq!(
            check_depth(br#"{"a":{"b":{}}}"#, 2),
            Err(DepthError { max: 2, at: 10 })
        );
        assert_eq!(check_depth(b"[]", 0), Err(DepthError { max: 0, at: 0 }));
        assert_eq!(
            check_depth(br#"["\\",[]]"#, 1),
            Err(DepthError { max: 1, at: 6 })
        );
    }

    #[test]
    fn ten_thousand_levels_are_refused_and_counted() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert_eq!(
            check_depth(deep.as_bytes(), 64),
            Err(DepthError { max: 64, at: 64 })
        );
        assert_eq!(
            check_depth(deep.as_bytes(), 9_999).map_err(|e| e.at),
            Err(9_999)
        );
        assert_eq!(check_depth(deep.as_bytes(), 10_000), Ok(()));
    }
}
