//! A running task as its events tell it.

use agent_core::a2a::{StreamResponse, Task};
use agent_core::json::Json;

/// The task after the first so many events. Made only when somebody asks, and then carried on from
/// where it was: each event is read once however many ask.
#[derive(Debug, Default)]
pub(super) struct Shown {
    task: Option<Task>,
    read: usize,
    seq: u64,
}

impl Shown {
    /// How many events were taken in.
    pub(super) const fn read(&self) -> usize {
        self.read
    }

    /// The task after these events too, and the number of the last of all.
    pub(super) fn take_in(&mut self, events: &[(u64, Json)]) -> Option<(Task, u64)> {
        for (seq, event) in events {
            self.read = self.read.saturating_add(1);
            self.seq = *seq;
            match (event.parse(), &mut self.task) {
                (Ok(StreamResponse::Task(task)), _) => self.task = Some(task),
                (Ok(StreamResponse::StatusUpdate(event)), Some(task)) => task.status = event.status,
                (Ok(StreamResponse::ArtifactUpdate(event)), Some(task)) => {
                    task.merge_artifact(event);
                }
                // The events of one run begin with the task, and hold no messages.
                _ => {}
            }
        }
        self.task.clone().map(|task| (task, self.seq))
    }
}
