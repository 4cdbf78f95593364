//! What media types go in and out (A2A §3.2.2, §4.1.6).

use agent_core::a2a::{A2aError, Message};
use agent_core::json::Json;
use agent_core::skill::About;
use agent_core::untrusted::shorten;

/// The media types that skills take: structured data, or the text of people.
pub(crate) const INPUT_MODES: [&str; 2] = [JSON, TEXT];

/// The media types of results.
pub(crate) const OUTPUT_MODES: [&str; 2] = [JSON, TEXT];

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

/// The most media types that a caller may name, more than any that is in earnest.
const ACCEPTED_MAX: usize = 64;

/// Refuses content of a type that the card does not name. A part without one is taken as it is.
pub(crate) fn check_input(message: &Message) -> Result<(), A2aError> {
    let known = |declared: &str| {
        let essence = essence(declared);
        essence.is_empty()
            || INPUT_MODES
                .iter()
                .any(|mode| essence.eq_ignore_ascii_case(mode))
    };
    let mut declared = message.parts.iter().map(|part| part.media_type.as_str());
    match declared.find(|declared| !known(declared)) {
        Some(other) => Err(A2aError::content_type_not_supported(&shorten(other))),
        None => Ok(()),
    }
}

/// Refuses a caller that takes nothing of what the skill makes, before any money moves.
pub(crate) fn check_output(about: &About, accepted: &[String]) -> Result<(), A2aError> {
    if accepted.len() > ACCEPTED_MAX {
        return Err(A2aError::invalid_field(
            "configuration.acceptedOutputModes",
            "has too many entries",
        ));
    }
    let made = OUTPUT_MODES.into_iter();
    let mut made = made.chain(about.output_modes.iter().map(String::as_str));
    if accepted.is_empty() || made.any(|mode| takes(accepted, mode)) {
        return Ok(());
    }
    Err(A2aError::content_type_not_supported(&shorten(
        &accepted.join(", "),
    )))
}

/// The result as a caller takes it: data, or else text. The text of a result that has just one is
/// that, so that what people read is not JSON.
pub(crate) fn as_text(output: &Json, accepted: &[String]) -> Option<String> {
    if accepted.is_empty() || takes(accepted, JSON) || !takes(accepted, TEXT) {
        return None;
    }
    let text = match output.parse::<serde_json::Value>() {
        Ok(serde_json::Value::String(text)) => Some(text),
        Ok(serde_json::Value::Object(members)) if members.len() == 1 => members
            .into_iter()
            .next()
            .and_then(|(_, value)| value.as_str().map(str::to_owned)),
        _ => None,
    };
    Some(text.unwrap_or_else(|| output.get().to_owned()))
}

fn takes(accepted: &[String], mode: &str) -> bool {
    accepted.iter().any(|accepted| {
        let accepted = essence(accepted);
        match accepted.strip_suffix("/*") {
            Some("*") => true,
            Some(kind) => mode
                .split_once('/')
                .is_some_and(|(ours, _)| ours.eq_ignore_ascii_case(kind)),
            None => accepted.eq_ignore_ascii_case(mode),
        }
    })
}

/// A media type without its parameters.
fn essence(mode: &str) -> &str {
    mode.split(';').next().unwrap_or("").trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(output: &str, accepted: &[&str]) -> Option<String> {
        let accepted: Vec<String> = accepted.iter().map(|mode| (*mode).to_owned()).collect();
        as_text(&Json::from_text(output).unwrap(), &accepted)
    }

    #[test]
    fn a_result_is_text_only_for_those_who_take_no_data() {
        assert_eq!(text(r#"{"text":"HI"}"#, &[]), None);
        assert_eq!(
            text(r#"{"text":"HI"}"#, &["text/plain", "application/*"]),
            None
        );
        assert_eq!(text(r#"{"text":"HI"}"#, &["*/*"]), None);
        let plain = &["text/*; q=1"];
        assert_eq!(text(r#"{"text":"HI"}"#, plain).as_deref(), Some("HI"));
        assert_eq!(text(r#""HI""#, plain).as_deref(), Some("HI"));
        assert_eq!(text("[1.0]", plain).as_deref(), Some("[1.0]"));
    }

    #[test]
    fn who_takes_nothing_that_is_made_is_refused() {
        let about = About::new("draw", "Draws").output_modes(["image/png"]);
        let check = |mode: &str| check_output(&about, &[mode.to_owned()]).is_ok();
        assert!(check("IMAGE/*") && check("image/png") && check("text/plain"));
        assert!(!check("video/mp4") && !check(""));
        assert!(check_output(&about, &[]).is_ok());
        assert!(check_output(&about, &vec!["*/*".to_owned(); 65]).is_err());
    }
}
