//! The operations of A2A (§3.1), each with its errors.
//!
//! Besides the errors that are named, any of them may answer with
//! [`VersionNotSupported`](ErrorCode::VersionNotSupported),
//! [`ExtensionSupportRequired`](ErrorCode::ExtensionSupportRequired), `InvalidParams`, and what
//! concerns authentication.

use std::sync::Arc;
use std::time::Duration;

use agent_core::a2a::signing::ReceivedCard;
use agent_core::a2a::{
    AgentCard, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest, GetTaskPushNotificationConfigRequest, GetTaskRequest,
    ListTaskPushNotificationConfigsRequest, ListTaskPushNotificationConfigsResponse,
    ListTasksRequest, ListTasksResponse, Message, Operation, SendMessageRequest,
    SendMessageResponse, SubscribeToTaskRequest, Task, TaskPushNotificationConfig,
};
use agent_core::json::Json;
use agent_core::x402::{PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentPayload, keys};

use super::exchange::Ask;
use super::pages::TaskPages;
use super::remote::RemoteAgent;
use super::retry::Repeat;
use super::stream::{Ends, EventStream};
use super::{CallError, card, limits};

impl RemoteAgent {
    /// Sends a message and waits for the answer: a task that ended or waits for us, or a message
    /// (A2A §3.1.1).
    ///
    /// Repeated after a failure only if it never left or carries a payment id.
    ///
    /// # Errors
    /// [`CallError`]; see [`CallError::is_lost`] for whether the work may have been done. Of the
    /// agent: `ContentTypeNotSupported`, `UnsupportedOperation` when the task of the message has
    /// ended, `TaskNotFound`.
    pub async fn send(
        &self,
        mut request: SendMessageRequest,
    ) -> Result<SendMessageResponse, CallError> {
        self.fill_tenant(&mut request.tenant);
        let response = self
            .ask(Ask {
                operation: Operation::SendMessage,
                again: repeatable(&request.message),
                request: &request,
            })
            .await?;
        match &response {
            SendMessageResponse::Task(task) if task.id.is_empty() => {
                Err(CallError::malformed("a task without an id"))
            }
            _ => Ok(response),
        }
    }

    /// Sends a message and listens to what comes of it (A2A §3.1.2). The stream ends after a
    /// message, when the task has ended, and when it needs input.
    ///
    /// # Errors
    /// As for [`send`](Self::send), up to the first event; `UnsupportedOperation` also when the
    /// agent does not stream. Agents of A2A 0.3, and all over gRPC, may tell them as the first
    /// [`EventStream::next`] instead.
    pub async fn send_streaming(
        &self,
        mut request: SendMessageRequest,
    ) -> Result<EventStream, CallError> {
        self.fill_tenant(&mut request.tenant);
        let tenant = request.tenant.clone();
        let ends = match request.message.task_id.is_empty() {
            true => Ends::AtQuestions,
            false => Ends::AtNewQuestions,
        };
        let ask = Ask {
            operation: Operation::SendStreamingMessage,
            again: repeatable(&request.message),
            request: &request,
        };
        let events = self.listen(ask, None).await?;
        Ok(EventStream::new(self.clone(), events, tenant, ends))
    }

    /// Looks at a task (A2A §3.1.3).
    ///
    /// # Errors
    /// [`CallError`]; of the agent: `TaskNotFound`.
    pub async fn get_task(&self, mut request: GetTaskRequest) -> Result<Task, CallError> {
        self.fill_tenant(&mut request.tenant);
        let task = self
            .ask(Ask {
                operation: Operation::GetTask,
                again: Repeat::Safe,
                request: &request,
            })
            .await?;
        of_id(task, &request.id)
    }

