//! `SubscribeToTask` (A2A §3.1.6): a task as it is, then everything that happens to it.
//!
//! While the task runs its log is followed. While it waits for its caller there is no log; then the
//! store is asked for what came after the last number seen, and again whenever the task is started
//! or ended. Numbers join the two, so nothing is lost or told twice on the way from one to the
//! other.

use super::feed::{Feed, Portion};
use super::{Call, Service, refuse_violations, shown, state_of};
use crate::store::limits::EVENTS_READ_MAX;
use crate::tasks::{Ended, LiveTask, Watch, store_failed, stream_event};
use agent_core::a2a::{
    A2aError, StreamResponse, SubscribeToTaskRequest, Task, TaskState, TaskStatusUpdateEvent,
};
use agent_core::json::{Json, Metadata};
use std::sync::Arc;

/// Somebody who follows one task.
#[derive(Debug)]
pub(super) struct Follower {
    service: Service,
    id: String,
    /// The number of the last event that was seen.
    seq: u64,
    live: Option<Arc<LiveTask>>,
    watch: Watch,
    /// Whether it is only in memory: it waits for its first payment.
    unpaid: bool,
    /// Whether it ends when the task waits for its caller.
    to_question: bool,
}

impl Service {
    /// `SubscribeToTask` (A2A §3.1.6). An error comes before the first event, so that it can still
    /// be told as one.
    pub(crate) async fn subscribe(
        &self,
        call: &Call,
        request: SubscribeToTaskRequest,
    ) -> Result<Feed, A2aError> {
        refuse_violations(request.validate())?;
        let owner = call.owner(&request.tenant)?;
        let id = request.id;
        // Before the first look at the task: what happens after it must not go unnoticed.
        let watch = self.0.engine.live.watchers.watch(&id);
        let (task, seq, live, unpaid) = {
            let _place = self.0.looks.acquire().await;
            self.seen(&owner, &id).await?
        };
        // One that has all events up to there needs no snapshot: it goes on after them, from the
        // store, which has the events of all runs.
        let mut after = call.after.filter(|after| (1..=seq).contains(after));
        if let Some(number) = after
            && (unpaid || number < seq && !self.has_next(&id, number).await?)
        {
            after = None;
        }
        let ended = state_of(&task)?.is_terminal();
        if ended && after.is_none_or(|after| after == seq) {
            return Err(A2aError::unsupported_operation(
                "the task has ended; GetTask has all of it",
            ));
        }
        let mut follower = Follower {
            service: self.clone(),
            id,
            seq,
            live,
            watch,
            unpaid,
            to_question: false,
        };
        let Some(after) = after else {
            return Ok(Feed::follow(Some(&task), follower));
        };
        follower.seq = after;
        follower.live = None;
        Ok(Feed::follow(None, follower))
    }

    /// Whether the event after this number is stored. What happened to a task before anybody knew of
    /// it is not, and whoever asks for what came after some of that would wait for ever.
    async fn has_next(&self, id: &str, after: u64) -> Result<bool, A2aError> {
        let next = self.0.engine.store.events_after(id.to_owned(), after, 1);
        let next = next.await.map_err(|error| store_failed(&error))?;
        let number = next.first().map(|(number, _)| *number);
        Ok(number.is_some_and(|number| number == after.saturating_add(1)))
    }

    /// Goes on with a task after one of its runs, until it waits for its caller.
    pub(super) fn after_run(&self, live: &LiveTask, seq: u64) -> Follower {
        Follower {
            service: self.clone(),
            id: live.id().to_owned(),
            seq,
            live: None,
            watch: self.0.engine.live.watchers.watch(live.id()),
            unpaid: false,
            to_question: true,
        }
    }

    /// The task as it is, the number of the last event in it, and its run.
    async fn seen(
        &self,
        owner: &str,
        id: &str,
    ) -> Result<(Json, u64, Option<Arc<LiveTask>>, bool), A2aError> {
        let mut looked_again = false;
        loop {
            self.live(owner, id)?;
            if let Some(live) = self.running(id) {
                // A run that has just begun is stored before it is told of.
                live.next(0).await;
                if let Some((task, seq)) = live.snapshot() {
                    return Ok((shown(task, None)?, seq, Some(live), false));
                }
            }
            let Some(stored) = self.stored(owner, id).await? else {
                let waiting = self.waiting(owner, id);
                let waiting = waiting.ok_or_else(|| A2aError::task_not_found(id))?;
                return Ok((waiting.shown, 0, None, true));
            };
            // One that works has begun since we looked for its run, and what is stored of it may be
            // without its newest pieces.
            let works = matches!(stored.state, TaskState::Submitted | TaskState::Working);
            if !works || looked_again {
                return Ok((stored.task, stored.seq, None, false));
            }
            looked_again = true;
        }
    }

