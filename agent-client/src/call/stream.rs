//! A task as it happens, also when the connection does not last as long as the task.

use agent_core::a2a::{
    ErrorCode, GetTaskRequest, Operation, StreamResponse, SubscribeToTaskRequest, TaskState,
};
use futures_util::{Stream, stream};
use tokio::time::Instant;

use super::exchange::Ask;
use super::remote::RemoteAgent;
use super::retry::{Repeat, jittered};
use super::transport::{Event, Events};
use super::{CallError, limits};

/// When a stream is over for its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// When the task ends or asks something, which is how a sent message is answered.
    AtQuestions,
    /// The same for a message that goes on with a task. Servers may begin with the task as it was
    /// before, still asking what the message answers; so that first event does not end it.
    AtNewQuestions,
    /// When the task ends.
    WithTheTask,
}

/// The events of one task, in the order the agent sent them.
///
/// It ends after a message or a terminal state; if it answers a message, also after a state that
/// waits for input. Dropping it closes the connection; the task goes on without us, and
/// [`get_task`](RemoteAgent::get_task) tells how it ended.
///
/// When the connection is lost before that, the stream subscribes to the task again and goes on, a
/// bounded number of times with growing pauses. From a server that numbers its events (ours does)
/// exactly the events that were missed follow, and none twice. From others the task as it is
/// follows as one [`StreamResponse::Task`], which takes the place of everything before it, and then
/// what happens next. A task that ended meanwhile comes as its last event. Nothing can be resumed
/// before the first event, which names the task.
/// [`CallOptions::without_resuming`](super::CallOptions::without_resuming) has a loss as an error.
///
/// [`next`](Self::next) may be dropped at any time without losing an event.
#[derive(Debug)]
pub struct EventStream {
    remote: RemoteAgent,
    /// `None` while the connection is lost.
    events: Option<Box<dyn Events>>,
    place: Place,
    tenant: String,
    ends: Ends,
    tries: Tries,
    until: Instant,
    over: bool,
}

/// How far the reader is.
#[derive(Debug, Default)]
struct Place {
    task_id: Option<String>,
    state: TaskState,
    /// The number of the last event that was given.
    number: Option<u64>,
    events: u64,
    /// What the connection in use has shown so far.
    connection: Connection,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Connection {
    /// The first, or one that began with the task as it is: all that comes is new.
    #[default]
    Whole,
    /// Nothing yet, after a loss.
    Resumed,
    /// It goes on by numbers.
    Numbered,
}

/// How often the connection was lost, and why it was the last time.
#[derive(Debug, Default)]
struct Tries {
    in_a_row: u32,
    in_all: u32,
    lost: Option<CallError>,
}

impl EventStream {
    pub(super) fn new(
        remote: RemoteAgent,
        events: Box<dyn Events>,
        tenant: String,
        ends: Ends,
    ) -> Self {
        Self {
            remote,
            events: Some(events),
            place: Place::default(),
            tenant,
            ends,
            tries: Tries::default(),
            until: Instant::now() + limits::STREAM_WAIT_MAX,
            over: false,
        }
    }

    /// The same stream, going on when the task asks something: what it asks for is paid beside it.
    pub(crate) const fn through_questions(mut self) -> Self {
        self.ends = Ends::WithTheTask;
        self.over = false;
        self
    }

    /// The same stream, of a task that is known from the beginning, after that event.
    pub(super) fn of_task(mut self, task_id: String, after: Option<u64>) -> Self {
        self.place.task_id = Some(task_id);
        self.place.number = after;
        if after.is_some() {
            self.place.connection = Connection::Resumed;
        }
        self
    }

    /// The next event, or `None` after the last.
    ///
    /// # Errors
    /// [`CallError::Agent`] when the agent reports one, the reason for the last loss (such as
    /// [`CallError::Cut`]) when the stream cannot be resumed, [`CallError::Endless`] past
    /// [`limits::STREAM_WAIT_MAX`] or [`limits::EVENTS_MAX`], [`CallError::Malformed`] and
    /// [`CallError::Egress`]. The stream is over after an error.
    pub async fn next(&mut self) -> Result<Option<StreamResponse>, CallError> {
        if self.over {
            return Ok(None);
        }
        let event = tokio::time::timeout_at(self.until, self.read())
            .await
            .unwrap_or(Err(CallError::Endless));
        self.over = match &event {
            Ok(Some(event)) => self.ends_with(event),
            Ok(None) | Err(_) => true,
        };
        if self.over {
            self.events = None;
        }
        event
    }

    /// The number of the last event, if the server numbers them. With it
    /// [`subscribe_after`](RemoteAgent::subscribe_after) goes on where this stream is, also in
    /// another process.
    #[must_use]
    pub const fn last_number(&self) -> Option<u64> {
        self.place.number
    }

    /// The same as a [`Stream`].
    pub fn into_stream(self) -> impl Stream<Item = Result<StreamResponse, CallError>> + Send {
        stream::unfold(self, |mut events| async move {
            let event = events.next().await.transpose()?;
            Some((event, events))
        })
    }

