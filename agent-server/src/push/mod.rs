//! Push notifications: webhooks that are told what happens to a task (A2A §4.3, §13.2).
//!
//! Every webhook has a place in the numbered, stored log of its task's events. Whoever stores an
//! event has nothing to do with who is told of it: the store says which tasks have something new,
//! a courier per webhook reads on from its place, sends event by event, and moves the place on.
//! So a task never waits for a webhook, a webhook never waits for another one of a different host,
//! nothing is skipped or reordered, and a restart goes on where the process before stopped.
//!
//! **At least once.** A notification that was sent and not yet noted when the process ended is sent
//! again; receivers must be idempotent (A2A §4.3.3).
//!
//! | module | one idea |
//! |---|---|
//! | `door`, `letter`, `judge` | one attempt: where it may go, what it says, what the answer means |
//! | `courier` | one webhook: attempts in order, and pauses |
//! | `dispatch`, `at_work`, `rooms` | all of them: who is on the way, and how many at once |

mod at_work;
mod courier;
mod dispatch;
mod door;
mod judge;
mod letter;
pub mod limits;
mod rooms;

use crate::config::PushConfig;
use crate::store::{PushConfigs, PushStoreError, PushVersion, Webhook, WebhookCaps, WebhookKey};
use crate::tasks::store_failed;
use agent_client::egress::{EgressError, Lookup};
use agent_core::a2a::{A2aError, ErrorCode, TaskPushNotificationConfig};
use agent_core::clock::Clock;
use at_work::AtWork;
use courier::Courier;
use dispatch::Dispatch;
use door::Door;
use rooms::Rooms;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

/// The webhooks of one agent, and their couriers. Those end when this is stopped or dropped.
#[derive(Debug)]
pub(crate) struct Push {
    pub(crate) store: Arc<dyn PushConfigs>,
    door: Door,
    at_work: Arc<AtWork>,
    stop: watch::Sender<bool>,
    dispatch: Mutex<Option<JoinHandle<()>>>,
}

impl Push {
    /// Begins to deliver what is stored.
    pub(crate) fn start(
        store: Arc<dyn PushConfigs>,
        config: &PushConfig,
        lookup: Arc<dyn Lookup>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EgressError> {
        let door = Door::new(config, lookup)?;
        let at_work = Arc::new(AtWork::default());
        let (stop, stopping) = watch::channel(false);
        let courier = Courier {
            store: Arc::clone(&store),
            door: door.clone(),
            rooms: Rooms::new(),
            stopping: stopping.clone(),
        };
        let dispatch = Dispatch {
            courier: Arc::new(courier),
            at_work: Arc::clone(&at_work),
            clock,
            stopping,
            couriers: JoinSet::new(),
        };
        Ok(Self {
            store,
            door,
            at_work,
            stop,
            dispatch: Mutex::new(Some(tokio::spawn(dispatch.run()))),
        })
    }

    /// What is kept of a request that has been validated: with an id, if it came without one.
    /// `path` is where in the request it was.
    ///
    /// # Errors
    /// InvalidParams, when nothing may be sent there. What a name leads to is not asked here: it
    /// may be another place when it is called, and is checked then.
    pub(crate) fn accept(
        &self,
        mut config: TaskPushNotificationConfig,
        path: &str,
        version: PushVersion,
    ) -> Result<Webhook, A2aError> {
        self.door.vet(&config.url).map_err(|error| {
            let why = match error {
                EgressError::NotHttps { .. } => "must be an https URL".to_owned(),
                EgressError::Forbidden { class, .. } => {
                    format!("leads to a {class} address, which this agent does not call")
                }
                EgressError::BadUrl(what) => format!("is not a URL that can be called: {what}"),
                _ => "is not a URL that can be called".to_owned(),
            };
            A2aError::invalid_field(format!("{path}url"), why)
        })?;
        let credentials = config.authentication.as_ref().map(|a| &a.credentials);
        for (field, text) in [
            ("token", Some(&config.token)),
            ("authentication.credentials", credentials),
        ] {
            if !text.is_none_or(letter::can_be_sent) {
                let field = format!("{path}{field}");
                return Err(A2aError::invalid_field(field, "cannot be sent in a header"));
            }
        }
        if config.id.is_empty() {
            config.id = Uuid::new_v4().to_string();
        }
        Ok(Webhook::new(config, version))
    }

    /// Stores webhooks of a task. From its next event on they are told of everything; those of a
    /// task that is not stored yet, of its first event too.
    ///
    /// # Errors
    /// ResourceExhausted when there are too many.
    pub(crate) async fn attach(
        &self,
        task_id: &str,
        owner: &str,
        webhooks: Vec<Webhook>,
    ) -> Result<(), A2aError> {
        let caps = WebhookCaps {
            per_task: limits::WEBHOOKS_PER_TASK_MAX,
            per_owner: limits::WEBHOOKS_PER_OWNER_MAX,
            in_all: limits::WEBHOOKS_MAX,
        };
        let ids: Vec<String> = webhooks.iter().map(|webhook| webhook.id.clone()).collect();
        let put = self
            .store
            .put(task_id.to_owned(), owner.to_owned(), webhooks, caps);
        put.await.map_err(|error| match error {
            PushStoreError::Store(error) => store_failed(&error),
            full => too_many(&full),
        })?;
        for id in ids {
            // One that was replaced may be on its way to where it was to go before. It is sent
            // again to where it is to go now.
            let key = WebhookKey {
                task_id: task_id.to_owned(),
                id,
            };
            self.at_work.cut(&key).await;
        }
        Ok(())
    }

    /// Forgets a webhook. When this returns nothing is on its way to it, and nothing will be.
    pub(crate) async fn detach(&self, key: WebhookKey) -> Result<(), A2aError> {
        let removed = self.store.remove(key.clone()).await;
        removed.map_err(|error| store_failed(&error))?;
        self.at_work.cut(&key).await;
        Ok(())
    }

    /// Lets notifications under way finish for a bounded time. The rest is delivered after the next
    /// start.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        // A panic cannot leave an option half taken.
        let dispatch = self.dispatch.lock();
        let dispatch = dispatch.unwrap_or_else(PoisonError::into_inner).take();
        if let Some(dispatch) = dispatch {
            let _ = dispatch.await;
        }
    }
}

/// There are as many webhooks as there may be.
pub(crate) fn too_many(full: &PushStoreError) -> A2aError {
    A2aError::new(
        ErrorCode::ResourceExhausted,
        format!("{full}; delete one first"),
    )
    .with_detail("too_many_webhooks")
}
