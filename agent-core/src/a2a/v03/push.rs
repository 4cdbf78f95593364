//! Webhooks, which 0.3 nests in an object of their own, and what they are sent.

use super::requests::{config_name, names_of};
use super::{Dialect, Spoken, read, write};
use crate::a2a::error::A2aError;
use crate::a2a::macros::object;
use crate::a2a::push::{AuthenticationInfo, TaskPushNotificationConfig};
use crate::a2a::requests::ListTaskPushNotificationConfigsResponse;
use crate::a2a::secret::Secret;
use crate::a2a::task;
use crate::json::Json;

#[derive(Default)]
pub(super) struct Config {
    id: String,
    url: String,
    token: Secret,
    authentication: Option<Authentication>,
}

object!(Config {
    id: "id",
    url: "url" required,
    token: "token",
    authentication: "authentication",
});

#[derive(Default)]
struct Authentication {
    schemes: Vec<String>,
    credentials: Secret,
}

object!(Authentication {
    schemes: "schemes" required,
    credentials: "credentials",
});

/// The configuration of a task: which one, in words of its own or as the name of a resource.
#[derive(Default)]
struct TaskConfig {
    task_id: String,
    name: String,
    push_notification_config: Config,
}

object!(TaskConfig {
    task_id: "taskId",
    name: "name",
    push_notification_config: "pushNotificationConfig" required,
});

/// The request that creates one in HTTP+JSON: either this or a [`TaskConfig`].
#[derive(Default)]
struct Create {
    parent: String,
    config_id: String,
    config: Option<TaskConfig>,
}

object!(Create {
    parent: "parent",
    config_id: "configId",
    config: "config",
});

#[derive(Default)]
struct Configs {
    configs: Vec<TaskConfig>,
    next_page_token: String,
}

object!(Configs {
    configs: "configs" required,
    next_page_token: "nextPageToken",
});

impl Config {
    pub(super) fn of(config: &TaskPushNotificationConfig) -> Self {
        let authentication = config.authentication.as_ref();
        Self {
            id: config.id.clone(),
            url: config.url.clone(),
            token: config.token.clone(),
            authentication: authentication.map(|it| Authentication {
                schemes: Some(it.scheme.clone())
                    .filter(|scheme| !scheme.is_empty())
                    .into_iter()
                    .collect(),
                credentials: it.credentials.clone(),
            }),
        }
    }

    pub(super) fn into_v1(self) -> TaskPushNotificationConfig {
        // Clients that build on Protocol Buffers send an empty one for none.
        let is_some = |it: &Authentication| !it.schemes.is_empty() || !it.credentials.is_empty();
        let given = self.authentication.filter(is_some);
        let authentication = given.map(|it| AuthenticationInfo {
            scheme: it.schemes.into_iter().next().unwrap_or_default(),
            credentials: it.credentials,
        });
        TaskPushNotificationConfig {
            id: self.id,
            url: self.url,
            token: self.token,
            authentication,
            ..TaskPushNotificationConfig::default()
        }
    }
}

impl TaskConfig {
    fn of(config: &TaskPushNotificationConfig, dialect: Dialect) -> Self {
        let (task_id, name) = match dialect {
            Dialect::JsonRpc => (config.task_id.clone(), String::new()),
            Dialect::Rest => (String::new(), config_name(&config.task_id, &config.id)),
        };
        Self {
            task_id,
            name,
            push_notification_config: Config::of(config),
        }
    }

    fn into_v1(self) -> TaskPushNotificationConfig {
        let (task_id, id) = names_of(&self.name);
        let mut config = self.push_notification_config.into_v1();
        config.task_id = if self.task_id.is_empty() {
            task_id
        } else {
            self.task_id
        };
        if config.id.is_empty() {
            config.id = id;
        }
        config
    }
}

impl Spoken for TaskPushNotificationConfig {
    fn from_v03(json: &[u8], dialect: Dialect) -> Result<Self, A2aError> {
        if dialect == Dialect::Rest {
            let create: Create = read(json)?;
            if let Some(config) = create.config {
                let mut config = config.into_v1();
                if !create.parent.is_empty() {
                    config.task_id = names_of(&create.parent).0;
                }
                if config.id.is_empty() {
                    config.id = create.config_id;
                }
                return Ok(config);
            }
        }
        Ok(read::<TaskConfig>(json)?.into_v1())
    }

    /// The answer in either dialect, and the request in JSON-RPC.
    fn to_v03(&self, dialect: Dialect) -> Result<Json, A2aError> {
        write(&TaskConfig::of(self, dialect))
    }
}

/// The request that creates a webhook. HTTP+JSON has the task in the path, and the servers want it
/// in the body as well (`CreateTaskPushNotificationConfigRequest`).
pub(super) fn create(
    config: &TaskPushNotificationConfig,
    dialect: Dialect,
) -> Result<Json, A2aError> {
    match dialect {
        Dialect::JsonRpc => config.to_v03(dialect),
        Dialect::Rest => write(&Create {
            parent: format!("tasks/{}", config.task_id),
            config_id: config.id.clone(),
            config: Some(TaskConfig::of(config, dialect)),
        }),
    }
}

impl Spoken for ListTaskPushNotificationConfigsResponse {
    fn from_v03(json: &[u8], dialect: Dialect) -> Result<Self, A2aError> {
        let (configs, next_page_token) = match dialect {
            Dialect::JsonRpc => (read::<Vec<TaskConfig>>(json)?, String::new()),
            Dialect::Rest => {
                let page: Configs = read(json)?;
                (page.configs, page.next_page_token)
            }
        };
        Ok(Self {
            configs: configs.into_iter().map(TaskConfig::into_v1).collect(),
            next_page_token,
        })
    }

    fn to_v03(&self, dialect: Dialect) -> Result<Json, A2aError> {
        let configs = self
            .configs
            .iter()
            .map(|config| TaskConfig::of(config, dialect));
        let configs: Vec<TaskConfig> = configs.collect();
        match dialect {
            Dialect::JsonRpc => write(&configs),
            Dialect::Rest => write(&Configs {
                configs,
                next_page_token: self.next_page_token.clone(),
            }),
        }
    }
}

/// The body of a push notification to a webhook that was created in 0.3: the task itself, with its
/// `kind`, as [`MEDIA_TYPE`](super::MEDIA_TYPE) (0.3 §9.5). The dialect in which the webhook was
/// created makes no difference.
///
/// # Errors
/// None in practice: all of it is plain data.
pub fn notification(task: &task::Task) -> Result<Json, A2aError> {
    task.to_v03(Dialect::JsonRpc)
}
