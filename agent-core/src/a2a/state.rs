//! The life of a task.

use super::enums::names;

/// Where a task is in its life (A2A §4.1.3).
///
/// The protocol's list is closed for a version, so it can be matched in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskState {
    /// Not set. It is never sent; in a filter it stands for any state.
    #[default]
    Unspecified,
    /// Accepted, and not yet worked on.
    Submitted,
    /// Being worked on.
    Working,
    /// Done. Terminal.
    Completed,
    /// Ended by an error. Terminal.
    Failed,
    /// Ended by the client. Terminal.
    Canceled,
    /// Waits for another message of the client. Interrupted.
    InputRequired,
    /// The agent will not do it. Terminal.
    Rejected,
    /// Waits for an authorization, which may come with a message or by another way (A2A §7.6).
    /// Interrupted.
    AuthRequired,
}

names!(TaskState {
    Unspecified = 0, "TASK_STATE_UNSPECIFIED";
    Submitted = 1, "TASK_STATE_SUBMITTED";
    Working = 2, "TASK_STATE_WORKING";
    Completed = 3, "TASK_STATE_COMPLETED";
    Failed = 4, "TASK_STATE_FAILED";
    Canceled = 5, "TASK_STATE_CANCELED";
    InputRequired = 6, "TASK_STATE_INPUT_REQUIRED";
    Rejected = 7, "TASK_STATE_REJECTED";
    AuthRequired = 8, "TASK_STATE_AUTH_REQUIRED";
});

impl TaskState {
    /// Every state, in the order of the `.proto` file.
    pub const ALL: [Self; 9] = [
        Self::Unspecified,
        Self::Submitted,
        Self::Working,
        Self::Completed,
        Self::Failed,
        Self::Canceled,
        Self::InputRequired,
        Self::Rejected,
        Self::AuthRequired,
    ];

    /// Whether the task has ended. Nothing changes it any more, and messages to it are refused.
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Failed | Self::Canceled | Self::Rejected
        )
    }

    /// Whether the task waits for the client. A blocking call returns here (A2A §3.2.2).
    pub const fn is_interrupted(self) -> bool {
        matches!(self, Self::InputRequired | Self::AuthRequired)
    }

    /// Whether a task in this state may be in state `next` after its next status update.
    ///
    /// `Unspecified` stands for a task that is not there yet, which may start in any state. The
    /// specification gives the states and what they mean but no table; this one is what its
    /// meanings leave open:
    ///
    /// - nothing becomes `Unspecified`, and nothing terminal becomes anything;
    /// - nothing goes back to `Submitted`, since work has been seen;
    /// - `Submitted`, once reported, is not news a second time, while any other state may be
    ///   reported again, with another message.
    pub const fn can_become(self, next: Self) -> bool {
        match (self, next) {
            (_, Self::Unspecified) => false,
            (Self::Unspecified, _) => true,
            (_, Self::Submitted) => false,
            _ => !self.is_terminal(),
        }
    }
}
