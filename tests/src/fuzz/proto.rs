//! A2A as Protocol Buffers.

use agent_core::a2a::Operation;
use agent_core::a2a::limits::MAX_JSON_DEPTH;
use agent_core::a2a::proto::{
    AGENT_CARD, MESSAGE, PUSH_CONFIG, STREAM_RESPONSE, Schema, TASK, request_of, response_of, v03,
};
use agent_core::json::check_depth;

/// How much longer the JSON may be than what is on the wire: the longest name of a field or state
/// stands for two bytes.
const LONGER: usize = 32;

/// All messages of both versions.
pub(super) fn schemas() -> Vec<&'static Schema> {
    let all = || Operation::ALL.into_iter();
    let named = [&AGENT_CARD, &MESSAGE, &PUSH_CONFIG, &STREAM_RESPONSE, &TASK];
    named
        .into_iter()
        .chain(all().map(request_of))
        .chain(all().map(response_of))
        .chain(all().map(v03::request_of))
        .chain(all().map(v03::response_of))
        .collect()
}

/// JSON that was on the wire once comes from it unchanged: what is at its default, which another
/// writer may have written, is gone by then.
fn settles(schema: &Schema, json: &str) {
    let through = |json: &str| {
        let wire = schema.encode(json).expect("our own JSON");
        let json = schema.decode(&wire).expect("our own bytes");
        String::from_utf8(json).expect("JSON is text")
    };
    let once = through(json);
    assert!(once.len() <= json.len());
    assert_eq!(through(&once), once);
}

/// Bytes become JSON that settles. The first byte says of which message they are.
pub(super) fn from_wire(bytes: &[u8]) {
    let Some((which, wire)) = bytes.split_first() else {
        return;
    };
    let schemas = schemas();
    let schema = schemas[usize::from(*which) % schemas.len()];
    let json = match schema.decode(wire) {
        Ok(json) => json,
        Err(error) => {
            assert!(error.code().starts_with("proto."));
            assert!(error.to_string().len() <= 256);
            return;
        }
    };
    assert!(json.len() <= LONGER * wire.len() + 64, "{}", json.len());
    check_depth(&json, MAX_JSON_DEPTH).expect("no deeper than any JSON that is read");
    let text = std::str::from_utf8(&json).expect("JSON is text");
    assert!(!text.contains('\n'));
    settles(schema, text);
}

/// JSON becomes bytes, or an error; what became bytes once is stable.
pub(super) fn from_json(bytes: &[u8]) {
    let Ok(json) = std::str::from_utf8(bytes) else {
        return;
    };
    // The front door lets nothing deeper in.
    if check_depth(bytes, MAX_JSON_DEPTH).is_err() {
        return;
    }
    for schema in schemas() {
        match schema.encode(json) {
            Ok(wire) => {
                let Ok(read) = schema.decode(&wire) else {
                    // Data may nest as deep as any JSON, and stands a level deeper in some forms.
                    continue;
                };
                settles(schema, std::str::from_utf8(&read).expect("JSON is text"));
            }
            Err(error) => {
                assert!(error.code().starts_with("proto."));
                assert!(error.to_string().len() <= 1_024, "{error}");
            }
        }
    }
}
