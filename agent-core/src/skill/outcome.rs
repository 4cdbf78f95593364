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
    /// Whether a message is to be the answer, rather than a task.
    pub as_message: bool,
}

impl<T> Done<T> {
    /// Answers with a message and without a task (A2A §3.1.1): for small talk, of which nothing is
    /// kept and nothing can be asked later.
    ///
    /// It takes a skill whose [`About`](super::About) says that it answers directly. Work that was
    /// paid for, or that has said something before its end, or whose caller did not wait, has a task
    /// already, and then this changes nothing.
    #[must_use]
    pub const fn as_message(mut self) -> Self {
        self.as_message = true;
        self
    }

    /// Adds a sentence for people.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

impl<T> From<T> for Done<T> {
    fn from(output: T) -> Self {
        Self {
            output,
            note: None,
            as_message: false,
        }
    }
}

/// Why a run ended without a result. Each maps to one A2A task state and one action on the ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stop {
    /// The caller must answer a question: `TASK_STATE_INPUT_REQUIRED`, the money stays held.
    #[error("input required: {0}")]
    NeedInput(String),
    /// The caller, or somebody else, must allow something: `TASK_STATE_AUTH_REQUIRED`, the money
    /// stays held. The text says what and how (A2A §7.6).
    #[error("authorization required: {0}")]
    NeedAuth(String),
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
