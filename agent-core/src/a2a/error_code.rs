//! The kinds of errors, and what each is called in each binding.

/// What kind of error it is (A2A §3.3.2, §5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// There is no such task, or not for this caller: which of the two is never said.
    TaskNotFound,
    /// The task has ended and cannot be cancelled.
    TaskNotCancelable,
    /// The agent calls no webhooks.
    PushNotificationNotSupported,
    /// The agent does not do that, or not with a task that has ended.
    UnsupportedOperation,
    /// The agent or skill does not take that media type.
    ContentTypeNotSupported,
    /// An agent answered something that is not A2A.
    InvalidAgentResponse,
    /// The agent says that it has an extended card, and has none.
    ExtendedAgentCardNotConfigured,
    /// The agent demands an extension that the client did not declare.
    ExtensionSupportRequired,
    /// The agent does not speak that version of the protocol.
    VersionNotSupported,
    /// The body is not JSON.
    ParseError,
    /// The body is JSON but not a request.
    InvalidRequest,
    /// There is no such method.
    MethodNotFound,
    /// The parameters are not those of the method.
    InvalidParams,
    /// Something failed that the peer can do nothing about.
    Internal,
    /// The caller is not known.
    Unauthenticated,
    /// The caller is known, and may not.
    PermissionDenied,
    /// What is asked contradicts what was asked before, under the same key.
    Conflict,
    /// The caller asks too much, or too often.
    ResourceExhausted,
    /// Not now. It may work later.
    Unavailable,
    /// A code that this version does not know, as a peer sent it.
    Other(i64),
}

/// What a code is called: in JSON-RPC, HTTP and gRPC, and in `google.rpc.ErrorInfo`.
type Names = (i64, u16, &'static str, &'static str);

impl ErrorCode {
    /// Every code that has a name.
    pub const ALL: [Self; 19] = [
        Self::TaskNotFound,
        Self::TaskNotCancelable,
        Self::PushNotificationNotSupported,
        Self::UnsupportedOperation,
        Self::ContentTypeNotSupported,
        Self::InvalidAgentResponse,
        Self::ExtendedAgentCardNotConfigured,
        Self::ExtensionSupportRequired,
        Self::VersionNotSupported,
        Self::ParseError,
        Self::InvalidRequest,
        Self::MethodNotFound,
        Self::InvalidParams,
        Self::Internal,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::Conflict,
        Self::ResourceExhausted,
        Self::Unavailable,
    ];

