//! The operations by name, and the one door through which every binding asks for them.

use super::{Call, Feed, Service};
use agent_core::a2a::{A2aError, decode};
use agent_core::json::{Json, Metadata};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{Instrument as _, Span};

/// An operation of A2A 1.0 (§3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// §3.1.1
    SendMessage,
    /// §3.1.2
    SendStreamingMessage,
    /// §3.1.3
    GetTask,
    /// §3.1.4
    ListTasks,
    /// §3.1.5
    CancelTask,
    /// §3.1.6
    SubscribeToTask,
    /// §3.1.7
    CreateTaskPushNotificationConfig,
    /// §3.1.8
    GetTaskPushNotificationConfig,
    /// §3.1.9
    ListTaskPushNotificationConfigs,
    /// §3.1.10
    DeleteTaskPushNotificationConfig,
    /// §3.1.11
    GetExtendedAgentCard,
}

impl Operation {
    /// All of them, in the order of the specification.
    pub const ALL: [Self; 11] = [
        Self::SendMessage,
        Self::SendStreamingMessage,
        Self::GetTask,
        Self::ListTasks,
        Self::CancelTask,
        Self::SubscribeToTask,
        Self::CreateTaskPushNotificationConfig,
        Self::GetTaskPushNotificationConfig,
        Self::ListTaskPushNotificationConfigs,
        Self::DeleteTaskPushNotificationConfig,
        Self::GetExtendedAgentCard,
    ];

    /// The name that JSON-RPC and gRPC know it by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendMessage => "SendMessage",
            Self::SendStreamingMessage => "SendStreamingMessage",
            Self::GetTask => "GetTask",
            Self::ListTasks => "ListTasks",
            Self::CancelTask => "CancelTask",
            Self::SubscribeToTask => "SubscribeToTask",
            Self::CreateTaskPushNotificationConfig => "CreateTaskPushNotificationConfig",
            Self::GetTaskPushNotificationConfig => "GetTaskPushNotificationConfig",
            Self::ListTaskPushNotificationConfigs => "ListTaskPushNotificationConfigs",
            Self::DeleteTaskPushNotificationConfig => "DeleteTaskPushNotificationConfig",
            Self::GetExtendedAgentCard => "GetExtendedAgentCard",
        }
    }

    /// The operation of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Whether it answers with a stream of events.
    #[must_use]
    pub const fn streams(self) -> bool {
        matches!(self, Self::SendStreamingMessage | Self::SubscribeToTask)
    }
}

/// The answer to an operation.
#[derive(Debug)]
pub enum Reply {
    /// The result, as ProtoJSON.
    Json(Json),
    /// The events of a stream.
    Stream(Feed),
}

impl Service {
    /// Does what a binding was asked for: `params` is the operation's request as ProtoJSON of
    /// A2A 1.0, and so is what comes back.
    ///
    /// A binding is what reads a [`Call`], an operation and a body from its protocol, and frames
    /// the reply; see `bind`. The size and depth of `params` are the binding's to bound.
    ///
    /// # Errors
    /// [`A2aError`]; of a stream, those that are known before its first event.
    pub async fn perform(
        &self,
        call: &Call,
        operation: Operation,
        params: &[u8],
    ) -> Result<Reply, A2aError> {
        let mut required = self.0.required_extensions.iter();
        if let Some(missing) = required.find(|uri| !call.extensions.contains(uri)) {
            return Err(A2aError::extension_support_required(missing));
        }
        if operation.streams() && !self.0.streaming {
            return Err(A2aError::unsupported_operation(
                "this agent has no streams; send with returnImmediately and ask with GetTask",
            ));
        }
        let span = match &call.trace {
            None => Span::none(),
            // With the caller's id in it, so that its log and ours can be read as one.
            Some(trace) => {
                let (name, trace_id) = (operation.name(), trace.trace_id());
                tracing::info_span!("operation", name, trace_id)
            }
        };
        self.done(call, operation, params).instrument(span).await
    }

    async fn done(
        &self,
        call: &Call,
        operation: Operation,
        params: &[u8],
    ) -> Result<Reply, A2aError> {
        Ok(match operation {
            Operation::SendMessage => Reply::Json(self.send_message(call, read(params)?).await?),
            Operation::SendStreamingMessage => {
                Reply::Stream(self.send_streaming(call, read(params)?).await?)
            }
            Operation::GetTask => Reply::Json(self.get_task(call, read(params)?).await?),
            Operation::ListTasks => written(&self.list_tasks(call, read(params)?).await?)?,
            Operation::CancelTask => Reply::Json(self.cancel_task(call, read(params)?).await?),
            Operation::SubscribeToTask => Reply::Stream(self.subscribe(call, read(params)?).await?),
            Operation::CreateTaskPushNotificationConfig => {
                written(&self.create_webhook(call, read(params)?).await?)?
            }
            Operation::GetTaskPushNotificationConfig => {
                written(&self.get_webhook(call, read(params)?).await?)?
            }
            Operation::ListTaskPushNotificationConfigs => {
                written(&self.list_webhooks(call, read(params)?).await?)?
            }
            Operation::DeleteTaskPushNotificationConfig => {
                self.delete_webhook(call, read(params)?).await?;
                written(&Metadata::new())?
            }
            Operation::GetExtendedAgentCard => {
                Reply::Json(self.extended_card(call, &read(params)?)?)
            }
        })
    }
}

fn read<T: DeserializeOwned>(params: &[u8]) -> Result<T, A2aError> {
    decode(if params.is_empty() { b"{}" } else { params })
}

fn written(result: &impl Serialize) -> Result<Reply, A2aError> {
    Json::from_value(result)
        .map(Reply::Json)
        .map_err(|error| A2aError::internal(error.to_string()))
}
