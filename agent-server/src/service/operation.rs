//! The one door through which every binding asks for them.

use super::{Call, Feed, Service};
use agent_core::a2a::{A2aError, Operation, Version, decode};
use agent_core::json::{Json, Metadata};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{Instrument as _, Span};

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
        if call.version == Version::V0_3 && !self.0.v0_3 {
            return Err(A2aError::version_not_supported(call.version.name()));
        }
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
            later => {
                let name = later.name();
                return Err(A2aError::unsupported_operation(format!(
                    "{name} is not offered"
                )));
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
