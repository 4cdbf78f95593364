//! A skill called as a function.

use agent_core::a2a::{
    Artifact, Message, Part, SendMessageRequest, SendMessageResponse, Task, TaskState,
};
use agent_core::json::Json;
use agent_core::untrusted::Untrusted;
use agent_core::x402::{EXTENSION_URI, keys};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::CallError;
use super::remote::RemoteAgent;

/// What became of a call of a skill.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Called<Out> {
    /// The skill gave its output.
    Done {
        /// The output.
        output: Out,
        /// The task as it came.
        task: Box<Task>,
    },
    /// The skill asks something; [`RemoteAgent::call_on`] answers.
    NeedsInput(Waiting),
    /// The agent needs to be let in somewhere before it can go on (A2A §7.6). That happens outside
    /// of this call; the task goes on by itself or with [`RemoteAgent::call_on`].
    NeedsAuth(Waiting),
    /// The task failed.
    Failed(Ended),
    /// The agent did not take it on.
    Rejected(Ended),
    /// The task was cancelled.
    Canceled(Ended),
    /// The agent answered without a task.
    Message(Box<Message>),
}

/// A task that waits for us.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// What the agent says.
    pub text: Untrusted,
    /// The task as it came.
    pub task: Box<Task>,
}

/// A task that ended without an output.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// What the agent says.
    pub text: Untrusted,
    /// The task as it came.
    pub task: Box<Task>,
}

impl RemoteAgent {
    /// Calls a skill with `input` as data and reads its output: the data of the artifact `result`,
    /// else of the last artifact that has some.
    ///
    /// Nothing is paid: a skill that costs something answers with [`Called::NeedsInput`]; see
    /// [`crate::buyer`]. Neither side's schema is looked at; the input must be JSON and the output
    /// an `Out`.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Request`] when the card has no such skill,
    /// [`CallError::Malformed`] when the output is not an `Out`.
    pub async fn call<In, Out>(&self, skill: &str, input: &In) -> Result<Called<Out>, CallError>
    where
        In: Serialize + ?Sized,
        Out: DeserializeOwned,
    {
        if self.card().skill(skill).is_none() {
            let skill = agent_core::untrusted::shorten(skill);
            return Err(CallError::Request(format!(
                "the card has no skill `{skill}`"
            )));
        }
        let mut message = data(input)?;
        // Which skill is meant is not of A2A; ours is told by the extension, others choose.
        message.extensions.push(EXTENSION_URI.to_owned());
        let named = message.metadata.set(keys::SKILL, skill);
        named.map_err(|error| CallError::Request(error.to_string()))?;
        self.called(message).await
    }

    /// Answers a task that waits for us, and goes on with it.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_on<In, Out>(
        &self,
        waiting: &Waiting,
        input: &In,
    ) -> Result<Called<Out>, CallError>
    where
        In: Serialize + ?Sized,
        Out: DeserializeOwned,
    {
        let Task { id, context_id, .. } = &*waiting.task;
        self.called(data(input)?.for_task(id).in_context(context_id))
            .await
    }

    async fn called<Out: DeserializeOwned>(
        &self,
        message: Message,
    ) -> Result<Called<Out>, CallError> {
        let task = match self.send(SendMessageRequest::new(message)).await? {
            SendMessageResponse::Message(message) => {
                return Ok(Called::Message(Box::new(message)));
            }
            SendMessageResponse::Task(task) => self.settle(task, self.answer_wait()).await?,
        };
        let said = task.status.message.as_ref().map(Message::text);
        let text = Untrusted::new(said.unwrap_or_default());
        let state = task.status.state;
        let task = Box::new(task);
        Ok(match state {
            TaskState::Completed => Called::Done {
                output: output(&task)?,
                task,
            },
            TaskState::InputRequired => Called::NeedsInput(Waiting { text, task }),
            TaskState::AuthRequired => Called::NeedsAuth(Waiting { text, task }),
            TaskState::Failed => Called::Failed(Ended { text, task }),
            TaskState::Rejected => Called::Rejected(Ended { text, task }),
            TaskState::Canceled => Called::Canceled(Ended { text, task }),
            _ => return Err(CallError::malformed("a task that is in no state")),
        })
    }
}

fn data<In: Serialize + ?Sized>(input: &In) -> Result<Message, CallError> {
    let json = Json::from_value(input).map_err(|error| CallError::Request(error.to_string()))?;
    Ok(Message::user(Part::data(json)))
}

/// The output of a task that completed.
fn output<Out: DeserializeOwned>(task: &Task) -> Result<Out, CallError> {
    let data = |artifact: &Artifact| artifact.parts.iter().find_map(Part::as_data).cloned();
    let result = task.artifacts.iter().find(|a| a.artifact_id == "result");
    let found = result.and_then(data);
    let found = found.or_else(|| task.artifacts.iter().rev().find_map(data));
    let json = found.ok_or_else(|| CallError::malformed("the task has no output"))?;
    json.parse().map_err(CallError::malformed)
}
