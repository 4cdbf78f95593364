//! The two versions of the protocol on gRPC: a package each, and each with a table of its messages.

use super::unreadable;
use crate::bind::v03;
use crate::service::{Call, Feed, Operation, Reply, Service, Version};
use agent_core::a2a::proto::{self, Schema, request_of, response_of};
use agent_core::a2a::v03::{Dialect, request_into_v1};
use agent_core::a2a::{A2aError, decode};
use agent_core::json::Json;
use serde::Deserialize;
use serde_json::{Value, json};

/// An operation in a version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speech {
    pub(super) version: Version,
    pub(super) operation: Operation,
    request: &'static Schema,
    pub(super) response: &'static Schema,
}

/// What is answered, before it is framed.
pub(super) enum Answer {
    /// In the words of the version.
    Json(Json),
    /// In those of 1.0, as they come.
    Stream(Feed),
    /// One event in the words of the version, and the end.
    Once(Json),
}

impl Speech {
    /// What `version` calls so.
    pub(super) fn of(version: Version, method: &str) -> Option<Self> {
        let (operation, request, response) = match version {
            Version::V1_0 => {
                let operation = Operation::of_name(method)?;
                (operation, request_of(operation), response_of(operation))
            }
            Version::V0_3 => {
                let operation = proto::v03::operation(method)?;
                (
                    operation,
                    proto::v03::request_of(operation),
                    proto::v03::response_of(operation),
                )
            }
        };
        Some(Self {
            version,
            operation,
            request,
            response,
        })
    }

    pub(super) async fn perform(
        self,
        service: &Service,
        call: &Call,
        message: &[u8],
    ) -> Result<Answer, A2aError> {
        let params = self.request.decode(message).map_err(unreadable)?;
        if self.version == Version::V0_3 {
            let asked = v03::Asked {
                operation: self.operation,
                params: self.in_v1(&params)?,
            };
            let answer = v03::perform(service, call, &asked, Dialect::Rest).await?;
            return Ok(match answer {
                v03::Answer::Json(json) => Answer::Json(json),
                v03::Answer::Stream(feed) => Answer::Stream(feed),
                v03::Answer::Once(event) => Answer::Once(event),
            });
        }
        Ok(
            match service.perform(call, self.operation, &params).await? {
                Reply::Json(json) => Answer::Json(json),
                Reply::Stream(feed) => Answer::Stream(feed),
            },
        )
    }

    /// The request of 1.0 that one of 0.3 stands for.
    fn in_v1(self, params: &[u8]) -> Result<Json, A2aError> {
        match self.operation {
            Operation::SendMessage
            | Operation::SendStreamingMessage
            | Operation::CreateTaskPushNotificationConfig => {
                request_into_v1(self.operation, params, Dialect::Rest)
            }
            _ => named(self.operation, params),
        }
    }
}

/// A request that says which task or webhook it is about by the name of a resource.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Named {
    name: String,
    parent: String,
    history_length: i32,
    page_size: i32,
    page_token: String,
}

fn named(operation: Operation, params: &[u8]) -> Result<Json, A2aError> {
    let said: Named = decode(params)?;
    let wrong = |field, form: &str| A2aError::invalid_field(field, format!("must be {form}"));
    let task = |field, name: &str| match name.strip_prefix("tasks/") {
        Some(id) if !id.is_empty() => Ok(id.to_owned()),
        _ => Err(wrong(field, "tasks/{id}")),
    };
    let request: Value = match operation {
        Operation::GetTask => {
            // In 0.3 no length and a length of 0 are one: as many as there are.
            let length = Some(said.history_length).filter(|length| *length != 0);
            json!({ "id": task("name", &said.name)?, "historyLength": length })
        }
        Operation::CancelTask | Operation::SubscribeToTask => {
            json!({ "id": task("name", &said.name)? })
        }
        Operation::ListTaskPushNotificationConfigs => json!({
            "taskId": task("parent", &said.parent)?,
            "pageSize": said.page_size, "pageToken": said.page_token
        }),
        Operation::GetTaskPushNotificationConfig | Operation::DeleteTaskPushNotificationConfig => {
            let parts = said.name.split_once("/pushNotificationConfigs/");
            let (parent, id) =
                parts.ok_or_else(|| wrong("name", "tasks/{id}/pushNotificationConfigs/{id}"))?;
            json!({ "taskId": task("name", parent)?, "id": id })
        }
        _ => json!({}),
    };
    Json::from_value(&request).map_err(|error| A2aError::internal(error.to_string()))
}
