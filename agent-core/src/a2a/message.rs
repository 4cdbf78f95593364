//! One turn of a conversation.

use super::enums::names;
use super::macros::object;
use super::part::Part;
use crate::json::{Json, Metadata};
use uuid::Uuid;

/// Who sends a message (A2A §4.1.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Not set. It is never sent.
    #[default]
    Unspecified,
    /// The client.
    User,
    /// The server.
    Agent,
}

names!(Role {
    Unspecified = 0, "ROLE_UNSPECIFIED";
    User = 1, "ROLE_USER";
    Agent = 2, "ROLE_AGENT";
});

/// One turn of a conversation (A2A §4.1.4).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// Chosen by the sender, and unique among its messages. Required.
    pub message_id: String,
    /// The conversation that it belongs to. Empty in a client's first message.
    pub context_id: String,
    /// The task that it belongs to. Empty when it is to start one, or when there is none.
    pub task_id: String,
    /// Who sends it. Required.
    pub role: Role,
    /// The content, of which there must be some. Required.
    pub parts: Vec<Part>,
    /// What extensions add, keyed by their URI: payments travel here.
    pub metadata: Metadata,
    /// The URIs of the extensions that contribute to this message.
    pub extensions: Vec<String>,
    /// Tasks that it builds on, since a task that has ended takes no more messages.
    pub reference_task_ids: Vec<String>,
}

object!(Message {
    message_id: "messageId" required,
    context_id: "contextId",
    task_id: "taskId",
    role: "role" required,
    parts: "parts" required,
    metadata: "metadata",
    extensions: "extensions",
    reference_task_ids: "referenceTaskIds",
});

impl Message {
    /// A message of the client with a fresh id.
    pub fn user(part: impl Into<Part>) -> Self {
        Self::new(Role::User, part)
    }

    /// A message of the server with a fresh id.
    pub fn agent(part: impl Into<Part>) -> Self {
        Self::new(Role::Agent, part)
    }

    fn new(role: Role, part: impl Into<Part>) -> Self {
        Self {
            message_id: Uuid::new_v4().to_string(),
            role,
            parts: vec![part.into()],
            ..Self::default()
        }
    }

    /// The same message with one more part.
    #[must_use]
    pub fn with_part(mut self, part: impl Into<Part>) -> Self {
        self.parts.push(part.into());
        self
    }

    /// The same message in the conversation `context_id`.
    #[must_use]
    pub fn in_context(mut self, context_id: impl Into<String>) -> Self {
        self.context_id = context_id.into();
        self
    }

    /// The same message to, or about, the task `task_id`.
    #[must_use]
    pub fn for_task(mut self, task_id: impl Into<String>) -> Self {
        self.task_id = task_id.into();
        self
    }

    /// The text of all its parts of text, a line break between them.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.parts.iter().filter_map(Part::as_text).collect();
        texts.join("\n")
    }

    /// Its first part of structured data.
    pub fn data(&self) -> Option<&Json> {
        self.parts.iter().find_map(Part::as_data)
    }
}
