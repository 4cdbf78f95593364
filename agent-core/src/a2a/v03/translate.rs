//! Each operation in 0.3: its name, its request and its answer, from the side of the server and
//! from that of the client.

use super::push::create;
use super::{Dialect, PROTOCOL_VERSION, Spoken, event, hybrid_card, read, read_card, write};
use crate::a2a::card::AgentCard;
use crate::a2a::error::A2aError;
use crate::a2a::error_code::ErrorCode;
use crate::a2a::event::{SendMessageResponse, StreamResponse};
use crate::a2a::operation::Operation;
use crate::a2a::push::TaskPushNotificationConfig;
use crate::a2a::requests::{
    CancelTaskRequest, DeleteTaskPushNotificationConfigRequest, GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest, GetTaskRequest, ListTaskPushNotificationConfigsRequest,
    ListTaskPushNotificationConfigsResponse, SendMessageRequest, SubscribeToTaskRequest,
};
use crate::a2a::task::Task;
use crate::json::{Json, Metadata};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What JSON-RPC calls the operation in 0.3; `None` for `ListTasks`, which 0.3 does not have.
#[must_use]
pub const fn method(operation: Operation) -> Option<&'static str> {
    Some(match operation {
        Operation::SendMessage => "message/send",
        Operation::SendStreamingMessage => "message/stream",
        Operation::GetTask => "tasks/get",
        Operation::CancelTask => "tasks/cancel",
        Operation::SubscribeToTask => "tasks/resubscribe",
        Operation::CreateTaskPushNotificationConfig => "tasks/pushNotificationConfig/set",
        Operation::GetTaskPushNotificationConfig => "tasks/pushNotificationConfig/get",
        Operation::ListTaskPushNotificationConfigs => "tasks/pushNotificationConfig/list",
        Operation::DeleteTaskPushNotificationConfig => "tasks/pushNotificationConfig/delete",
        Operation::GetExtendedAgentCard => "agent/getAuthenticatedExtendedCard",
        Operation::ListTasks => return None,
    })
}

/// The operation that JSON-RPC calls so in 0.3. No name is one of 1.0 too.
#[must_use]
pub fn operation(method: &str) -> Option<Operation> {
    let mut all = Operation::ALL.into_iter();
    all.find(|known| self::method(*known) == Some(method))
}

/// For a server: the request of 1.0 that a body of 0.3 stands for.
///
/// # Errors
/// As for [`Spoken::from_v03`], and UnsupportedOperation for what 0.3 does not have.
pub fn request_into_v1(
    operation: Operation,
    json: &[u8],
    dialect: Dialect,
) -> Result<Json, A2aError> {
    let here = Side { json, dialect };
    match operation {
        Operation::SendMessage | Operation::SendStreamingMessage => {
            here.in_v1::<SendMessageRequest>()
        }
        Operation::GetTask => here.in_v1::<GetTaskRequest>(),
        Operation::CancelTask => here.in_v1::<CancelTaskRequest>(),
        Operation::SubscribeToTask => here.in_v1::<SubscribeToTaskRequest>(),
        Operation::CreateTaskPushNotificationConfig => here.in_v1::<TaskPushNotificationConfig>(),
        Operation::GetTaskPushNotificationConfig => {
            here.in_v1::<GetTaskPushNotificationConfigRequest>()
        }
        Operation::ListTaskPushNotificationConfigs => {
            here.in_v1::<ListTaskPushNotificationConfigsRequest>()
        }
        Operation::DeleteTaskPushNotificationConfig => {
            here.in_v1::<DeleteTaskPushNotificationConfigRequest>()
        }
        Operation::GetExtendedAgentCard => here.in_v1::<GetExtendedAgentCardRequest>(),
        Operation::ListTasks => Err(absent(operation)),
    }
}

/// For a server: the answer of 0.3 that a result of 1.0 stands for. Events are [`event`]'s.
///
/// # Errors
/// [`ErrorCode::Internal`] when the result is not the operation's.
pub fn answer_from_v1(
    operation: Operation,
    result: &Json,
    dialect: Dialect,
) -> Result<Json, A2aError> {
    let json = result.get().as_bytes();
    let here = Side { json, dialect };
    let answer = match operation {
        Operation::SendMessage => here.in_v03::<SendMessageResponse>(),
        Operation::SendStreamingMessage | Operation::SubscribeToTask => {
            here.in_v03::<StreamResponse>()
        }
        Operation::GetTask | Operation::CancelTask => here.in_v03::<Task>(),
        Operation::CreateTaskPushNotificationConfig | Operation::GetTaskPushNotificationConfig => {
            here.in_v03::<TaskPushNotificationConfig>()
        }
        Operation::ListTaskPushNotificationConfigs => {
            here.in_v03::<ListTaskPushNotificationConfigsResponse>()
        }
        Operation::DeleteTaskPushNotificationConfig => match dialect {
            Dialect::JsonRpc => Ok(Json::default()),
            Dialect::Rest => write(&Metadata::new()),
        },
        Operation::GetExtendedAgentCard => {
            read(json).and_then(|card: AgentCard| hybrid_card(&card))
        }
        Operation::ListTasks => Err(absent(operation)),
    };
    answer.map_err(ours)
}

