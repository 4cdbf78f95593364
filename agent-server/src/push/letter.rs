//! What a webhook is sent.

use crate::store::{Notice, PushVersion, Webhook};
use agent_core::a2a::{Secret, StreamResponse, Task, v03};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Carries the token of the webhook. Not in the text of 1.0 any more, and sent by all the same.
const TOKEN: HeaderName = HeaderName::from_static("x-a2a-notification-token");

/// One notification, ready to go.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The notification of this event; `None` when the webhook's version has none for it.
pub(super) fn letter(notice: &Notice) -> Option<Letter> {
    let (kind, body) = match notice.webhook.version {
        PushVersion::V1_0 => (
            "application/a2a+json",
            Bytes::copy_from_slice(notice.event.get().as_bytes()),
        ),
        PushVersion::V0_3 => ("application/json", task_of_v03(notice)?),
    };
    let mut headers = headers(&notice.webhook);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Some(Letter { headers, body })
}

/// In 0.3 a notification is the task, so a piece of an artifact is none: the task has all of it
/// when its status changes next. What is stored may be ahead of the event; its status is the
/// event's, so that a receiver sees every status once and in order.
fn task_of_v03(notice: &Notice) -> Option<Bytes> {
    let task = match notice.event.parse().ok()? {
        StreamResponse::Task(task) => task,
        StreamResponse::StatusUpdate(update) => {
            let mut task: Task = notice.task.as_ref()?.parse().ok()?;
            task.status = update.status;
            task
        }
        _ => return None,
    };
    let body = v03::notification(&task).ok()?;
    Some(Bytes::copy_from_slice(body.get().as_bytes()))
}

fn headers(webhook: &Webhook) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(authentication) = &webhook.authentication {
        let credentials = authentication.credentials.expose();
        let value = if credentials.is_empty() {
            authentication.scheme.clone()
        } else {
            format!("{} {credentials}", authentication.scheme)
        };
        headers.extend(secret(&value).map(|value| (AUTHORIZATION, value)));
    }
    if !webhook.token.is_empty() {
        headers.extend(secret(webhook.token.expose()).map(|value| (TOKEN, value)));
    }
    headers
}

/// Whether a token or credentials can be sent in a header, and so cannot end it.
pub(super) fn can_be_sent(text: &Secret) -> bool {
    secret(text.expose()).is_some()
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(text.as_bytes()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
