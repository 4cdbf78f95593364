//! Tasks that exist: answered, asked for again, or cancelled.

use super::admit::Sending;
use super::{Sent, Service, detached, parse_task, request};
use crate::limits::{QUESTIONS_PER_TASK_MAX, REPEAT_PAUSE, REPEAT_WAIT};
use crate::modes;
use crate::store::StoredTask;
use crate::tasks::{
    Draft, Ended, LiveTask, NewTask, Parked, Resume, Showing, Start, store_failed, stream_event,
};
use agent_core::a2a::{A2aError, ErrorCode, Message, TaskState};
use agent_core::json::{Json, Metadata};
use agent_core::ledger::Unparked;
use agent_core::trace::TraceContext;
use tokio::sync::OwnedSemaphorePermit;

/// What a parked task goes on with.
struct Answered {
    answer: Json,
    /// The message that brought it; none if it came from the agent's own side.
    message: Option<Message>,
    accepts: Vec<String>,
    trace: Option<TraceContext>,
}

impl Service {
    /// Runs a parked skill again with one more answer.
    pub(super) async fn answer_question(
        &self,
        stored: StoredTask,
        sending: Sending,
    ) -> Result<Sent, A2aError> {
        self.same_context(&sending.message, &stored.context_id)?;
        modes::check_input(&sending.message)?;
        let answer = answer_in(&sending.message)?;
        if let Some(webhook) = sending.webhook
            && !stored.state.is_terminal()
        {
            // Before its money is touched: a webhook that cannot be kept must not end the task.
            self.attach(&stored, webhook).await?;
        }
        let answered = Answered {
            answer,
            message: Some(sending.message),
            accepts: sending.accepts,
            trace: sending.trace,
        };
        self.run_again(stored, answered, sending.permit).await
    }

    /// Goes on with a task that waits, for [`crate::RunningAgent::answer`].
    pub(crate) async fn answer_for(&self, id: &str, answer: Json) -> Result<(), A2aError> {
        let permit = self.0.engine.live.permit()?;
        let answered = Answered {
            answer,
            message: None,
            accepts: Vec::new(),
            trace: None,
        };
        let (service, id) = (self.clone(), id.to_owned());
        detached(async move {
            let engine = &service.0.engine;
            let _turn = engine.turns.take(&id).await;
            let stored = engine.store.get(id.clone()).await;
            let stored = stored.map_err(|error| store_failed(&error))?;
            let stored = stored.ok_or_else(|| A2aError::task_not_found(&id))?;
            service.run_again(stored, answered, permit).await
        })
        .await?;
        Ok(())
    }

    /// Whoever calls this has the task's turn, and read `stored` in it.
    async fn run_again(
        &self,
        stored: StoredTask,
        answered: Answered,
        permit: OwnedSemaphorePermit,
    ) -> Result<Sent, A2aError> {
        let task = parse_task(&stored.task)?;
        if task.status.state.is_terminal() {
            return Err(A2aError::unsupported_operation(
                "the task has ended; send a new message with referenceTaskIds",
            ));
        }
        let resume = stored.resume.as_ref().ok_or_else(busy)?;
        let mut resume: Resume = resume
            .parse()
            .map_err(|error| A2aError::internal(format!("a parked task: {error}")))?;
        if resume.answers.len() >= QUESTIONS_PER_TASK_MAX {
            return Err(A2aError::unsupported_operation(
                "this task has had too many answers",
            ));
        }
        let skill = self.0.skills.get(&resume.skill).ok_or_else(|| {
            A2aError::unsupported_operation("this agent does not sell the task's skill any more")
        })?;
        let asked = request::accept(skill, resume.input.get().to_owned())?;
        let reserved = match (resume.paid, self.gate()) {
            (false, _) => None,
            (true, None) => {
                return Err(A2aError::internal(
                    "a paid task is parked, and payment is not set up",
                ));
            }
            (true, Some(gate)) => {
                let now = self.0.engine.clock.now_unix_millis();
                let held = gate.ledger().unpark(task.id.clone(), now).await;
                match held.map_err(|error| store_failed(&error))? {
                    Unparked::Held(reserved) => Some(reserved),
                    Unparked::Expired(reserved) => {
                        let seq = stored.seq;
                        let owner = stored.owner;
                        let parked = Parked { task, seq, owner };
                        let ended = self.0.engine.expire(parked, reserved).await;
                        return ended.map(|task| Sent::Still(task, seq.saturating_add(1)));
                    }
                    Unparked::NotParked => return Err(busy()),
                }
            }
        };
        let Answered {
            answer,
            message,
            accepts,
            trace,
        } = answered;
        resume.answers.push(answer);
        if !accepts.is_empty() {
            resume.accepts = accepts;
        }
        let now = self.0.engine.clock.now_unix_millis();
        let draft = Draft::go_on(task, stored.seq, stored.owner, message, now);
        let start = Start {
            draft,
            resume,
            work: asked.work,
            reserved,
            // Its caller has the id, and may be watching.
            showing: Showing::AtOnce,
            trace,
            permit,
        };
        Ok(Sent::Live(self.0.engine.start(start).await?))
    }

