//! Operations that the card does not offer, and what those who ask for them are told (A2A §3.3.4).

use super::Service;
use agent_core::a2a::{A2aError, ErrorCode, SendMessageRequest};

impl Service {
    /// `CreateTaskPushNotificationConfig` and its siblings: this agent calls no webhooks.
    pub(crate) fn push_notifications() -> A2aError {
        ErrorCode::PushNotificationNotSupported.into()
    }

    /// `GetExtendedAgentCard`: the card says that there is none.
    pub(crate) fn extended_card() -> A2aError {
        A2aError::unsupported_operation("this agent has no extended card")
    }
}

/// A message that comes with a webhook is refused: taking it in silence would promise calls.
pub(super) fn refuse_webhook(request: &SendMessageRequest) -> Result<(), A2aError> {
    let configuration = request.configuration.as_ref();
    match configuration.and_then(|c| c.task_push_notification_config.as_ref()) {
        Some(_) => Err(Service::push_notifications()),
        None => Ok(()),
    }
}
