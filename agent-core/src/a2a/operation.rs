//! The operations of the protocol by name, and its versions.

/// An operation of A2A (§3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// §3.1.1
    SendMessage,
    /// §3.1.2
    SendStreamingMessage,
    /// §3.1.3
    GetTask,
    /// §3.1.4
    ListTasks,
    /// §3.1.5
    CancelTask,
    /// §3.1.6
    SubscribeToTask,
    /// §3.1.7
    CreateTaskPushNotificationConfig,
    /// §3.1.8
    GetTaskPushNotificationConfig,
    /// §3.1.9
    ListTaskPushNotificationConfigs,
    /// §3.1.10
    DeleteTaskPushNotificationConfig,
    /// §3.1.11
    GetExtendedAgentCard,
}

impl Operation {
    /// All of them, in the order of the specification.
    pub const ALL: [Self; 11] = [
        Self::SendMessage,
        Self::SendStreamingMessage,
        Self::GetTask,
        Self::ListTasks,
        Self::CancelTask,
        Self::SubscribeToTask,
        Self::CreateTaskPushNotificationConfig,
        Self::GetTaskPushNotificationConfig,
        Self::ListTaskPushNotificationConfigs,
        Self::DeleteTaskPushNotificationConfig,
        Self::GetExtendedAgentCard,
    ];

    /// The name that JSON-RPC and gRPC know it by in A2A 1.0.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendMessage => "SendMessage",
            Self::SendStreamingMessage => "SendStreamingMessage",
            Self::GetTask => "GetTask",
            Self::ListTasks => "ListTasks",
            Self::CancelTask => "CancelTask",
            Self::SubscribeToTask => "SubscribeToTask",
            Self::CreateTaskPushNotificationConfig => "CreateTaskPushNotificationConfig",
            Self::GetTaskPushNotificationConfig => "GetTaskPushNotificationConfig",
            Self::ListTaskPushNotificationConfigs => "ListTaskPushNotificationConfigs",
            Self::DeleteTaskPushNotificationConfig => "DeleteTaskPushNotificationConfig",
            Self::GetExtendedAgentCard => "GetExtendedAgentCard",
        }
    }

    /// The operation of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Whether it answers with a stream of events.
    #[must_use]
    pub const fn streams(self) -> bool {
        matches!(self, Self::SendStreamingMessage | Self::SubscribeToTask)
    }
}

/// A version of the protocol that is spoken here (A2A §3.6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// 0.3
    V0_3,
    /// 1.0
    #[default]
    V1_0,
}

impl Version {
    /// As it is written in a card and in a header: major and minor.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V0_3 => "0.3",
            Self::V1_0 => super::PROTOCOL_VERSION,
        }
    }

    /// The version of that name. A patch number does not count (A2A §3.6.1).
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let mut numbers = name.trim().split('.');
        match (numbers.next()?, numbers.next()?) {
            ("0", "3") => Some(Self::V0_3),
            ("1", "0") => Some(Self::V1_0),
            _ => None,
        }
    }
}
