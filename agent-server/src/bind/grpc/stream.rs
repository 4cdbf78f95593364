//! Event streams, at the reader's own pace.
//!
//! Nothing is buffered for a reader beyond the log that the task keeps anyway and the little that
//! waits to be sent, and when it goes away nothing happens to the task.

use super::deadline::Deadline;
use super::{told, written};
use crate::service::{Feed, Portion};
use agent_core::a2a::A2aError;
use agent_core::a2a::proto::Schema;
use agent_core::json::Json;
use bytes::Bytes;
use futures_util::{Stream, stream};
use std::collections::VecDeque;
use tonic::Status;

/// The events of a feed, each a message of `schema`.
pub(super) fn events(
    feed: Feed,
    schema: &'static Schema,
    deadline: Deadline,
) -> impl Stream<Item = Result<Bytes, Status>> + Send + 'static {
    let reader = Reader {
        feed,
        schema,
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
    feed: Feed,
    schema: &'static Schema,
    deadline: Deadline,
    /// What was read and is not sent yet.
    ready: VecDeque<Json>,
    end: Option<Result<(), A2aError>>,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Bytes, Status>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(written(self.schema, &event).map_err(told));
            }
            match self.end.take() {
                Some(Ok(())) => return None,
                Some(Err(error)) => return Some(Err(told(error))),
                None => {}
            }
            match self.deadline.within(self.feed.next()).await {
                Ok(Portion { events, end }) => {
                    self.ready
                        .extend(events.into_iter().map(|(_, event)| event));
                    self.end = end;
                }
                Err(late) => return Some(Err(late)),
            }
        }
    }
}