    /// The table of A2A §5.4, the one of JSON-RPC (A2A §9.5) and ours.
    ///
    /// The specification leaves JSON-RPC's own errors without names in the other bindings, so
    /// these are the ones that its SDKs use; and it has no codes for the last group ("JSON-RPC
    /// custom error", A2A §3.3.2), for which JSON-RPC reserves −32000 and A2A does not use it. The
    /// reason tells them apart.
    const fn names(self) -> Names {
        match self {
            Self::TaskNotFound => (-32001, 404, "NOT_FOUND", "TASK_NOT_FOUND"),
            Self::TaskNotCancelable => (-32002, 400, "FAILED_PRECONDITION", "TASK_NOT_CANCELABLE"),
            Self::PushNotificationNotSupported => (
                -32003,
                400,
                "FAILED_PRECONDITION",
                "PUSH_NOTIFICATION_NOT_SUPPORTED",
            ),
            Self::UnsupportedOperation => {
                (-32004, 400, "FAILED_PRECONDITION", "UNSUPPORTED_OPERATION")
            }
            Self::ContentTypeNotSupported => (
                -32005,
                400,
                "INVALID_ARGUMENT",
                "CONTENT_TYPE_NOT_SUPPORTED",
            ),
            Self::InvalidAgentResponse => (-32006, 500, "INTERNAL", "INVALID_AGENT_RESPONSE"),
            Self::ExtendedAgentCardNotConfigured => (
                -32007,
                400,
                "FAILED_PRECONDITION",
                "EXTENDED_AGENT_CARD_NOT_CONFIGURED",
            ),
            Self::ExtensionSupportRequired => (
                -32008,
                400,
                "FAILED_PRECONDITION",
                "EXTENSION_SUPPORT_REQUIRED",
            ),
            Self::VersionNotSupported => {
                (-32009, 400, "FAILED_PRECONDITION", "VERSION_NOT_SUPPORTED")
            }
            Self::ParseError => (-32700, 400, "INVALID_ARGUMENT", "PARSE_ERROR"),
            Self::InvalidRequest => (-32600, 400, "INVALID_ARGUMENT", "INVALID_REQUEST"),
            Self::MethodNotFound => (-32601, 404, "UNIMPLEMENTED", "METHOD_NOT_FOUND"),
            Self::InvalidParams => (-32602, 400, "INVALID_ARGUMENT", "INVALID_PARAMS"),
            Self::Internal => (-32603, 500, "INTERNAL", "INTERNAL_ERROR"),
            Self::Unauthenticated => (-32000, 401, "UNAUTHENTICATED", "UNAUTHENTICATED"),
            Self::PermissionDenied => (-32000, 403, "PERMISSION_DENIED", "PERMISSION_DENIED"),
            Self::Conflict => (-32000, 409, "ABORTED", "CONFLICT"),
            Self::ResourceExhausted => (-32000, 429, "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"),
            Self::Unavailable => (-32000, 503, "UNAVAILABLE", "UNAVAILABLE"),
            Self::Other(code) => (code, 500, "UNKNOWN", "UNKNOWN"),
        }
    }

    /// The code in JSON-RPC.
    pub const fn json_rpc(self) -> i64 {
        self.names().0
    }

    /// The status in HTTP.
    pub const fn http_status(self) -> u16 {
        self.names().1
    }

    /// The status in gRPC.
    pub const fn grpc_status(self) -> &'static str {
        self.names().2
    }

    /// The reason in `google.rpc.ErrorInfo`, by which clients are to tell errors apart.
    pub const fn reason(self) -> &'static str {
        self.names().3
    }

    /// The code with that reason.
    pub fn from_reason(reason: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.reason() == reason)
    }

    /// The code of a JSON-RPC error that names no reason.
    pub fn from_json_rpc(number: i64) -> Self {
        let known = Self::ALL.into_iter().find(|code| code.json_rpc() == number);
        // −32000 is several of ours and anybody's else.
        known
            .filter(|_| number != -32000)
            .unwrap_or(Self::Other(number))
    }

    /// What is said when there is nothing to add (A2A §3.3.2, §9.5).
    pub const fn default_message(self) -> &'static str {
        match self {
            Self::TaskNotFound => "Task not found",
            Self::TaskNotCancelable => "Task cannot be canceled",
            Self::PushNotificationNotSupported => "Push notifications are not supported",
            Self::UnsupportedOperation => "This operation is not supported",
            Self::ContentTypeNotSupported => "Content type is not supported",
            Self::InvalidAgentResponse => "Invalid agent response",
            Self::ExtendedAgentCardNotConfigured => "Extended agent card is not configured",
            Self::ExtensionSupportRequired => "A required extension was not declared",
            Self::VersionNotSupported => "Protocol version is not supported",
            Self::ParseError => "Invalid JSON payload",
            Self::InvalidRequest => "Request payload validation error",
            Self::MethodNotFound => "Method not found",
            Self::InvalidParams => "Invalid parameters",
            Self::Internal => "Internal error",
            Self::Unauthenticated => "Authentication is required",
            Self::PermissionDenied => "Permission denied",
            Self::Conflict => "The request conflicts with an earlier one",
            Self::ResourceExhausted => "Too many requests",
            Self::Unavailable => "Temporarily unavailable",
            Self::Other(_) => "Unknown error",
        }
    }
}
