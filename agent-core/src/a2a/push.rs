//! Where a client wants to be called when a task changes.

use super::macros::object;
use super::secret::Secret;

/// A webhook for the changes of one task (A2A §4.3.1).
///
/// It is also the request that creates one (A2A §3.1.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskPushNotificationConfig {
    /// The tenant of the interface that the client chose, if the card names one.
    pub tenant: String,
    /// Which webhook of the task. Chosen by the server when the client leaves it empty.
    pub id: String,
    /// The task. Empty when the configuration comes with the message that starts it.
    pub task_id: String,
    /// What to call. Chosen by the peer: not to be called unguarded (A2A §13.2). Required.
    pub url: String,
    /// Sent along, so that the receiver knows the call is about its task.
    pub token: Secret,
    /// How the server is to authenticate itself to the receiver.
    pub authentication: Option<AuthenticationInfo>,
}

object!(TaskPushNotificationConfig {
    tenant: "tenant",
    id: "id",
    task_id: "taskId",
    url: "url" required,
    token: "token",
    authentication: "authentication",
});

/// What goes into the `Authorization` header of a call to a webhook (A2A §4.3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationInfo {
    /// The HTTP authentication scheme, such as `Bearer`, in any case. Required.
    pub scheme: String,
    /// What follows it, in the form that the scheme asks for.
    pub credentials: Secret,
}

object!(AuthenticationInfo {
    scheme: "scheme" required,
    credentials: "credentials",
});
