//! The object-safe twin of [`Skill`], so that nobody has to write boxed futures by hand.

use super::{About, Done, Outcome, Quote, Skill, SkillContext, Stop};
use crate::json::Json;
use crate::ledger::BoxFuture;
use crate::money::Amount;
use crate::price::Price;
use schemars::{Schema, schema_for};
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;

/// A skill of any input and output, as the engine holds it.
pub trait AnySkill: Send + Sync {
    /// Who it is.
    fn about(&self) -> About;
    /// The price its card shows.
    fn price(&self) -> Price;
    /// The JSON Schema of its input.
    fn input_schema(&self) -> Schema;
    /// The JSON Schema of its output.
    fn output_schema(&self) -> Schema;
    /// Parses a request, once: what comes back knows its price and can be run.
    ///
    /// # Errors
    /// [`InputError`] names the field that does not fit.
    fn accept(&self, input: &str) -> Result<Box<dyn AcceptedInput>, InputError>;
}

/// A request that fits its skill.
pub trait AcceptedInput: Send + Sync {
    /// The price of this request.
    fn quote(&self, bid: Option<Amount>) -> Price;
    /// The quotes for it, best first.
    fn quotes(&self, bid: Option<Amount>) -> Vec<Quote>;
    /// Does the work.
    fn run<'a>(self: Box<Self>, cx: &'a mut SkillContext) -> BoxFuture<'a, Outcome<Json>>;
}

/// Makes the object-safe twin of a skill.
#[must_use]
pub fn erase<S: Skill>(skill: S) -> Arc<dyn AnySkill> {
    Arc::new(Erased(Arc::new(skill)))
}

struct Erased<S>(Arc<S>);

struct Parsed<S: Skill> {
    skill: Arc<S>,
    input: S::Input,
}

impl<S: Skill> AnySkill for Erased<S> {
    fn about(&self) -> About {
        self.0.about()
    }

    fn price(&self) -> Price {
        self.0.price()
    }

    fn input_schema(&self) -> Schema {
        schema_for!(S::Input)
    }

    fn output_schema(&self) -> Schema {
        schema_for!(S::Output)
    }

    fn accept(&self, input: &str) -> Result<Box<dyn AcceptedInput>, InputError> {
        // Keeping track of the path costs as much as parsing: only who needs it waits for it.
        let input = match serde_json::from_str(input) {
            Ok(input) => input,
            Err(_) => with_path(input)?,
        };
        Ok(Box::new(Parsed {
            skill: Arc::clone(&self.0),
            input,
        }))
    }
}

impl<S: Skill> AcceptedInput for Parsed<S> {
    fn quote(&self, bid: Option<Amount>) -> Price {
        self.skill.quote(&self.input, bid)
    }

    fn quotes(&self, bid: Option<Amount>) -> Vec<Quote> {
        self.skill.quotes(&self.input, bid)
    }

    fn run<'a>(self: Box<Self>, cx: &'a mut SkillContext) -> BoxFuture<'a, Outcome<Json>> {
        Box::pin(async move {
            let Done {
                output,
                note,
                as_message,
            } = self.skill.run(self.input, cx).await?;
            let output = Json::from_value(&output)
                .map_err(|_| Stop::failed("the skill's output cannot be written as JSON"))?;
            Ok(Done {
                output,
                note,
                as_message,
            })
        })
    }
}

/// The input once more, for the path to what does not fit.
fn with_path<T: DeserializeOwned>(input: &str) -> Result<T, InputError> {
    let mut json = serde_json::Deserializer::from_str(input);
    serde_path_to_error::deserialize(&mut json).map_err(|error| InputError {
        path: error.path().to_string(),
        why: error.into_inner().to_string(),
    })
}

/// The field of an input schema that plain text can stand for: the only required one, if it is a
/// string. So that a person can say `hello` where a program sends `{"text": "hello"}`.
#[must_use]
pub fn text_field(schema: &serde_json::Value) -> Option<String> {
    let [field] = schema.get("required")?.as_array()?.as_slice() else {
        return None;
    };
    let field = field.as_str()?;
    let kind = schema
        .get("properties")?
        .get(field)?
        .get("type")?
        .as_str()?;
    (kind == "string").then(|| field.to_owned())
}

/// A request's input does not fit its skill. No money moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// Where: a path such as `items[2].name`, or `.` for the whole.
    pub path: String,
    /// What is wrong there.
    pub why: String,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "." => write!(f, "the input does not fit the skill: {}", self.why),
            path => write!(
                f,
                "the input does not fit the skill at `{path}`: {}",
                self.why
            ),
        }
    }
}

impl std::error::Error for InputError {}
