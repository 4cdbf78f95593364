//! Tasks: how one is run, watched, stored and ended.

mod commit;
mod draft;
mod ending;
mod engine;
mod faults;
mod host;
mod live;
mod metered;
mod once;
mod parked;
pub(crate) mod settling;
mod shown;
mod sweep;
mod turns;
mod waiting;
mod watchers;

pub(crate) use draft::{Draft, NewTask, stream_event};
pub(crate) use engine::{Engine, Resume, Showing, Start};
pub(crate) use faults::store_failed;
pub(crate) use live::{Ended, LiveTask, LiveTasks};
pub(crate) use metered::Metered;
pub(crate) use once::once;
pub(crate) use parked::Parked;
pub(crate) use sweep::{SweepPolicy, sweep};
pub(crate) use turns::Turns;
pub(crate) use waiting::{WaitingTask, WaitingTasks};
pub(crate) use watchers::Watch;
