//! The skills an agent sells, as the service finds them.

use agent_core::skill::{About, AnySkill, text_field};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// All skills of one agent, by id.
#[derive(Debug, Default)]
pub(crate) struct SkillBook(BTreeMap<String, SkillEntry>);

/// One skill and what is derived from it once.
pub(crate) struct SkillEntry {
    pub(crate) about: About,
    pub(crate) skill: Arc<dyn AnySkill>,
    /// The field that a plain text message stands for: the only required one, if it is a string.
    pub(crate) text_field: Option<String>,
}

impl SkillBook {
    /// Adds a skill; `false` when its id is taken.
    pub(crate) fn add(&mut self, skill: Arc<dyn AnySkill>) -> bool {
        let about = skill.about();
        let text_field = text_field(skill.input_schema().as_value());
        let id = about.id.clone();
        let entry = SkillEntry {
            about,
            skill,
            text_field,
        };
        self.0.insert(id, entry).is_none()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&SkillEntry> {
        self.0.get(id)
    }

    /// The skill, if there is just one.
    pub(crate) fn only(&self) -> Option<&SkillEntry> {
        let mut entries = self.0.values();
        entries.next().filter(|_| entries.next().is_none())
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &SkillEntry> {
        self.0.values()
    }
}

impl fmt::Debug for SkillEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SkillEntry")
            .field("id", &self.about.id)
            .finish_non_exhaustive()
    }
}
