//! What a stream carries, whatever binding writes it: the events of a task, read at the reader's
//! own pace from the task's log.

use super::follow::Follower;
use super::{Service, member, shown};
use crate::tasks::{Ended, LiveTask};
use agent_core::a2a::{A2aError, TaskState};
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
    Run(Box<Run>),
    /// A task through all its runs.
    Task(Box<Follower>),
}

/// A run that is streamed to whoever started it.
#[derive(Debug)]
struct Run {
    live: Arc<LiveTask>,
    /// The number of the last event that was read.
    seq: u64,
    service: Service,
}

impl Run {
    /// What comes next, and who reads on after the run. A task that waits for its caller ends the
    /// stream; one that waits to be allowed something does not, because its caller need not be the
    /// one who allows it (A2A §7.6.1).
    async fn next(&mut self) -> (Portion, Option<Follower>) {
        let (events, ended) = self.live.next(self.seq).await;
        self.seq = events.last().map_or(self.seq, |(number, _)| *number);
        match ended {
            None => (Portion::some(events), None),
            Some(Ended::Stored(_, TaskState::AuthRequired)) => {
                let follower = self.service.after_run(&self.live, self.seq);
                (Portion::some(events), Some(follower))
            }
            Some(Ended::Stored(..)) => (Portion::all(events), None),
            Some(Ended::Direct(message)) => {
                (Portion::all(vec![(0, member("message", &message))]), None)
            }
            Some(Ended::Lost(error)) => {
                let end = Some(Err(error));
                (Portion { events, end }, None)
            }
        }
    }
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

    /// A message instead of a task, and the end.
    pub(super) fn said(message: &Json) -> Self {
        Self {
            first: Some((0, member("message", message))),
            rest: Rest::Nothing,
        }
    }

    /// A run until it ends or needs its caller.
    pub(super) fn run(live: Arc<LiveTask>, service: Service) -> Self {
        let run = Run {
            live,
            seq: 0,
            service,
        };
        Self {
            first: None,
            rest: Rest::Run(Box::new(run)),
        }
    }

    /// A run as it is, and the rest of it.
    pub(super) fn rest_of(live: Arc<LiveTask>, service: Service) -> Result<Self, A2aError> {
        let Some((task, seq)) = live.snapshot() else {
            return Ok(Self::run(live, service));
        };
        let task = shown(task, None)?;
        let run = Run { live, seq, service };
        Ok(Self {
            first: Some((seq, member("task", &task))),
            rest: Rest::Run(Box::new(run)),
        })
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
            Rest::Run(run) => {
                let (portion, goes_on) = run.next().await;
                if let Some(follower) = goes_on {
                    self.rest = Rest::Task(Box::new(follower));
                }
                portion
            }
        }
    }
}
