//! A2A 0.3 beside 1.0, on the same addresses: another way of saying things to the same service.
//!
//! Which version a request speaks is told as the official SDKs tell it: in JSON-RPC by the name of
//! the method, in HTTP+JSON by a path that begins with `/v1`. A version that is named beside it
//! must agree.

pub(super) mod rest;
pub(super) mod rpc;

use crate::service::{Call, Feed, Operation, Reply, Service};
use agent_core::a2a::v03::{Dialect, answer_from_v1};
use agent_core::a2a::{self, A2aError, ErrorCode, ListTaskPushNotificationConfigsResponse, Task};
use agent_core::json::Json;
use serde_json::json;

/// A request of 0.3, understood.
pub(super) struct Asked {
    pub(super) operation: Operation,
    /// The request of 1.0 that it stands for.
    pub(super) params: Json,
}

/// What is answered, before it is framed.
pub(super) enum Answer {
    /// In the words of 0.3.
    Json(Json),
    /// In those of 1.0, as they come.
    Stream(Feed),
    /// One event in the words of 0.3, and the end.
    Once(Json),
}

/// Does what is asked, with what only 0.3 has.
pub(super) async fn perform(
    service: &Service,
    call: &Call,
    asked: &Asked,
    dialect: Dialect,
) -> Result<Answer, A2aError> {
    let operation = asked.operation;
    let params = asked.params.get().as_bytes();
    let reply = service.perform(call, operation, params).await;
    match (operation, reply) {
        (_, Ok(Reply::Stream(feed))) => Ok(Answer::Stream(feed)),
        (_, Ok(Reply::Json(result))) => {
            answer_from_v1(operation, &result, dialect).map(Answer::Json)
        }
        (Operation::SubscribeToTask, Err(refused)) => {
            ended(service, call, asked, dialect, refused).await
        }
        (Operation::GetTaskPushNotificationConfig, Err(refused)) => {
            only_webhook(service, call, asked, dialect, refused).await
        }
        (Operation::GetExtendedAgentCard, Err(refused)) => Err(no_card(refused)),
        (_, Err(refused)) => Err(refused),
    }
}

/// In 0.3 a subscription to a task that has ended is answered with the task (`a2a.proto`,
/// TaskSubscription), in 1.0 it is refused.
async fn ended(
    service: &Service,
    call: &Call,
    asked: &Asked,
    dialect: Dialect,
    refused: A2aError,
) -> Result<Answer, A2aError> {
    if refused.code() != ErrorCode::UnsupportedOperation {
        return Err(refused);
    }
    let reply = service.perform(call, Operation::GetTask, asked.params.get().as_bytes());
    match reply.await {
        Ok(Reply::Json(json)) if is_terminal(&json) => {
            let event = Json::from_value(&json!({ "task": json }));
            let event = event.map_err(|error| A2aError::internal(error.to_string()))?;
            let event = answer_from_v1(Operation::SubscribeToTask, &event, dialect);
            event.map(Answer::Once)
        }
        _ => Err(refused),
    }
}

fn is_terminal(task: &Json) -> bool {
    task.parse::<Task>()
        .is_ok_and(|task| task.status.state.is_terminal())
}

/// In 0.3 the id of a webhook may be left out (`TaskIdParams`), which asks for the only one there is.
async fn only_webhook(
    service: &Service,
    call: &Call,
    asked: &Asked,
    dialect: Dialect,
    refused: A2aError,
) -> Result<Answer, A2aError> {
    let request: a2a::GetTaskPushNotificationConfigRequest =
        asked.params.parse().unwrap_or_default();
    if !request.id.is_empty() {
        return Err(refused);
    }
    let list = Operation::ListTaskPushNotificationConfigs;
    let reply = service.perform(call, list, asked.params.get().as_bytes());
    let Ok(Reply::Json(page)) = reply.await else {
        return Err(refused);
    };
    let page: ListTaskPushNotificationConfigsResponse = page.parse().unwrap_or_default();
    let first = page.configs.first();
    let config = first.ok_or_else(|| A2aError::task_not_found(&request.task_id))?;
    let config = Json::from_value(config);
    let config = config.map_err(|error| A2aError::internal(error.to_string()))?;
    answer_from_v1(asked.operation, &config, dialect).map(Answer::Json)
}

/// 0.3 has one error for a card that there is none of, whatever the other card says.
fn no_card(refused: A2aError) -> A2aError {
    match refused.code() {
        ErrorCode::UnsupportedOperation => {
            A2aError::new(ErrorCode::ExtendedAgentCardNotConfigured, refused.message())
        }
        _ => refused,
    }
}
