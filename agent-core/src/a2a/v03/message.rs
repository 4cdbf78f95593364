//! Messages, whose parts are `parts` in one dialect and `content` in the other.

use super::part::Part;
use super::wrong::{Wrong, check_kind, each};
use super::{Dialect, Spoken, read, write};
use crate::a2a::error::A2aError;
use crate::a2a::macros::object;
use crate::a2a::message::{self, Role};
use crate::json::{Json, Metadata};

#[derive(Default)]
pub(super) struct Message {
    kind: String,
    message_id: String,
    context_id: String,
    task_id: String,
    role: String,
    parts: Option<Vec<Part>>,
    content: Option<Vec<Part>>,
    metadata: Metadata,
    extensions: Vec<String>,
    reference_task_ids: Vec<String>,
}

object!(Message {
    kind: "kind",
    message_id: "messageId" required,
    context_id: "contextId",
    task_id: "taskId",
    role: "role",
    parts: "parts",
    content: "content",
    metadata: "metadata",
    extensions: "extensions",
    reference_task_ids: "referenceTaskIds",
});

impl Message {
    pub(super) fn of(message: &message::Message, dialect: Dialect) -> Self {
        let parts = message.parts.iter().map(|part| Part::of(part, dialect));
        let parts = Some(parts.collect());
        let (parts, content, reference_task_ids) = match dialect {
            Dialect::JsonRpc => (parts, None, message.reference_task_ids.clone()),
            Dialect::Rest => (None, parts, Vec::new()),
        };
        Self {
            kind: dialect.kind("message"),
            message_id: message.message_id.clone(),
            context_id: message.context_id.clone(),
            task_id: message.task_id.clone(),
            role: role_name(message.role, dialect).to_owned(),
            parts,
            content,
            metadata: message.metadata.clone(),
            extensions: message.extensions.clone(),
            reference_task_ids,
        }
    }

    pub(super) fn into_v1(self, dialect: Dialect) -> Result<message::Message, Wrong> {
        check_kind(&self.kind, "message", "must be `message`")?;
        let (field, parts) = match (self.parts, self.content) {
            (Some(parts), _) => ("parts", parts),
            (None, content) => ("content", content.unwrap_or_default()),
        };
        Ok(message::Message {
            message_id: self.message_id,
            context_id: self.context_id,
            task_id: self.task_id,
            role: role_of(&self.role)?,
            parts: each(field, parts, |part| part.into_v1(dialect))?,
            metadata: self.metadata,
            extensions: self.extensions,
            reference_task_ids: self.reference_task_ids,
        })
    }
}

const fn role_name(role: Role, dialect: Dialect) -> &'static str {
    match (dialect, role) {
        (Dialect::JsonRpc, Role::User) => "user",
        (Dialect::JsonRpc, Role::Agent) => "agent",
        (Dialect::JsonRpc, Role::Unspecified) => "",
        (Dialect::Rest, role) => role.as_str(),
    }
}

fn role_of(name: &str) -> Result<Role, Wrong> {
    match name {
        "" => Ok(Role::Unspecified),
        "user" => Ok(Role::User),
        "agent" => Ok(Role::Agent),
        name => {
            Role::from_name(name).ok_or_else(|| Wrong::new("role", "must be `user` or `agent`"))
        }
    }
}

impl Spoken for message::Message {
    fn from_v03(json: &[u8], dialect: Dialect) -> Result<Self, A2aError> {
        Ok(read::<Message>(json)?.into_v1(dialect)?)
    }

    fn to_v03(&self, dialect: Dialect) -> Result<Json, A2aError> {
        write(&Message::of(self, dialect))
    }
}
