//! What is asked of an agent. In HTTP+JSON most of it is in the path, which the binding reads.

use super::message::Message;
use super::push::Config;
use super::wrong::Wrong;
use super::{Dialect, Spoken, read, write};
use crate::a2a::error::A2aError;
use crate::a2a::macros::object;
use crate::a2a::requests::{
    CancelTaskRequest, DeleteTaskPushNotificationConfigRequest, GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest, GetTaskRequest, ListTaskPushNotificationConfigsRequest,
    SendMessageConfiguration, SendMessageRequest, SubscribeToTaskRequest,
};
use crate::json::{Json, Metadata};

#[derive(Default)]
struct SendParams {
    message: Option<Message>,
    /// What the `.proto` file calls it.
    request: Option<Message>,
    configuration: Option<Configuration>,
    metadata: Metadata,
}

object!(SendParams {
    message: "message",
    request: "request",
    configuration: "configuration",
    metadata: "metadata",
});

#[derive(Default)]
struct Configuration {
    accepted_output_modes: Vec<String>,
    history_length: Option<i32>,
    push_notification_config: Option<Config>,
    push_notification: Option<Config>,
    blocking: Option<bool>,
}

object!(Configuration {
    accepted_output_modes: "acceptedOutputModes",
    history_length: "historyLength",
    push_notification_config: "pushNotificationConfig",
    push_notification: "pushNotification",
    blocking: "blocking",
});

impl Configuration {
    fn of(configuration: &SendMessageConfiguration, dialect: Dialect) -> Self {
        let webhook = configuration.task_push_notification_config.as_ref();
        let webhook = webhook.map(Config::of);
        let (push_notification_config, push_notification) = match dialect {
            Dialect::JsonRpc => (webhook, None),
            Dialect::Rest => (None, webhook),
        };
        Self {
            accepted_output_modes: configuration.accepted_output_modes.clone(),
            history_length: spoken_length(configuration.history_length, dialect),
            push_notification_config,
            push_notification,
            blocking: Some(!configuration.return_immediately),
        }
    }

    fn into_v1(self, dialect: Dialect) -> SendMessageConfiguration {
        // Protocol Buffers cannot tell `false` from nothing, so there nothing means `false`; the
        // SDKs of JSON-RPC wait unless they are told not to.
        let blocking = self.blocking.unwrap_or(dialect == Dialect::JsonRpc);
        let webhook = self.push_notification_config.or(self.push_notification);
        SendMessageConfiguration {
            accepted_output_modes: self.accepted_output_modes,
            task_push_notification_config: webhook.map(Config::into_v1),
            history_length: spoken_length(self.history_length, dialect),
            return_immediately: !blocking,
        }
    }
}

/// In the Protocol Buffers of 0.3 a length of 0 is no limit.
fn spoken_length(length: Option<i32>, dialect: Dialect) -> Option<i32> {
    length.filter(|length| *length != 0 || dialect == Dialect::JsonRpc)
}

impl Spoken for SendMessageRequest {
    fn from_v03(json: &[u8], dialect: Dialect) -> Result<Self, A2aError> {
        let params: SendParams = read(json)?;
        let message = params
            .message
            .or(params.request)
            .ok_or_else(|| Wrong::new("message", "is required"))?
            .into_v1(dialect)
            .map_err(|wrong| wrong.inside("message"))?;
        Ok(Self {
            message,
            configuration: params.configuration.map(|it| it.into_v1(dialect)),
            metadata: params.metadata,
            ..Self::default()
        })
    }

    fn to_v03(&self, dialect: Dialect) -> Result<Json, A2aError> {
        let configuration = self.configuration.clone().unwrap_or_default();
        write(&SendParams {
            message: Some(Message::of(&self.message, dialect)),
            request: None,
            configuration: Some(Configuration::of(&configuration, dialect)),
            metadata: self.metadata.clone(),
        })
    }
}

/// The parameters of every other method.
#[derive(Default)]
struct IdParams {
    id: String,
    history_length: Option<i32>,
    push_notification_config_id: String,
    metadata: Metadata,
}

object!(IdParams {
    id: "id" required,
    history_length: "historyLength",
    push_notification_config_id: "pushNotificationConfigId",
    metadata: "metadata",
});

/// Between a request of 1.0 and what 0.3 has of it.
macro_rules! by_id {
    ($($request:ident { $($field:ident : $param:ident),* })*) => {
        $(impl Spoken for $request {
            fn from_v03(json: &[u8], _: Dialect) -> Result<Self, A2aError> {
                let params: IdParams = read(json)?;
                Ok(Self { $($field: params.$param,)* ..Self::default() })
            }

            fn to_v03(&self, _: Dialect) -> Result<Json, A2aError> {
                write(&IdParams { $($param: self.$field.clone(),)* ..IdParams::default() })
            }
        })*
    };
}

by_id! {
    GetTaskRequest { id: id, history_length: history_length }
    CancelTaskRequest { id: id, metadata: metadata }
    SubscribeToTaskRequest { id: id }
    ListTaskPushNotificationConfigsRequest { task_id: id }
    GetTaskPushNotificationConfigRequest { task_id: id, id: push_notification_config_id }
    DeleteTaskPushNotificationConfigRequest { task_id: id, id: push_notification_config_id }
}

impl Spoken for GetExtendedAgentCardRequest {
    fn from_v03(_: &[u8], _: Dialect) -> Result<Self, A2aError> {
        Ok(Self::default())
    }

    fn to_v03(&self, _: Dialect) -> Result<Json, A2aError> {
        write(&Metadata::new())
    }
}

/// The name of a webhook as a resource: `tasks/{id}/pushNotificationConfigs/{id}`.
pub(super) fn config_name(task_id: &str, id: &str) -> String {
    format!("tasks/{task_id}/pushNotificationConfigs/{id}")
}

/// The task and the webhook in the name of a resource; what it does not name is empty.
pub(super) fn names_of(name: &str) -> (String, String) {
    let Some(rest) = name.strip_prefix("tasks/") else {
        return Default::default();
    };
    match rest.split_once("/pushNotificationConfigs/") {
        Some((task, config)) => (task.to_owned(), config.to_owned()),
        None => (rest.to_owned(), String::new()),
    }
}
