/// Who a skill is, as its Agent Card shows it (A2A `AgentSkill`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct About {
    /// The name callers use in requests; unique within an agent.
    pub id: String,
    /// The name people read.
    pub name: String,
    /// What the skill does.
    pub description: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Example requests.
    pub examples: Vec<String>,
}

impl About {
    /// A skill called `id` that does what `description` says.
    #[must_use]
    pub fn new(id: &str, description: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            description: description.to_owned(),
            tags: Vec::new(),
            examples: Vec::new(),
        }
    }

    /// Sets the name that people read.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Adds words to find it by.
    #[must_use]
    pub fn tags<const N: usize>(mut self, tags: [&str; N]) -> Self {
        self.tags.extend(tags.map(str::to_owned));
        self
    }

    /// Adds an example request.
    #[must_use]
    pub fn example(mut self, example: &str) -> Self {
        self.examples.push(example.to_owned());
        self
    }
}
