/// How a run ended: with its output, or with the reason why there is none.
pub type Outcome<T> = Result<Done<T>, Stop>;

/// A finished piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Done<T> {
    /// The result.
    pub output: T,
    /// A sentence for people, shown in the task's status.
    pub note: Option<String>,
}

impl<T> Done<T> {
    /// Adds a sentence for people.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

impl<T> From<T> for Done<T> {
    fn from(output: T) -> Self {
        Self { output, note: None }
    }
}

/// Why a run ended without a result. Each maps to one A2A task state and one action on the ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stop {
    /// The caller must answer a question: `TASK_STATE_INPUT_REQUIRED`, the money stays held.
    #[error("input required: {0}")]
    NeedInput(String),
    /// The work failed: `TASK_STATE_FAILED`, nothing is charged.
    #[error("failed: {0}")]
    Failed(String),
    /// The skill will not do this: `TASK_STATE_REJECTED`, nothing is charged.
    #[error("rejected: {0}")]
    Rejected(String),
    /// The task was cancelled: `TASK_STATE_CANCELED`, nothing is charged.
    #[error("canceled")]
    Canceled,
}

impl Stop {
    /// The work failed; the caller is told `why`, so it must hold no secrets.
    #[must_use]
    pub fn failed(why: impl ToString) -> Self {
        Self::Failed(why.to_string())
    }

    /// The skill will not do this; the caller is told `why`.
    #[must_use]
    pub fn rejected(why: impl ToString) -> Self {
        Self::Rejected(why.to_string())
    }
}
