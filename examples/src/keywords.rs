use crate::TextIn;
use crate::words::{is_telling, words};
use agent_core::price::Price;
use agent_core::skill::{About, Outcome, Skill, SkillContext, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Finds the words that a text is about.
#[derive(Debug, Clone)]
pub struct Keywords {
    price: String,
}

/// The words that a text is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeywordsFound {
    /// The most telling words first, at most five.
    pub keywords: Vec<String>,
}

impl Keywords {
    /// The id of the skill.
    pub const ID: &str = "keywords";

    /// Sells keywords at this price.
    #[must_use]
    pub fn at(price: &str) -> Self {
        Self {
            price: price.to_owned(),
        }
    }

    /// The words themselves: the most frequent first, longer ones before shorter.
    #[must_use]
    pub fn find(text: &str) -> KeywordsFound {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for word in words(text).filter(|word| is_telling(word)) {
            let count = counts.entry(word).or_default();
            *count = count.saturating_add(1);
        }
        let mut ranked: Vec<(String, usize)> = counts.into_iter().collect();
        ranked.sort_by_key(|(word, count)| (Reverse(*count), Reverse(word.len())));
        KeywordsFound {
            keywords: ranked.into_iter().take(5).map(|(word, _)| word).collect(),
        }
    }
}

impl Skill for Keywords {
    type Input = TextIn;
    type Output = KeywordsFound;

    fn about(&self) -> About {
        About::new(Self::ID, "Finds the words that a text is about").tags(["text", "english"])
    }

    fn price(&self) -> Price {
        Price::per_task(&self.price)
    }

    async fn run(&self, input: TextIn, _cx: &mut SkillContext) -> Outcome<KeywordsFound> {
        let found = Self::find(&input.text);
        if found.keywords.is_empty() {
            return Err(Stop::rejected(
                "the text has no word that tells what it is about",
            ));
        }
        Ok(found.into())
    }
}
