//! From a message to the work it asks for.

use crate::modes;
use crate::skills::{SkillBook, SkillEntry};
use crate::tasks::Metered;
use agent_core::a2a::{A2aError, FieldViolation, Message};
use agent_core::json::Json;
use agent_core::skill::AcceptedInput;
use agent_core::untrusted::shorten;
use agent_core::x402::keys;
use alloy_primitives::Address;

/// Work that a message asks for, its input parsed.
pub(super) struct Asked {
    pub(super) skill: String,
    pub(super) input: String,
    /// Whether it may answer with a message instead of a task.
    pub(super) answers_directly: bool,
    /// The label of the quote that was accepted.
    pub(super) quote: Option<String>,
    /// How the work is metered, if its price is per unit.
    pub(super) metered: Option<Metered>,
    /// Who pays, if it wants a signed receipt.
    pub(super) receipt: Option<Address>,
    pub(super) work: Box<dyn AcceptedInput>,
}

/// Reads which skill a message is for and parses its input, before any money moves.
pub(super) fn read(
    skills: &SkillBook,
    message: &Message,
    accepted_output_modes: &[String],
) -> Result<Asked, A2aError> {
    modes::check_input(message)?;
    let skill = choose(skills, message)?;
    modes::check_output(&skill.about, accepted_output_modes)?;
    let input = input_of(skill, message)?;
    accept(skill, input)
}

/// Parses an input that came with an earlier message.
pub(super) fn accept(skill: &SkillEntry, input: String) -> Result<Asked, A2aError> {
    let work = skill.skill.accept(&input).map_err(|error| {
        let field = match error.path.as_str() {
            "." => "message.parts.data".to_owned(),
            path => format!("message.parts.data.{}", shorten(path)),
        };
        A2aError::invalid_params(shorten(&error.to_string()))
            .with_violation(FieldViolation::new(field, shorten(&error.why)))
            .with_detail("input_does_not_fit")
    })?;
    Ok(Asked {
        skill: skill.about.id.clone(),
        answers_directly: skill.about.answers_directly,
        quote: None,
        metered: None,
        receipt: None,
        input,
        work,
    })
}

fn choose<'a>(skills: &'a SkillBook, message: &Message) -> Result<&'a SkillEntry, A2aError> {
    let named: Option<String> = message.metadata.parse(keys::SKILL).map_err(|_| {
        A2aError::invalid_field(
            format!("message.metadata.{}", keys::SKILL),
            "must be a string",
        )
    })?;
    let refuse = |text: String, code| {
        Err(A2aError::invalid_params(text)
            .with_violation(FieldViolation::new(
                format!("message.metadata.{}", keys::SKILL),
                format!("one of: {}", skills.ids().collect::<Vec<_>>().join(", ")),
            ))
            .with_detail(code))
    };
    match named {
        Some(id) => match skills.get(&id) {
            Some(skill) => Ok(skill),
            None => refuse(
                format!("this agent has no skill `{}`", shorten(&id)),
                "unknown_skill",
            ),
        },
        None => match skills.only() {
            Some(skill) => Ok(skill),
            None => refuse(
                "name the skill that the message is for".to_owned(),
                "skill_not_named",
            ),
        },
    }
}

/// The first data part as it came; or, for people and plain clients, the text: as JSON if it is an
/// object, else as the one text field that the skill needs.
fn input_of(skill: &SkillEntry, message: &Message) -> Result<String, A2aError> {
    if let Some(data) = message.data() {
        return Ok(data.get().to_owned());
    }
    let text = message.text();
    if text.trim_start().starts_with('{') && Json::from_text(&text).is_ok() {
        return Ok(text);
    }
    let wrapped = skill.text_field.as_ref().map(|field| {
        serde_json::to_string(&serde_json::Map::from_iter([(
            field.clone(),
            serde_json::Value::String(text),
        )]))
    });
    match wrapped {
        Some(Ok(input)) => Ok(input),
        _ => Err(A2aError::invalid_field(
            "message.parts",
            "send one part with `data`: an object that fits the skill's input schema",
        )
        .with_detail("input_missing")),
    }
}
