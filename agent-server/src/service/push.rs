//! The four operations on webhooks (A2A §3.1.7 to §3.1.10).
//!
//! A task that waits for its first payment is in memory only, since a price question must not cost
//! the seller's disk, and so are its webhooks: they are stored when the payment is admitted and are
//! told of everything from the start of the work on. Of the wait itself they are told nothing; who
//! is to pay has it in the answer.

use super::{Call, Service, Version, refuse_violations};
use crate::push::{Push, limits, too_many};
use crate::store::{PushStoreError, PushVersion, StoredTask, Webhook, WebhookKey};
use crate::tasks::store_failed;
use agent_core::a2a::{
    A2aError, DeleteTaskPushNotificationConfigRequest, ErrorCode,
    GetTaskPushNotificationConfigRequest, ListTaskPushNotificationConfigsRequest,
    ListTaskPushNotificationConfigsResponse, SendMessageRequest, TaskPushNotificationConfig,
};
use alloy_primitives::hex;
use std::sync::Arc;

/// Where the webhooks of a task are.
enum Place {
    Stored,
    /// In memory, with a task that waits for its first payment.
    Waiting,
}

impl Service {
    /// `CreateTaskPushNotificationConfig` (A2A §3.1.7): one of the same id is replaced.
    ///
    /// # Errors
    /// PushNotificationNotSupported, TaskNotFound, InvalidParams, ResourceExhausted.
    pub async fn create_webhook(
        &self,
        call: &Call,
        request: TaskPushNotificationConfig,
    ) -> Result<TaskPushNotificationConfig, A2aError> {
        let push = self.push()?;
        refuse_violations(request.validate())?;
        let owner = call.owner(&request.tenant)?;
        let (tenant, task_id) = (request.tenant.clone(), request.task_id.clone());
        let place = self.place(&owner, &task_id).await?;
        let webhook = push.accept(request, "", form(call.version))?;
        let shown = webhook.shown(&tenant, &task_id);
        match place {
            Place::Waiting => self.keep_waiting(&task_id, webhook)?,
            Place::Stored => {
                let push = Arc::clone(push);
                // What is stored is to be told too: a caller that goes away must not come between.
                super::detached(async move { push.attach(&task_id, &owner, vec![webhook]).await })
                    .await?;
            }
        }
        Ok(shown)
    }

    /// `GetTaskPushNotificationConfig` (A2A §3.1.8).
    ///
    /// # Errors
    /// PushNotificationNotSupported; TaskNotFound also for a webhook that is not there.
    pub async fn get_webhook(
        &self,
        call: &Call,
        request: GetTaskPushNotificationConfigRequest,
    ) -> Result<TaskPushNotificationConfig, A2aError> {
        let push = self.push()?;
        refuse_violations(request.validate())?;
        let owner = call.owner(&request.tenant)?;
        let task_id = request.task_id;
        let found = match self.place(&owner, &task_id).await? {
            Place::Waiting => self.waiting_webhooks(&owner, &task_id),
            Place::Stored => {
                let key = WebhookKey {
                    task_id: task_id.clone(),
                    id: request.id.clone(),
                };
                let found = push.store.find(key).await;
                Vec::from_iter(found.map_err(|error| store_failed(&error))?)
            }
        };
        let found = found.into_iter().find(|webhook| webhook.id == request.id);
        match found {
            Some(webhook) => Ok(webhook.shown(&request.tenant, &task_id)),
            None => Err(A2aError::new(
                ErrorCode::TaskNotFound,
                "the task has no push notification configuration of this id",
            )
            .with_metadata("taskId", task_id)),
        }
    }

    /// `ListTaskPushNotificationConfigs` (A2A §3.1.9): all on one page, unless the client wants
    /// smaller ones.
    ///
    /// # Errors
    /// PushNotificationNotSupported, TaskNotFound, InvalidParams.
    pub async fn list_webhooks(
        &self,
        call: &Call,
        request: ListTaskPushNotificationConfigsRequest,
    ) -> Result<ListTaskPushNotificationConfigsResponse, A2aError> {
        let push = self.push()?;
        refuse_violations(request.validate())?;
        let owner = call.owner(&request.tenant)?;
        let task_id = request.task_id;
        let after = place_of(&request.page_token).ok_or_else(|| {
            A2aError::invalid_field("pageToken", "is not one that this agent gave out")
        })?;
        let size = match usize::try_from(request.page_size) {
            Ok(0) | Err(_) => limits::WEBHOOKS_PER_TASK_MAX,
            Ok(size) => size.min(limits::WEBHOOKS_PER_TASK_MAX),
        };
        // One more than fits tells whether there is a next page.
        let read = size.saturating_add(1);
        let mut found = match self.place(&owner, &task_id).await? {
            Place::Waiting => {
                let mut all = self.waiting_webhooks(&owner, &task_id);
                all.retain(|webhook| webhook.id > after);
                all.sort_by(|a, b| a.id.cmp(&b.id));
                all
            }
            Place::Stored => {
                let found = push.store.of_task(task_id.clone(), after, read).await;
                found.map_err(|error| store_failed(&error))?
            }
        };
        let more = found.len() > size;
        found.truncate(size);
        let last = found.last().filter(|_| more);
        Ok(ListTaskPushNotificationConfigsResponse {
            next_page_token: last.map_or_else(String::new, |last| hex::encode(&last.id)),
            configs: found
                .iter()
                .map(|webhook| webhook.shown(&request.tenant, &task_id))
                .collect(),
        })
    }

