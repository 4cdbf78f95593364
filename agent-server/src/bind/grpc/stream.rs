//! Event streams, at the reader's own pace.
//!
//! Nothing is buffered for a reader beyond the log that the task keeps anyway and the little that
//! waits to be sent, and when it goes away nothing happens to the task.

use super::deadline::Deadline;
use super::speech::Speech;
use super::{told, written};
use crate::service::{Feed, Operation, Portion, Version};
use agent_core::a2a::A2aError;
use agent_core::a2a::v03::{Dialect, event_from_v1};
use agent_core::json::Json;
use bytes::Bytes;
use futures_util::{Stream, stream};
use std::collections::VecDeque;
use tonic::Status;

/// Where events come from.
pub(super) enum Source {
    /// In the words of 1.0, as they come.
    Feed(Feed),
    /// One, in the words that are spoken.
    Once(Json),
}

/// The events of an answer, each a message.
pub(super) fn events(
    source: Source,
    speech: Speech,
    deadline: Deadline,
) -> impl Stream<Item = Result<Bytes, Status>> + Send + 'static {
    let reader = Reader {
        source: Some(source),
        speech,
        deadline,
        ready: VecDeque::new(),
        end: None,
    };
    stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        let event = reader.next().await?;
        let goes_on = event.is_ok().then_some(reader);
        Some((event, goes_on))
    })
}

struct Reader {
    /// None once it is empty.
    source: Option<Source>,
    speech: Speech,
    deadline: Deadline,
    /// What was read and is not sent yet.
    ready: VecDeque<Json>,
    end: Option<Result<(), A2aError>>,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Bytes, Status>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(self.said(&event).map_err(told));
            }
            match self.end.take() {
                Some(Ok(())) => return None,
                Some(Err(error)) => return Some(Err(told(error))),
                None => {}
            }
            let feed = match self.source.as_mut()? {
                Source::Feed(feed) => feed,
                Source::Once(event) => {
                    let event = written(self.speech.response, event).map_err(told);
                    self.source = None;
                    return Some(event);
                }
            };
            match self.deadline.within(feed.next()).await {
                Ok(Portion { events, end }) => {
                    self.ready
                        .extend(events.into_iter().map(|(_, event)| event));
                    self.end = end;
                }
                Err(late) => return Some(Err(late)),
            }
        }
    }

    fn said(&self, event: &Json) -> Result<Bytes, A2aError> {
        match self.speech.version {
            Version::V1_0 => written(self.speech.response, event),
            Version::V0_3 => {
                let ends_when_asking = self.speech.operation == Operation::SendStreamingMessage;
                let event = event_from_v1(event, Dialect::Rest, ends_when_asking)?;
                written(self.speech.response, &event)
            }
        }
    }
}
