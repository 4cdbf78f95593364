//! The data model of A2A 1.0, as the specification spells it.
//!
//! Names on the wire are those of `specification/a2a.proto`; section numbers are those of the
//! specification, version 1.0.1. The rules by which the objects become JSON are in `protojson`,
//! those for what an object must hold in [`SendMessageRequest::validate`] and its siblings, and
//! [`decode`] is how a body becomes a request or an error that a peer can use.
//!
//! ```
//! use agent_core::a2a::{Message, SendMessageRequest, decode};
//!
//! let request: SendMessageRequest = decode(
//!     br#"{"message": {"messageId": "1", "role": "ROLE_USER", "parts": [{"text": "hi"}]}}"#,
//! )?;
//! assert!(request.validate().is_empty());
//! assert_eq!(request.message.text(), "hi");
//!
//! let answer = Message::agent("hello").in_context("c-1");
//! assert_eq!(answer.parts.len(), 1);
//! # Ok::<(), agent_core::a2a::A2aError>(())
//! ```

mod card;
mod decode;
mod enums;
mod error;
mod error_code;
mod error_wire;
mod event;
pub mod limits;
mod macros;
mod message;
mod oauth;
mod operation;
mod part;
pub mod proto;
mod protojson;
mod push;
mod requests;
mod secret;
mod security;
pub mod signing;
mod state;
mod task;
mod timestamp;
pub mod v03;
mod validate;

pub use card::{
    AgentCapabilities, AgentCard, AgentCardSignature, AgentExtension, AgentInterface,
    AgentProvider, AgentSkill,
};
pub use decode::decode;
pub use error::{A2aError, FieldViolation};
pub use error_code::ErrorCode;
pub use error_wire::{JsonRpcError, RestError, RestStatus};
pub use event::{
    SendMessageResponse, StreamResponse, TaskArtifactUpdateEvent, TaskStatusUpdateEvent,
};
pub use message::{Message, Role};
pub use oauth::{
    AuthorizationCodeOAuthFlow, ClientCredentialsOAuthFlow, DeviceCodeOAuthFlow, ImplicitOAuthFlow,
    OAuthFlows, PasswordOAuthFlow,
};
pub use operation::{Operation, Version};
pub use part::{Part, PartContent};
pub use push::{AuthenticationInfo, TaskPushNotificationConfig};
pub use requests::{
    CancelTaskRequest, DeleteTaskPushNotificationConfigRequest, GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest, GetTaskRequest, ListTaskPushNotificationConfigsRequest,
    ListTaskPushNotificationConfigsResponse, ListTasksRequest, ListTasksResponse,
    SendMessageConfiguration, SendMessageRequest, SubscribeToTaskRequest,
};
pub use secret::Secret;
pub use security::{
    APIKeySecurityScheme, HTTPAuthSecurityScheme, MutualTlsSecurityScheme, OAuth2SecurityScheme,
    OpenIdConnectSecurityScheme, SecurityRequirement, SecurityScheme, StringList,
};
pub use state::TaskState;
pub use task::{Artifact, Task, TaskStatus};
pub use timestamp::{Timestamp, TimestampError};

/// The version of the protocol on the wire: major and minor (A2A §3.6).
pub const PROTOCOL_VERSION: &str = "1.0";

/// The media type of A2A objects in JSON (A2A §14.1.1).
pub const MEDIA_TYPE: &str = "application/a2a+json";