/// For a server: the event of 0.3 that one of 1.0 stands for. See [`event`].
///
/// # Errors
/// [`ErrorCode::Internal`] when it is not an event.
pub fn event_from_v1(
    response: &Json,
    dialect: Dialect,
    ends_when_asking: bool,
) -> Result<Json, A2aError> {
    let of_v1: Result<StreamResponse, A2aError> = read(response.get().as_bytes());
    of_v1
        .and_then(|of_v1| event(&of_v1, dialect, ends_when_asking))
        .map_err(ours)
}

/// For a client: the body of 0.3 that says what a request of 1.0 says.
///
/// # Errors
/// UnsupportedOperation for what 0.3 does not have; [`ErrorCode::InvalidParams`] when the request
/// is not the operation's.
pub fn request_from_v1(
    operation: Operation,
    request: &Json,
    dialect: Dialect,
) -> Result<Json, A2aError> {
    let json = request.get().as_bytes();
    let here = Side { json, dialect };
    match operation {
        Operation::SendMessage | Operation::SendStreamingMessage => {
            here.in_v03::<SendMessageRequest>()
        }
        Operation::GetTask => here.in_v03::<GetTaskRequest>(),
        Operation::CancelTask => here.in_v03::<CancelTaskRequest>(),
        Operation::SubscribeToTask => here.in_v03::<SubscribeToTaskRequest>(),
        Operation::CreateTaskPushNotificationConfig => create(&read(json)?, dialect),
        Operation::GetTaskPushNotificationConfig => {
            here.in_v03::<GetTaskPushNotificationConfigRequest>()
        }
        Operation::ListTaskPushNotificationConfigs => {
            here.in_v03::<ListTaskPushNotificationConfigsRequest>()
        }
        Operation::DeleteTaskPushNotificationConfig => {
            here.in_v03::<DeleteTaskPushNotificationConfigRequest>()
        }
        Operation::GetExtendedAgentCard => here.in_v03::<GetExtendedAgentCardRequest>(),
        Operation::ListTasks => Err(absent(operation)),
    }
}

/// For a client: the result of 1.0 that an answer of 0.3 stands for, or one event of a stream.
///
/// # Errors
/// As for [`Spoken::from_v03`].
pub fn answer_into_v1(
    operation: Operation,
    json: &[u8],
    dialect: Dialect,
) -> Result<Json, A2aError> {
    let here = Side { json, dialect };
    match operation {
        Operation::SendMessage => here.in_v1::<SendMessageResponse>(),
        Operation::SendStreamingMessage | Operation::SubscribeToTask => {
            here.in_v1::<StreamResponse>()
        }
        Operation::GetTask | Operation::CancelTask => here.in_v1::<Task>(),
        Operation::CreateTaskPushNotificationConfig | Operation::GetTaskPushNotificationConfig => {
            here.in_v1::<TaskPushNotificationConfig>()
        }
        Operation::ListTaskPushNotificationConfigs => {
            here.in_v1::<ListTaskPushNotificationConfigsResponse>()
        }
        // Whatever says that it is gone: `null`, an empty object, nothing.
        Operation::DeleteTaskPushNotificationConfig => write(&Metadata::new()),
        Operation::GetExtendedAgentCard => write(&read_card(json)?),
        Operation::ListTasks => Err(absent(operation)),
    }
}

/// One object on its way.
struct Side<'a> {
    json: &'a [u8],
    dialect: Dialect,
}

impl Side<'_> {
    fn in_v1<T: Spoken + Serialize>(&self) -> Result<Json, A2aError> {
        write(&T::from_v03(self.json, self.dialect)?)
    }

    fn in_v03<T: Spoken + DeserializeOwned>(&self) -> Result<Json, A2aError> {
        read::<T>(self.json)?.to_v03(self.dialect)
    }
}

fn absent(operation: Operation) -> A2aError {
    let name = operation.name();
    A2aError::unsupported_operation(format!("A2A {PROTOCOL_VERSION} has no {name}"))
}

/// What is wrong with a result of our own is not the caller's fault.
fn ours(error: A2aError) -> A2aError {
    match error.code() {
        ErrorCode::UnsupportedOperation => error,
        _ => A2aError::internal(format!("an answer for 0.3: {error}")),
    }
}
