//! A task as it happens.

use agent_core::a2a::{StreamResponse, TaskState};
use futures_util::{Stream, stream};
use tokio::time::Instant;

use super::sse::SseParser;
use super::wire::Outgoing;
use super::{CallError, limits};
use crate::egress::{BodyStream, EgressError};

/// The events of one stream, in the order the agent sent them.
///
/// It ends after a message, a terminal state, or a state that waits for us. Dropping it closes the
/// connection; the task goes on without us, and [`get_task`](super::RemoteAgent::get_task) tells
/// how it ended.
#[derive(Debug)]
pub struct EventStream {
    body: BodyStream,
    request: Outgoing,
    parser: SseParser,
    task_id: Option<String>,
    events: u64,
    until: Instant,
    over: bool,
}

impl EventStream {
    pub(super) fn new(body: BodyStream, request: Outgoing) -> Self {
        Self {
            body,
            request,
            parser: SseParser::default(),
            task_id: None,
            events: 0,
            until: Instant::now() + limits::STREAM_WAIT_MAX,
            over: false,
        }
    }

    /// The next event, or `None` after the last.
    ///
    /// # Errors
    /// [`CallError::Agent`] when the agent reports one, [`CallError::Cut`] when the connection ends
    /// before the task does, [`CallError::Endless`] past [`limits::STREAM_WAIT_MAX`] or
    /// [`limits::EVENTS_MAX`], [`CallError::Malformed`] and [`CallError::Egress`]. The stream is
    /// over after an error.
    pub async fn next(&mut self) -> Result<Option<StreamResponse>, CallError> {
        if self.over {
            return Ok(None);
        }
        let event = self.read().await;
        self.over = match &event {
            Ok(event) => ends(event),
            Err(_) => true,
        };
        event.map(Some)
    }

    /// The same as a [`Stream`].
    pub fn into_stream(self) -> impl Stream<Item = Result<StreamResponse, CallError>> + Send {
        stream::unfold(self, |mut events| async move {
            let event = events.next().await.transpose()?;
            Some((event, events))
        })
    }

    async fn read(&mut self) -> Result<StreamResponse, CallError> {
        loop {
            if let Some(data) = self.parser.pop() {
                return self.accept(&data);
            }
            let piece = tokio::time::timeout_at(self.until, self.body.next())
                .await
                .map_err(|_| CallError::Endless)?;
            match piece {
                Ok(Some(piece)) => self.parser.push(&piece)?,
                Ok(None) => return Err(CallError::Cut),
                Err(EgressError::TooLarge { .. }) => return Err(CallError::Endless),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn accept(&mut self, data: &[u8]) -> Result<StreamResponse, CallError> {
        self.events = self.events.saturating_add(1);
        if self.events > limits::EVENTS_MAX {
            return Err(CallError::Endless);
        }
        let event: StreamResponse = self.request.answer(data)?;
        if matches!(event, StreamResponse::Message(_)) {
            return Ok(event);
        }
        match &self.task_id {
            Some(task_id) if task_id != event.task_id() => {
                return Err(CallError::malformed("an event of another task"));
            }
            Some(_) => {}
            None if event.task_id().is_empty() => {
                return Err(CallError::malformed("an event without a task"));
            }
            None => self.task_id = Some(event.task_id().to_owned()),
        }
        Ok(event)
    }
}

fn ends(event: &StreamResponse) -> bool {
    let waits = |state| state == TaskState::InputRequired;
    event.is_final() || event.status().is_some_and(|status| waits(status.state))
}
