//! Canonical JSON: the JSON Canonicalization Scheme of RFC 8785.
//!
//! Two parties that hold the same JSON value get the same bytes, so they get the same hash. Feedback
//! files need that: EIP-8004 stores `keccak256(content)` on chain, far away from the content.
//!
//! # What is not guaranteed
//!
//! * Duplicate keys are gone before this module sees a value; a [`Value`] keeps the last of them.
//! * An integer literal beyond 64 bits is a double after parsing, and is written as that double;
//!   and `serde_json` without its `float_roundtrip` feature may parse a decimal fraction one unit
//!   off in the last place. Hash the bytes that came, not a value parsed from them.
//! * Numbers in an `f32` field are written as the double they widen to.

use serde::Serialize;
use serde_json::{Map, Number, Value};

mod finite;

/// The largest magnitude at which every integer is a double: 2^53.
///
/// RFC 8785 §3.2.2.3 and appendix D: larger integers belong in strings.
const MAX_EXACT_INTEGER: u64 = 1 << 53;

/// How deeply arrays and objects may nest. The depth serde_json parses, so nothing that was parsed
/// is refused, and writing needs a bounded stack.
const MAX_DEPTH: usize = 128;

/// Why a value has no canonical form.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JcsError {
    /// NaN or an infinity; JSON has neither.
    #[error("NaN and infinities have no JSON form")]
    NotFinite,
    /// An integer whose magnitude is over 2^53 and that would not survive a reader that uses doubles.
    #[error("{0} is beyond 2^53 and would lose precision as a JSON number; write it as a string")]
    Imprecise(Number),
    /// More than 128 levels of arrays and objects.
    #[error("the value nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// The value's own `Serialize` failed, or it has a shape that JSON lacks.
    #[error("the value does not serialise to JSON: {0}")]
    Serialize(#[from] serde_json::Error),
}

/// The canonical bytes of `value` (UTF-8, no trailing newline).
///
/// # Errors
///
/// [`JcsError`]. Unlike `serde_json`, which writes `null` for it, NaN is an error.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, JcsError> {
    finite::check(value)?;
    canonical(&serde_json::to_value(value)?).map(String::into_bytes)
}

/// The canonical text of a value that is JSON already.
///
/// # Errors
///
/// [`JcsError::Imprecise`] and [`JcsError::TooDeep`].
pub fn canonical(value: &Value) -> Result<String, JcsError> {
    let mut out = String::new();
    write_value(&mut out, value, 0)?;
    Ok(out)
}

fn write_value(out: &mut String, value: &Value, depth: usize) -> Result<(), JcsError> {
    if depth > MAX_DEPTH {
        return Err(JcsError::TooDeep);
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(out, number)?,
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_value(out, item, depth.saturating_add(1))?;
            }
            out.push(']');
        }
        Value::Object(map) => write_object(out, map, depth)?,
    }
    Ok(())
}

/// RFC 8785 §3.2.3: keys sorted by their UTF-16 code units, which is not the order of UTF-8 bytes
/// once characters outside the basic plane appear.
fn write_object(out: &mut String, map: &Map<String, Value>, depth: usize) -> Result<(), JcsError> {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push('{');
    for (at, (key, value)) in entries.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_string(out, key);
        out.push(':');
        write_value(out, value, depth.saturating_add(1))?;
    }
    out.push('}');
    Ok(())
}

/// RFC 8785 §3.2.2.2.
fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn write_number(out: &mut String, number: &Number) -> Result<(), JcsError> {
    let magnitude = match (number.as_u64(), number.as_i64()) {
        (Some(whole), _) => Some(whole),
        (None, Some(whole)) => Some(whole.unsigned_abs()),
        (None, None) => None,
    };
    match (magnitude, number.as_f64()) {
        (Some(whole), double) if whole > MAX_EXACT_INTEGER => {
            // What is canonical already, such as 10^17, is a double written out and loses nothing.
            let text = number.to_string();
            let same = double.and_then(Number::from_f64).map(|double| es6(&double));
            if same.as_ref() != Some(&text) {
                return Err(JcsError::Imprecise(number.clone()));
            }
            out.push_str(&text);
        }
        // Integers up to 2^53 have at most 16 digits, and ES6 writes those without an exponent.
        (Some(_), _) => out.push_str(&number.to_string()),
        (None, Some(double)) if double.is_finite() => out.push_str(&es6(number)),
        (None, _) => return Err(JcsError::NotFinite),
    }
    Ok(())
}

/// RFC 8785 §3.2.2.3: a finite double as ECMAScript's `Number::toString` writes it.
///
/// `serde_json` already yields the shortest digits that round-trip and, of two equally near, the
/// even one; only the placing of the point differs. (The standard library's `{:e}` will not do: it
/// writes 1424953923781206.25 with a final 3, the RFC with a final 2.)
fn es6(number: &Number) -> String {
    let text = number.to_string();
    let unsigned = text.trim_start_matches('-');
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let both = format!("{whole}{fraction}");
    let significant = both.trim_start_matches('0');
    let digits = significant.trim_end_matches('0');
    if digits.is_empty() {
        return "0".to_owned(); // minus zero too
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    let length = |text: &str| i32::try_from(text.len()).unwrap_or(i32::MAX);
    // The exponent was written by `serde_json`: it is always a small number.
    let exponent = exponent.parse::<i32>().unwrap_or(0);
    // The names of ECMA-262 §7.1.12.1: the value is 0.digits × 10^n, with k digits.
    let n = exponent
        .saturating_sub(length(fraction))
        .saturating_add(length(significant));
    let k = length(digits);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let split = |at: i32| digits.split_at(usize::try_from(at).unwrap_or(0).min(digits.len()));
    match n {
        _ if k <= n && n <= 21 => format!("{sign}{digits}{}", zeros(n.saturating_sub(k))),
        1..=21 => {
            let (whole, fraction) = split(n);
            format!("{sign}{whole}.{fraction}")
        }
        -5..=0 => format!("{sign}0.{}{digits}", zeros(n.saturating_neg())),
        _ => {
            let (first, rest) = split(1);
            let point = if rest.is_empty() { "" } else { "." };
            let exponent = n.saturating_sub(1);
            let plus = if exponent < 0 { "" } else { "+" };
            format!("{sign}{first}{point}{rest}e{plus}{exponent}")
        }
    }
}