    /// One page of the tasks that this caller may see, the newest first (A2A §3.1.4).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn list_tasks(
        &self,
        mut request: ListTasksRequest,
    ) -> Result<ListTasksResponse, CallError> {
        self.fill_tenant(&mut request.tenant);
        self.ask(Ask {
            operation: Operation::ListTasks,
            again: Repeat::Safe,
            request: &request,
        })
        .await
    }

    /// The tasks, page by page from the one that `request` begins with.
    #[must_use]
    pub fn task_pages(&self, request: ListTasksRequest) -> TaskPages {
        TaskPages::new(self.clone(), request)
    }

    /// Asks the agent to stop working on a task (A2A §3.1.5). Repeated only if it never left: the
    /// second time, a task that was cancelled cannot be.
    ///
    /// # Errors
    /// [`CallError`]; of the agent: `TaskNotFound`, `TaskNotCancelable`.
    pub async fn cancel_task(&self, mut request: CancelTaskRequest) -> Result<Task, CallError> {
        self.fill_tenant(&mut request.tenant);
        let task = self
            .ask(Ask {
                operation: Operation::CancelTask,
                again: Repeat::Unsafe,
                request: &request,
            })
            .await?;
        of_id(task, &request.id)
    }

    /// Listens to a task that is there already: first the task as it is, then what happens to it
    /// (A2A §3.1.6). The stream ends when the task has ended. Of A2A 0.3 it is not asked to begin
    /// with the task, and servers of it may begin with what happens next.
    ///
    /// # Errors
    /// [`CallError`] up to the first event, which may be told as that; of the agent:
    /// `TaskNotFound`, `UnsupportedOperation` when the task has ended or the agent does not stream.
    pub async fn subscribe(
        &self,
        request: SubscribeToTaskRequest,
    ) -> Result<EventStream, CallError> {
        self.subscribe_after(request, None).await
    }

    /// The same, going on after the event of that number, which [`EventStream::last_number`] told
    /// before the stream was lost. A server that does not number its events, or cannot go on,
    /// begins with the task as it is.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub async fn subscribe_after(
        &self,
        mut request: SubscribeToTaskRequest,
        after: Option<u64>,
    ) -> Result<EventStream, CallError> {
        self.fill_tenant(&mut request.tenant);
        let ask = Ask {
            operation: Operation::SubscribeToTask,
            again: Repeat::Safe,
            request: &request,
        };
        let events = self.listen(ask, after).await?;
        let SubscribeToTaskRequest { tenant, id } = request;
        let stream = EventStream::new(self.clone(), events, tenant, Ends::WithTheTask);
        Ok(stream.of_task(id, after))
    }

    /// Has the agent call a webhook when a task changes (A2A §3.1.7). Repeated after a failure only
    /// if it has an id, by which the agent replaces it.
    ///
    /// # Errors
    /// [`CallError`]; of the agent: `PushNotificationNotSupported`, `TaskNotFound`.
    pub async fn create_push_config(
        &self,
        mut config: TaskPushNotificationConfig,
    ) -> Result<TaskPushNotificationConfig, CallError> {
        self.fill_tenant(&mut config.tenant);
        self.ask(Ask {
            operation: Operation::CreateTaskPushNotificationConfig,
            again: match config.id.is_empty() {
                true => Repeat::Unsafe,
                false => Repeat::Safe,
            },
            request: &config,
        })
        .await
    }

    /// Looks at a webhook of a task (A2A §3.1.8).
    ///
    /// # Errors
    /// [`CallError`]; of the agent: `PushNotificationNotSupported`, and `TaskNotFound` also when it
    /// is the webhook that is not there.
    pub async fn get_push_config(
        &self,
        mut request: GetTaskPushNotificationConfigRequest,
    ) -> Result<TaskPushNotificationConfig, CallError> {
        self.fill_tenant(&mut request.tenant);
        self.ask(Ask {
            operation: Operation::GetTaskPushNotificationConfig,
            again: Repeat::Safe,
            request: &request,
        })
        .await
    }

    /// One page of the webhooks of a task (A2A §3.1.9).
    ///
    /// # Errors
    /// [`CallError`]; of the agent: `PushNotificationNotSupported`, `TaskNotFound`.
    pub async fn list_push_configs(
        &self,
        mut request: ListTaskPushNotificationConfigsRequest,
    ) -> Result<ListTaskPushNotificationConfigsResponse, CallError> {
        self.fill_tenant(&mut request.tenant);
        self.ask(Ask {
            operation: Operation::ListTaskPushNotificationConfigs,
            again: Repeat::Safe,
            request: &request,
        })
        .await
    }

    /// Removes a webhook of a task (A2A §3.1.10). One that is not there is removed, too.
    ///
    /// # Errors
    /// [`CallError`]; of the agent: `PushNotificationNotSupported`, `TaskNotFound`.
    pub async fn delete_push_config(
        &self,
        mut request: DeleteTaskPushNotificationConfigRequest,
    ) -> Result<(), CallError> {
        self.fill_tenant(&mut request.tenant);
        // What stands in the answer says nothing; versions and servers differ in it.
        let _: Json = self
            .ask(Ask {
                operation: Operation::DeleteTaskPushNotificationConfig,
                again: Repeat::Safe,
                request: &request,
            })
            .await?;
        Ok(())
    }

    /// Fetches the card that the agent shows to callers it knows (A2A §3.1.11). From now on it is
    /// [`card`](Self::card), for all clones; prices stay those of the public card, and so does the
    /// way in which the agent is called.
    ///
    /// # Errors
    /// [`CallError`], [`CallError::Card`] when the card cannot be used,
    /// [`CallError::CardSignature`] when it is not signed as the options ask; of the agent:
    /// `UnsupportedOperation`, `ExtendedAgentCardNotConfigured`.
    pub async fn extended_card(&self) -> Result<Arc<AgentCard>, CallError> {
        let mut request = GetExtendedAgentCardRequest::default();
        self.fill_tenant(&mut request.tenant);
        let json: Json = self
            .ask(Ask {
                operation: Operation::GetExtendedAgentCard,
                again: Repeat::Safe,
                request: &request,
            })
            .await?;
        let received = ReceivedCard::read(json.get().as_bytes()).map_err(CallError::malformed)?;
        self.check_card(&received).await?;
        let card = received.into_card();
        card::validate(&card)?;
        Ok(self.replace_card(card))
    }

    /// Waits until a task has ended or waits for us, looking at it now and then.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Endless`] when it still goes on after `wait`.
    pub async fn settle(&self, task: Task, wait: Duration) -> Result<Task, CallError> {
        tokio::time::timeout(wait, self.poll(task))
            .await
            .map_err(|_| CallError::Endless)?
    }

    async fn poll(&self, mut task: Task) -> Result<Task, CallError> {
        let mut pause = limits::POLL_PAUSE;
        while !task.status.state.is_terminal() && !task.status.state.is_interrupted() {
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(limits::POLL_PAUSE_MAX);
            let request = GetTaskRequest {
                id: task.id,
                history_length: Some(0),
                ..Default::default()
            };
            task = self.get_task(request).await?;
        }
        Ok(task)
    }
}

/// Makes sure that a task is the one that was asked for.
fn of_id(task: Task, id: &str) -> Result<Task, CallError> {
    if task.id == id {
        Ok(task)
    } else {
        Err(CallError::malformed("another task than was asked for"))
    }
}

/// A message with a payment id may be sent again: the seller answers it once.
fn repeatable(message: &Message) -> Repeat {
    let payment = message
        .metadata
        .parse::<PaymentPayload>(keys::PAYLOAD)
        .ok()
        .flatten();
    let id = payment.and_then(|payment| {
        payment
            .extensions
            .parse::<PaymentIdentifier>(PAYMENT_IDENTIFIER)
            .ok()
            .flatten()
    });
    match id.and_then(|id| id.info.id) {
        Some(_) => Repeat::Safe,
        None => Repeat::Unsafe,
    }
}
