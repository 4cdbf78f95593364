//! Why a batch was not committed, and what is said to whom.

use super::{
    error::{Fault, FaultKind},
    job::Fate,
};

/// Why a batch was not committed.
pub(super) struct Failure {
    /// What its culprit, the job that ran last, is told; without one, nobody is to blame.
    pub(super) culprit: Option<Fate>,
    /// What everyone else of the batch is told.
    pub(super) others: Fate,
    /// Whether the store must refuse all further work.
    pub(super) poison: bool,
}

impl Failure {
    /// A statement of one job failed.
    pub(super) fn of_sql(error: &rusqlite::Error) -> Self {
        let fault = Fault::from(error);
        let poison = fault.kind == FaultKind::Disk;
        let others = Fate::RolledBack(fault.clone());
        Self {
            culprit: Some(Fate::Storage(fault)),
            others,
            poison,
        }
    }

    /// One job misbehaved without a fault of the store.
    pub(super) fn of_one(culprit: Fate, why: &str) -> Self {
        Self {
            culprit: Some(culprit),
            others: Fate::RolledBack(other(why)),
            poison: false,
        }
    }

    /// The state panicked when it was to write what it held back.
    pub(super) const fn of_state() -> Self {
        Self {
            culprit: None,
            others: Fate::Panicked,
            poison: false,
        }
    }

    /// The transaction itself failed. After an I/O error in COMMIT nobody can say what is on disk.
    pub(super) fn of_all(error: &rusqlite::Error, commit: bool) -> Self {
        let fault = Fault::from(error);
        let poison = fault.kind == FaultKind::Disk;
        let others = if commit && poison {
            Fate::Unknown(fault)
        } else {
            Fate::Storage(fault)
        };
        Self {
            culprit: None,
            others,
            poison,
        }
    }
}

pub(super) fn other(message: &str) -> Fault {
    Fault {
        kind: FaultKind::Other,
        message: message.to_owned(),
    }
}