    /// The stored task of a payment that was resolved before.
    pub(super) async fn answered(&self, owner: &str, id: &str) -> Result<Sent, A2aError> {
        let stored = self.stored(owner, id).await?;
        let stored = stored.ok_or_else(|| A2aError::internal("a resolved payment has no task"))?;
        Ok(Sent::Still(stored.task, stored.seq))
    }

    /// The task of a payment that is being worked on, or waits for its caller.
    pub(super) async fn being_answered(
        &self,
        owner: &str,
        id: &str,
        showing: Showing,
    ) -> Result<Sent, A2aError> {
        let started = tokio::time::Instant::now();
        // The first request may be between its reservation and its task.
        while started.elapsed() < REPEAT_WAIT {
            if let Some(live) = self.live(owner, id)? {
                // The id of a task that was started for one who waits is not in the store yet, so
                // it is not given away before the end.
                if showing != Showing::AtEnd && !live.is_public() {
                    return match live.ended().await {
                        Ended::Stored(task, _) => Ok(Sent::Still(task, 0)),
                        Ended::Direct(_) => Err(ErrorCode::Internal.into()),
                        Ended::Lost(error) => Err(error),
                    };
                }
                return Ok(Sent::Live(live));
            }
            if let Some(stored) = self.stored(owner, id).await? {
                return Ok(Sent::Still(stored.task, stored.seq));
            }
            tokio::time::sleep(REPEAT_PAUSE).await;
        }
        Err(A2aError::new(
            ErrorCode::Unavailable,
            "this request is being worked on; ask again",
        )
        .with_detail("task_is_working"))
    }

    /// Cancels a task that waits for its payment; `None` if there is none, or a payment has it.
    pub(super) fn cancel_waiting(&self, owner: &str, id: &str) -> Result<Option<Json>, A2aError> {
        let Some(task) = self.waiting(owner, id) else {
            return Ok(None);
        };
        let now = self.0.engine.clock.now_unix_millis();
        let new = NewTask {
            id: id.to_owned(),
            context_id: task.context_id,
            owner: task.owner,
        };
        let mut draft = Draft::begin(new, task.message, now);
        draft.set_status(
            TaskState::Canceled,
            Some(("canceled".to_owned(), Metadata::new())),
            now,
        );
        let unwritable = |error: serde_json::Error| A2aError::internal(error.to_string());
        let last = stream_event("statusUpdate", &draft.status_event()).map_err(unwritable)?;
        let shown = Json::from_value(&draft.task).map_err(unwritable)?;
        let tell = || self.0.engine.live.watchers.tell(id, Some(last));
        Ok(self.0.waiting.remove_open(id, tell).map(|_| shown))
    }

    /// Cancels a run; `None` if the task asked its caller something before it noticed, and so still
    /// is to be cancelled.
    pub(super) async fn cancel_run(&self, live: &LiveTask) -> Result<Option<Json>, A2aError> {
        live.cancel();
        match live.ended().await {
            Ended::Stored(task, TaskState::Canceled) => Ok(Some(task)),
            Ended::Stored(_, state) if !state.is_terminal() => Ok(None),
            // It completed before it noticed: the first end counts.
            Ended::Stored(..) | Ended::Direct(_) => Err(A2aError::task_not_cancelable(live.id())),
            Ended::Lost(error) => Err(error),
        }
    }

    pub(super) async fn cancel_stored(&self, owner: &str, id: &str) -> Result<Json, A2aError> {
        let _turn = self.0.engine.turns.take(id).await;
        // Somebody may have answered it since it was looked for among those that run.
        if let Some(live) = self.live(owner, id)?
            && let Some(task) = self.cancel_run(&live).await?
        {
            return Ok(task);
        }
        let stored = self.stored(owner, id).await?;
        let stored = stored.ok_or_else(|| A2aError::task_not_found(id))?;
        let task = parse_task(&stored.task)?;
        if task.status.state.is_terminal() || stored.resume.is_none() {
            return Err(A2aError::task_not_cancelable(id));
        }
        let parked = Parked {
            task,
            seq: stored.seq,
            owner: stored.owner,
        };
        self.0.engine.cancel_parked(parked).await
    }

    pub(super) fn same_context(&self, message: &Message, context_id: &str) -> Result<(), A2aError> {
        if message.context_id.is_empty() || message.context_id == context_id {
            return Ok(());
        }
        Err(A2aError::invalid_field(
            "message.contextId",
            "is not the context of the task",
        ))
    }
}

pub(super) fn busy() -> A2aError {
    A2aError::unsupported_operation("this task is working; wait for it to ask or to end")
        .with_detail("task_is_working")
}

/// The answer in a message: its data, or its text.
fn answer_in(message: &Message) -> Result<Json, A2aError> {
    match message.data() {
        Some(data) => Ok(data.clone()),
        None => {
            Json::from_value(&message.text()).map_err(|error| A2aError::internal(error.to_string()))
        }
    }
}
