use crate::TextIn;
use crate::words::{sentences, syllables, words};
use agent_core::skill::{About, Outcome, Skill, SkillContext, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Measures how easy a text is to read (Flesch reading ease). Free of charge.
#[derive(Debug, Clone)]
pub struct Readability;

/// How easy a text is to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadabilityFound {
    /// Flesch reading ease in thousandths: 100,000 is very easy, 0 very hard.
    pub reading_ease_thousandths: i64,
    /// How many sentences there are.
    pub sentences: u64,
    /// How many words there are.
    pub words: u64,
}

impl Readability {
    /// The id of the skill.
    pub const ID: &str = "readability";

    /// The measure itself; `None` for a text without words.
    #[must_use]
    pub fn measure(text: &str) -> Option<ReadabilityFound> {
        let count = |n: usize| i64::try_from(n).ok();
        let all: Vec<String> = words(text).collect();
        let syllables: u64 = all.iter().map(|word| syllables(word)).sum();
        let (syllables, words) = (i64::try_from(syllables).ok()?, count(all.len())?);
        let sentences = count(sentences(text).count())?.max(1);
        // 206.835 - 1.015 * words / sentences - 84.6 * syllables / words, in thousandths.
        let length = 1_015i64.checked_mul(words)?.checked_div(sentences)?;
        let weight = 84_600i64.checked_mul(syllables)?.checked_div(words)?;
        Some(ReadabilityFound {
            reading_ease_thousandths: 206_835i64.checked_sub(length)?.checked_sub(weight)?,
            sentences: sentences.unsigned_abs(),
            words: words.unsigned_abs(),
        })
    }
}

impl Skill for Readability {
    type Input = TextIn;
    type Output = ReadabilityFound;

    fn about(&self) -> About {
        About::new(Self::ID, "Measures how easy an English text is to read")
            .tags(["text", "english"])
    }

    async fn run(&self, input: TextIn, _cx: &mut SkillContext) -> Outcome<ReadabilityFound> {
        let found = Self::measure(&input.text);
        Ok(found
            .ok_or_else(|| Stop::rejected("the text has no words"))?
            .into())
    }
}
