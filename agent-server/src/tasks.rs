//! Tasks: how one is run, watched, stored and ended.

mod draft;
mod engine;
mod live;
mod waiting;

pub(crate) use draft::Draft;
pub(crate) use engine::{Engine, Resume, Start, store_failed};
pub(crate) use live::{Ended, LiveTask, LiveTasks};
pub(crate) use waiting::{WaitingTask, WaitingTasks};