    async fn read(&mut self) -> Result<Option<StreamResponse>, CallError> {
        loop {
            let Some(events) = self.events.as_mut() else {
                match self.resume().await? {
                    Some(last) => return Ok(Some(last)),
                    None => continue,
                }
            };
            match events.next().await {
                Ok(Some(event)) => {
                    let connection = self.place.connection;
                    if let Some(response) = self.place.accept(event)? {
                        // The task as it is may be all that a server ever sends; only more than
                        // that shows that connecting again is of use.
                        let again = (Connection::Resumed, Connection::Whole);
                        if (connection, self.place.connection) != again {
                            self.tries.in_a_row = 0;
                        }
                        return Ok(Some(response));
                    }
                }
                // Servers may end a stream when the task waits for somebody (A2A §11.7).
                Ok(None) if self.place.state.is_interrupted() => return Ok(None),
                Ok(None) => self.lose(CallError::Cut)?,
                Err(error) if error.is_passing() => self.lose(error)?,
                Err(error) if self.place.connection == Connection::Resumed => {
                    return self.refused(error).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes note of a loss, or gives up.
    fn lose(&mut self, error: CallError) -> Result<(), CallError> {
        self.events = None;
        let tries = &mut self.tries;
        let spent =
            tries.in_a_row >= limits::RESUMES_IN_A_ROW_MAX || tries.in_all >= limits::RESUMES_MAX;
        if spent || self.place.task_id.is_none() || self.remote.options().cut_is_final {
            return Err(error);
        }
        tracing::debug!(code = error.code(), "a stream is lost and will be resumed");
        tries.lost = Some(error);
        Ok(())
    }

    /// Connects again, or gives the task if it ended meanwhile.
    async fn resume(&mut self) -> Result<Option<StreamResponse>, CallError> {
        let longer = 4_u32.saturating_pow(self.tries.in_a_row);
        let pause = limits::RETRY_PAUSE.saturating_mul(longer);
        tokio::time::sleep(jittered(pause.min(limits::RETRY_PAUSE_MAX))).await;
        self.tries.in_a_row = self.tries.in_a_row.saturating_add(1);
        self.tries.in_all = self.tries.in_all.saturating_add(1);
        let request = SubscribeToTaskRequest {
            tenant: self.tenant.clone(),
            id: self.place.task_id.clone().unwrap_or_default(),
        };
        let ask = Ask {
            operation: Operation::SubscribeToTask,
            again: Repeat::Safe,
            request: &request,
        };
        match self.remote.listen_once(ask, self.place.number).await {
            Ok(events) => {
                self.events = Some(events);
                self.place.connection = Connection::Resumed;
                Ok(None)
            }
            Err(error) if error.is_passing() => self.lose(error).map(|()| None),
            Err(error) => self.refused(error).await,
        }
    }

    /// The task as its own last event, if the reason why nobody can subscribe to it is that there
    /// is nothing more to come.
    async fn refused(&mut self, error: CallError) -> Result<Option<StreamResponse>, CallError> {
        // A2A 0.3 has no name for it, and servers say that the request is wrong.
        let ended = [ErrorCode::UnsupportedOperation, ErrorCode::InvalidParams];
        if !error
            .agent_reason()
            .is_some_and(|reason| ended.contains(&reason))
        {
            return Err(error);
        }
        let request = GetTaskRequest {
            tenant: self.tenant.clone(),
            id: self.place.task_id.clone().unwrap_or_default(),
            history_length: None,
        };
        let task = StreamResponse::Task(self.remote.get_task(request).await?);
        if self.ends_with(&task) {
            Ok(Some(task))
        } else {
            Err(self.tries.lost.take().unwrap_or(error))
        }
    }

    fn ends_with(&self, event: &StreamResponse) -> bool {
        let asks = |state| state == TaskState::InputRequired;
        let asked = event.status().is_some_and(|status| asks(status.state));
        let before = self.place.events == 1 && matches!(event, StreamResponse::Task(_));
        let answered = match self.ends {
            Ends::AtQuestions => asked,
            Ends::AtNewQuestions => asked && !before,
            Ends::WithTheTask => false,
        };
        event.is_final() || answered
    }
}

impl Place {
    /// The event if it is new, and takes note of it.
    fn accept(&mut self, event: Event) -> Result<Option<StreamResponse>, CallError> {
        self.events = self.events.saturating_add(1);
        if self.events > limits::EVENTS_MAX {
            return Err(CallError::Endless);
        }
        let response: StreamResponse = event.response.parse().map_err(CallError::malformed)?;
        self.check(&response)?;
        if self.connection == Connection::Resumed {
            // A task says what everything before it came to, whatever its number: a server may
            // number the events of each connection afresh.
            let whole = matches!(response, StreamResponse::Task(_)) || event.number.is_none();
            self.connection = match whole {
                true => Connection::Whole,
                false => Connection::Numbered,
            };
        }
        let known = event.number.is_some() && event.number <= self.number;
        if known && self.connection == Connection::Numbered {
            return Ok(None);
        }
        self.number = event.number.or(self.number);
        if let Some(status) = response.status() {
            self.state = status.state;
        }
        Ok(Some(response))
    }

    /// A stream is about one task.
    fn check(&mut self, response: &StreamResponse) -> Result<(), CallError> {
        if matches!(response, StreamResponse::Message(_)) {
            return Ok(());
        }
        match &self.task_id {
            Some(task_id) if task_id != response.task_id() => {
                return Err(CallError::malformed("an event of another task"));
            }
            Some(_) => {}
            None if response.task_id().is_empty() => {
                return Err(CallError::malformed("an event without a task"));
            }
            None => self.task_id = Some(response.task_id().to_owned()),
        }
        Ok(())
    }
}
