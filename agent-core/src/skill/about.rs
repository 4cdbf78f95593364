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
    /// Media types of the artifacts that it makes besides its result, which is data or text.
    pub output_modes: Vec<String>,
    /// Whether it may answer with a message instead of a task; see
    /// [`Done::as_message`](super::Done::as_message).
    pub answers_directly: bool,
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
            output_modes: Vec::new(),
            answers_directly: false,
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

    /// Adds media types of the artifacts that it makes besides its result: a caller that takes
    /// none of an agent's media types is refused before any money moves (A2A §3.2.2).
    #[must_use]
    pub fn output_modes<const N: usize>(mut self, modes: [&str; N]) -> Self {
        self.output_modes.extend(modes.map(str::to_owned));
        self
    }

    /// Says that it may answer with a message instead of a task. A stream of such a skill begins
    /// when it first says something, and not at once with the task.
    #[must_use]
    pub const fn answers_directly(mut self) -> Self {
        self.answers_directly = true;
        self
    }

    /// Adds an example request.
    #[must_use]
    pub fn example(mut self, example: &str) -> Self {
        self.examples.push(example.to_owned());
        self
    }
}
