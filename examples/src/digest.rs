use crate::words::{sentences, words};
use crate::{Keywords, KeywordsFound, Readability, TextIn};
use agent_client::buyer::Seller;
use agent_core::price::Price;
use agent_core::skill::{About, Outcome, Skill, SkillContext, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Says in one sentence what a text is about; hires another agent to find the keywords.
#[derive(Debug, Clone)]
pub struct Digest {
    price: String,
}

/// What a text is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Digested {
    /// The sentence that holds the most of the keywords.
    pub sentence: String,
    /// What the hired agent found.
    pub keywords: Vec<String>,
    /// Flesch reading ease in thousandths.
    pub reading_ease_thousandths: i64,
}

impl Digest {
    /// The id of the skill.
    pub const ID: &str = "digest";

    /// Sells digests at this price.
    #[must_use]
    pub fn at(price: &str) -> Self {
        Self {
            price: price.to_owned(),
        }
    }

    /// The digest itself, given the keywords.
    #[must_use]
    pub fn of(text: &str, keywords: Vec<String>) -> Option<Digested> {
        let held = |sentence: &&str| {
            let found = words(sentence).filter(|word| keywords.contains(word));
            (found.count(), Reverse(sentence.len()))
        };
        let sentence = sentences(text).max_by_key(held)?.to_owned();
        let ease = Readability::measure(text)?.reading_ease_thousandths;
        Some(Digested {
            sentence,
            keywords,
            reading_ease_thousandths: ease,
        })
    }
}

impl Skill for Digest {
    type Input = TextIn;
    type Output = Digested;

    fn about(&self) -> About {
        About::new(Self::ID, "Says in one sentence what a text is about").tags(["text", "english"])
    }

    fn price(&self) -> Price {
        Price::per_task(&self.price)
    }

    async fn run(&self, input: TextIn, cx: &mut SkillContext) -> Outcome<Digested> {
        // Hiring costs money: it is paid from this agent's own wallet, out of what this task earns.
        let hired: &Seller = cx.resource()?;
        let found: KeywordsFound = hired
            .ask(Keywords::ID, input.clone())
            .await
            .map_err(Stop::failed)?;
        let digest = Self::of(&input.text, found.keywords);
        Ok(digest
            .ok_or_else(|| Stop::rejected("the text has no sentences"))?
            .into())
    }
}
