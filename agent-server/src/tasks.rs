//! Tasks: how one is run, watched, stored and ended.

mod commit;
mod draft;
mod ending;
mod engine;
mod faults;
mod host;
mod live;
mod parked;
mod waiting;

pub(crate) use draft::Draft;
pub(crate) use engine::{Engine, Resume, Start};
pub(crate) use faults::store_failed;
pub(crate) use live::{Ended, LiveTask, LiveTasks};
pub(crate) use waiting::{WaitingTask, WaitingTasks};