    fn running(&self, id: &str) -> Option<Arc<LiveTask>> {
        let live = self.0.engine.live.get(id)?;
        (live.is_public() && !live.has_ended()).then_some(live)
    }
}

impl Follower {
    /// The number of the last event that was seen.
    pub(super) const fn seq(&self) -> u64 {
        self.seq
    }

    /// What comes next. A call that is given up loses nothing: what was seen is noted when it
    /// returns.
    pub(super) async fn next(&mut self) -> Portion {
        loop {
            let portion = match self.live.clone() {
                Some(live) => self.of_run(&live).await,
                None => self.of_store().await,
            };
            match portion {
                Ok(portion) if portion.events.is_empty() && portion.end.is_none() => {}
                Ok(portion) => return portion,
                Err(error) => return Portion::failed(error),
            }
        }
    }

    async fn of_run(&mut self, live: &LiveTask) -> Result<Portion, A2aError> {
        let (events, ended) = live.next(self.seq).await;
        let events = self.take(events)?;
        Ok(match ended {
            None => Portion::some(events),
            Some(Ended::Lost(error)) => Portion {
                events,
                end: Some(Err(error)),
            },
            Some(Ended::Stored(_, state)) if self.ends_at(state) => Portion::all(events),
            Some(Ended::Stored(..) | Ended::Direct(_)) => {
                self.live = None;
                Portion::some(events)
            }
        })
    }

    /// Of a task that does not run. Nothing new and no end means that it runs now.
    async fn of_store(&mut self) -> Result<Portion, A2aError> {
        loop {
            let last = self.watch.look();
            // The run first: what it stores after this is in its log as well, and what it stored
            // before is in the store.
            let live = self.service.running(&self.id);
            let store = &self.service.0.engine.store;
            let stored = store.events_after(self.id.clone(), self.seq, EVENTS_READ_MAX);
            let stored = stored.await.map_err(|error| store_failed(&error))?;
            let state = stored.last().and_then(|(_, event)| state_in(event));
            let ends = state.is_some_and(|state| self.ends_at(state));
            if !stored.is_empty() {
                let events = self.take(stored)?;
                return Ok(if ends {
                    Portion::all(events)
                } else {
                    Portion::some(events)
                });
            }
            if live.is_some() {
                self.live = live;
                return Ok(Portion::default());
            }
            if self.unpaid {
                // What is gone was told of before it went.
                let gone = self.seq == 0 && self.service.0.waiting.get(&self.id).is_none();
                if let Some(last) = last.or_else(|| self.watch.look()) {
                    return Ok(Portion::all(vec![(0, last)]));
                }
                // Forgotten, as those are for which nobody pays.
                if gone {
                    return Ok(Portion::all(Vec::new()));
                }
            }
            if !self.watch.changed().await {
                // The reader comes back, to the agent that takes our place.
                return Ok(Portion::all(Vec::new()));
            }
        }
    }

    fn ends_at(&self, state: TaskState) -> bool {
        state.is_terminal() || (self.to_question && state == TaskState::InputRequired)
    }

    fn take(&mut self, events: Vec<(u64, Json)>) -> Result<Vec<(u64, Json)>, A2aError> {
        let seq = events.last().map_or(self.seq, |(number, _)| *number);
        let events = events
            .into_iter()
            .map(|(number, event)| Ok((number, update(event)?)));
        let events = events.collect::<Result<_, A2aError>>()?;
        self.seq = seq;
        Ok(events)
    }
}

/// The state that an event tells of.
fn state_in(event: &Json) -> Option<TaskState> {
    match event.parse().ok()? {
        StreamResponse::Task(task) => Some(task.status.state),
        StreamResponse::StatusUpdate(update) => Some(update.status.state),
        _ => None,
    }
}

/// A run's log begins with the task. To one who has the task that is news of its status only.
fn update(event: Json) -> Result<Json, A2aError> {
    if !event.get().starts_with(r#"{"task":"#) {
        return Ok(event);
    }
    let unwritable = |error: serde_json::Error| A2aError::internal(format!("an event: {error}"));
    let Ok(StreamResponse::Task(task)) = event.parse::<StreamResponse>() else {
        return Ok(event);
    };
    let Task {
        id: task_id,
        context_id,
        status,
        ..
    } = task;
    let update = TaskStatusUpdateEvent {
        task_id,
        context_id,
        status,
        metadata: Metadata::new(),
    };
    stream_event("statusUpdate", &update).map_err(unwritable)
}
