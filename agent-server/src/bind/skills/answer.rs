//! From a task to an HTTP answer.

use super::prefer::Preference;
use super::text_of;
use crate::paid::desk::receipt_in;
use crate::paid::reply;
use crate::service::parse_task;
use agent_core::a2a::{A2aError, Artifact, Message, Part, PartContent, Task, TaskState};
use agent_core::json::Json;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use url::Url;

/// The artifact that is a skill's output.
const RESULT: &str = "result";

/// How whoever asked is answered.
pub(super) struct Asker<'a> {
    pub(super) base: &'a Url,
    pub(super) preference: Option<Preference>,
    pub(super) is_v1: bool,
}

impl Asker<'_> {
    /// The answer that a stored task is.
    pub(super) fn of_task(&self, task: &Json) -> Result<Response, A2aError> {
        let task = parse_task(task)?;
        let said = task.status.message.as_ref().map(Message::text);
        let said = said.unwrap_or_default();
        let failed = |status, code| Ok(reply::failure(status, code, &said));
        let mut response = match task.status.state {
            TaskState::Completed => output(&task),
            TaskState::Rejected => failed(StatusCode::UNPROCESSABLE_ENTITY, "rejected"),
            TaskState::Canceled => failed(StatusCode::CONFLICT, "canceled"),
            TaskState::Failed => failed(StatusCode::INTERNAL_SERVER_ERROR, "failed"),
            _ => Ok(self.later(&task.id, &said)),
        }?;
        reply::seal(&mut response, receipt_in(&task).as_ref(), self.is_v1);
        Ok(response)
    }

    /// The answer that a message is, in place of a task.
    pub(super) fn of_message(&self, message: &Json) -> Result<Response, A2aError> {
        let message: Message = message
            .parse()
            .map_err(|error| A2aError::internal(format!("a message: {error}")))?;
        let mut response = message
            .parts
            .last()
            .map_or_else(nothing, |last| part(last, true));
        reply::seal(&mut response, None, self.is_v1);
        Ok(response)
    }

    /// Where the task is that is not done.
    pub(super) fn later(&self, id: &str, said: &str) -> Response {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["rest", "tasks", id]);
        }
        let mut response = reply::json(&json!({
            "taskId": id,
            "taskUrl": url.as_str(),
            "message": said,
        }));
        *response.status_mut() = StatusCode::ACCEPTED;
        reply::seal(&mut response, None, self.is_v1);
        let headers = response.headers_mut();
        if let Ok(url) = HeaderValue::try_from(url.as_str()) {
            headers.insert(LOCATION, url);
        }
        if self.preference.is_some() {
            let name = HeaderName::from_static("preference-applied");
            headers.insert(name, HeaderValue::from_static("respond-async"));
        }
        response
    }
}

/// The output of a task: its result, or else what it made.
fn output(task: &Task) -> Result<Response, A2aError> {
    let result = task.artifacts.iter().find(|a| a.artifact_id == RESULT);
    Ok(
        match (
            result.map(|a| a.parts.as_slice()),
            task.artifacts.as_slice(),
        ) {
            (Some([only]), _) => part(only, false),
            (None, []) => nothing(),
            _ => reply::json(&json!({ "artifacts": all(&task.artifacts)? })),
        },
    )
}

fn all(artifacts: &[Artifact]) -> Result<Json, A2aError> {
    Json::from_value(artifacts).map_err(|error| A2aError::internal(error.to_string()))
}

fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// One part. What is text is given as such to those who asked for text, and else as JSON.
fn part(part: &Part, as_json: bool) -> Response {
    let (kind, body) = match &part.content {
        PartContent::Data(data) => ("application/json", text_of(data)),
        PartContent::Text(text) if as_json => return reply::json(text),
        PartContent::Text(text) => ("text/plain; charset=utf-8", Body::from(text.clone())),
        _ => return reply::json(part),
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, body).into_response()
}