    /// `DeleteTaskPushNotificationConfig` (A2A §3.1.10). To delete one that is not there changes
    /// nothing. When this returns nothing is sent to it any more.
    ///
    /// # Errors
    /// PushNotificationNotSupported, TaskNotFound.
    pub async fn delete_webhook(
        &self,
        call: &Call,
        request: DeleteTaskPushNotificationConfigRequest,
    ) -> Result<(), A2aError> {
        let push = self.push()?;
        refuse_violations(request.validate())?;
        let owner = call.owner(&request.tenant)?;
        let key = WebhookKey {
            task_id: request.task_id,
            id: request.id,
        };
        match self.place(&owner, &key.task_id).await? {
            Place::Waiting => {
                let forget = |all: &mut Vec<Webhook>| all.retain(|webhook| webhook.id != key.id);
                self.0
                    .waiting
                    .webhooks(&key.task_id, forget)
                    .ok_or_else(being_paid)
            }
            Place::Stored => {
                let push = Arc::clone(push);
                super::detached(async move { push.detach(key).await }).await
            }
        }
    }

    /// The webhook that comes with a message, if there is one.
    ///
    /// # Errors
    /// PushNotificationNotSupported, since taking it in silence would promise calls; InvalidParams.
    pub(super) fn inline_webhook(
        &self,
        request: &mut SendMessageRequest,
        version: Version,
    ) -> Result<Option<Webhook>, A2aError> {
        let configuration = request.configuration.as_mut();
        let inline = configuration.and_then(|c| c.task_push_notification_config.take());
        let Some(inline) = inline else {
            return Ok(None);
        };
        let path = "configuration.taskPushNotificationConfig.";
        if !inline.task_id.is_empty() && inline.task_id != request.message.task_id {
            let field = format!("{path}taskId");
            return Err(A2aError::invalid_field(
                field,
                "must be empty, or the task of the message",
            ));
        }
        self.push()?.accept(inline, path, form(version)).map(Some)
    }

    /// Keeps a webhook with a task that waits for its first payment.
    pub(super) fn keep_waiting(&self, task_id: &str, webhook: Webhook) -> Result<(), A2aError> {
        let kept = self.0.waiting.webhooks(task_id, |all| add(all, webhook));
        kept.ok_or_else(being_paid)?
    }

    /// Adds a webhook to a task that is stored.
    pub(super) async fn attach(
        &self,
        stored: &StoredTask,
        webhook: Webhook,
    ) -> Result<(), A2aError> {
        let webhooks = vec![webhook];
        self.push()?
            .attach(&stored.id, &stored.owner, webhooks)
            .await
    }

    fn waiting_webhooks(&self, owner: &str, task_id: &str) -> Vec<Webhook> {
        let waiting = self.waiting(owner, task_id);
        waiting.map(|task| task.webhooks).unwrap_or_default()
    }

    /// Where the webhooks of a task are.
    ///
    /// # Errors
    /// TaskNotFound, also for a task of somebody else.
    async fn place(&self, owner: &str, task_id: &str) -> Result<Place, A2aError> {
        if self.stored(owner, task_id).await?.is_some() {
            return Ok(Place::Stored);
        }
        match self.waiting(owner, task_id) {
            Some(_) => Ok(Place::Waiting),
            None => Err(A2aError::task_not_found(task_id)),
        }
    }

    fn push(&self) -> Result<&Arc<Push>, A2aError> {
        let push = self.0.engine.push.as_ref();
        push.ok_or_else(|| ErrorCode::PushNotificationNotSupported.into())
    }
}

/// Adds a webhook, in the place of one of the same id.
pub(super) fn add(all: &mut Vec<Webhook>, webhook: Webhook) -> Result<(), A2aError> {
    let max = limits::WEBHOOKS_PER_TASK_MAX;
    if let Some(known) = all.iter_mut().find(|known| known.id == webhook.id) {
        *known = webhook;
    } else if all.len() < max {
        all.push(webhook);
    } else {
        let scope = "the task";
        return Err(too_many(&PushStoreError::TooMany { scope, max }));
    }
    Ok(())
}

const fn form(version: Version) -> PushVersion {
    match version {
        Version::V1_0 => PushVersion::V1_0,
        Version::V0_3 => PushVersion::V0_3,
    }
}

/// Between the payment and the task that is stored lies a moment.
fn being_paid() -> A2aError {
    A2aError::new(
        ErrorCode::Unavailable,
        "the task's payment is being taken; ask again",
    )
    .with_detail("task_is_working")
}

fn place_of(token: &str) -> Option<String> {
    String::from_utf8(hex::decode(token).ok()?).ok()
}
