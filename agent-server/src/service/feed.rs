//! What a stream carries, whatever binding writes it: the events of a task, read at the reader's
//! own pace from the task's log.

use super::follow::Follower;
use super::member;
use crate::tasks::{Ended, LiveTask};
use agent_core::a2a::A2aError;
use agent_core::json::Json;
use std::sync::Arc;

/// A stream's events, each the JSON of a `StreamResponse`.
#[derive(Debug)]
pub struct Feed {
    /// What comes before anything else.
    first: Option<(u64, Json)>,
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    Nothing,
    /// One run, from the event after this number to its end.
    Run(Arc<LiveTask>, u64),
    /// A task through all its runs.
    Task(Box<Follower>),
}

/// Some events, and whether more may come.
#[derive(Debug, Default)]
pub struct Portion {
    /// With their numbers in the task's log; 0 for what is in no log.
    pub events: Vec<(u64, Json)>,
    /// Whether the stream is over, and whether well.
    pub end: Option<Result<(), A2aError>>,
}

impl Portion {
    pub(super) fn all(events: Vec<(u64, Json)>) -> Self {
        let end = Some(Ok(()));
        Self { events, end }
    }

    pub(super) const fn some(events: Vec<(u64, Json)>) -> Self {
        Self { events, end: None }
    }

    pub(super) const fn failed(error: A2aError) -> Self {
        let end = Some(Err(error));
        let events = Vec::new();
        Self { events, end }
    }
}

impl Feed {
    /// One task, and the end.
    pub(super) fn once(task: &Json, seq: u64) -> Self {
        Self {
            first: Some((seq, member("task", task))),
            rest: Rest::Nothing,
        }
    }

    /// A run until it ends or needs its caller.
    pub(super) const fn run(live: Arc<LiveTask>) -> Self {
        Self {
            first: None,
            rest: Rest::Run(live, 0),
        }
    }

    /// A task as it is, and whatever happens to it until it ends.
    pub(super) fn follow(task: Option<&Json>, follower: Follower) -> Self {
        Self {
            first: task.map(|task| (follower.seq(), member("task", task))),
            rest: Rest::Task(Box::new(follower)),
        }
    }

    /// What comes next. A call that is given up loses nothing.
    pub async fn next(&mut self) -> Portion {
        if let Some(first) = self.first.take() {
            return match self.rest {
                Rest::Nothing => Portion::all(vec![first]),
                _ => Portion::some(vec![first]),
            };
        }
        match &mut self.rest {
            Rest::Nothing => Portion::all(Vec::new()),
            Rest::Task(follower) => follower.next().await,
            Rest::Run(live, seq) => {
                let (events, ended) = live.next(*seq).await;
                *seq = events.last().map_or(*seq, |(number, _)| *number);
                Portion {
                    events,
                    end: ended.map(|ended| match ended {
                        Ended::Stored(_) => Ok(()),
                        Ended::Lost(error) => Err(error),
                    }),
                }
            }
        }
    }
}
