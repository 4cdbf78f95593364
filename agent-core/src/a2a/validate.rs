//! What a request must hold to be worth anything.
//!
//! ProtoJSON lets every field be absent, so these checks come after it (A2A §3.3.2: servers MUST
//! validate all parameters, and SHOULD say which failed and why). They report all violations, not
//! the first, up to [`limits::MAX_VIOLATIONS`].

mod check;

use super::error::FieldViolation;
use super::limits;
use super::message::{Message, Role};
use super::part::{Part, PartContent};
use super::push::TaskPushNotificationConfig;
use super::requests::{
    CancelTaskRequest, DeleteTaskPushNotificationConfigRequest, GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest, GetTaskRequest, ListTaskPushNotificationConfigsRequest,
    ListTasksRequest, SendMessageConfiguration, SendMessageRequest, SubscribeToTaskRequest,
};
use check::{BEYOND_DOUBLE, Check, is_token_byte};

impl SendMessageRequest {
    /// What is wrong with the request. Empty when nothing is.
    pub fn validate(&self) -> Vec<FieldViolation> {
        let mut check = Check::default();
        check.optional_id("tenant", &self.tenant);
        if self.message == Message::default() {
            check.fail("message", "is required");
        } else {
            check.message(&self.message);
        }
        if let Some(configuration) = &self.configuration {
            check.configuration(configuration);
        }
        check.metadata("metadata", &self.metadata);
        check.violations
    }
}

impl ListTasksRequest {
    /// What is wrong with the request. Empty when nothing is.
    pub fn validate(&self) -> Vec<FieldViolation> {
        let mut check = Check::default();
        check.optional_id("tenant", &self.tenant);
        check.optional_id("contextId", &self.context_id);
        if self
            .page_size
            .is_some_and(|size| !(1..=limits::MAX_PAGE_SIZE).contains(&size))
        {
            check.fail(
                "pageSize",
                format!("must be from 1 to {}", limits::MAX_PAGE_SIZE),
            );
        }
        check.at_most(
            "pageToken",
            self.page_token.len(),
            limits::MAX_PAGE_TOKEN_BYTES,
            "bytes",
        );
        check.history_length("historyLength", self.history_length);
        check.violations
    }
}

impl TaskPushNotificationConfig {
    /// What is wrong with the request to create this webhook. Empty when nothing is. Whether the
    /// URL may be called is decided where it is called.
    pub fn validate(&self) -> Vec<FieldViolation> {
        let mut check = Check::default();
        check.id("taskId", &self.task_id);
        check.webhook("", self);
        check.violations
    }
}

/// Requests that are no more than ids.
macro_rules! ids {
    ($($request:ident { $($field:ident: $json:literal),* } $(and $more:expr)?;)*) => {
        $(impl $request {
            /// What is wrong with the request. Empty when nothing is.
            pub fn validate(&self) -> Vec<FieldViolation> {
                let mut check = Check::default();
                check.optional_id("tenant", &self.tenant);
                $(check.id($json, &self.$field);)*
                $($more(self, &mut check);)?
                check.violations
            }
        })*
    };
}

ids! {
    GetTaskRequest { id: "id" } and |request: &Self, check: &mut Check| {
        check.history_length("historyLength", request.history_length);
    };
    CancelTaskRequest { id: "id" } and |request: &Self, check: &mut Check| {
        check.metadata("metadata", &request.metadata);
    };
    SubscribeToTaskRequest { id: "id" };
    GetTaskPushNotificationConfigRequest { task_id: "taskId", id: "id" };
    DeleteTaskPushNotificationConfigRequest { task_id: "taskId", id: "id" };
    ListTaskPushNotificationConfigsRequest { task_id: "taskId" } and
        |request: &Self, check: &mut Check| {
            if request.page_size < 0 {
                check.fail("pageSize", "must not be negative");
            }
            let token = request.page_token.len();
            check.at_most("pageToken", token, limits::MAX_PAGE_TOKEN_BYTES, "bytes");
        };
    GetExtendedAgentCardRequest {};
}

/// The checks of what is in several requests, or large.
impl Check {
    fn message(&mut self, message: &Message) {
        self.id("message.messageId", &message.message_id);
        self.optional_id("message.contextId", &message.context_id);
        self.optional_id("message.taskId", &message.task_id);
        match message.role {
            Role::User => {}
            Role::Agent => self.fail("message.role", "must be ROLE_USER in a message to an agent"),
            Role::Unspecified => self.fail("message.role", "is required"),
        }
        if message.parts.is_empty() {
            self.fail("message.parts", "at least one part is required");
        }
        self.at_most(
            "message.parts",
            message.parts.len(),
            limits::MAX_PARTS,
            "parts",
        );
        for (index, part) in message.parts.iter().take(limits::MAX_PARTS).enumerate() {
            self.part(index, part);
        }
        self.metadata("message.metadata", &message.metadata);
        let uris = &message.extensions;
        self.at_most(
            "message.extensions",
            uris.len(),
            limits::MAX_EXTENSIONS,
            "entries",
        );
        for uri in uris.iter().take(limits::MAX_EXTENSIONS) {
            self.at_most(
                "message.extensions",
                uri.len(),
                limits::MAX_URL_BYTES,
                "bytes in one",
            );
        }
        let tasks = &message.reference_task_ids;
        let field = "message.referenceTaskIds";
        self.at_most(field, tasks.len(), limits::MAX_REFERENCE_TASKS, "entries");
        for id in tasks.iter().take(limits::MAX_REFERENCE_TASKS) {
            self.id(field, id);
        }
    }

    fn part(&mut self, index: usize, part: &Part) {
        let field = |name: &str| format!("message.parts[{index}].{name}");
        if let PartContent::Url(url) = &part.content {
            if url.is_empty() {
                self.fail(field("url"), "must not be empty");
            }
            self.at_most(&field("url"), url.len(), limits::MAX_URL_BYTES, "bytes");
        }
        if let PartContent::Data(data) = &part.content
            && !data.is_within_double()
        {
            self.fail(field("data"), BEYOND_DOUBLE);
        }
        self.metadata(&field("metadata"), &part.metadata);
        let (filename, media_type) = (part.filename.len(), part.media_type.len());
        self.at_most(
            &field("filename"),
            filename,
            limits::MAX_FILENAME_BYTES,
            "bytes",
        );
        self.at_most(
            &field("mediaType"),
            media_type,
            limits::MAX_MEDIA_TYPE_BYTES,
            "bytes",
        );
    }

    fn configuration(&mut self, configuration: &SendMessageConfiguration) {
        let field = "configuration.acceptedOutputModes";
        let modes = &configuration.accepted_output_modes;
        self.at_most(field, modes.len(), limits::MAX_OUTPUT_MODES, "entries");
        for mode in modes.iter().take(limits::MAX_OUTPUT_MODES) {
            self.at_most(
                field,
                mode.len(),
                limits::MAX_MEDIA_TYPE_BYTES,
                "bytes in one",
            );
        }
        self.history_length("configuration.historyLength", configuration.history_length);
        if let Some(webhook) = &configuration.task_push_notification_config {
            self.webhook("configuration.taskPushNotificationConfig.", webhook);
        }
    }

    fn webhook(&mut self, path: &str, webhook: &TaskPushNotificationConfig) {
        let field = |name: &str| format!("{path}{name}");
        self.optional_id(&field("tenant"), &webhook.tenant);
        self.optional_id(&field("id"), &webhook.id);
        if webhook.url.is_empty() {
            self.fail(field("url"), "is required");
        }
        self.at_most(
            &field("url"),
            webhook.url.len(),
            limits::MAX_URL_BYTES,
            "bytes",
        );
        self.header(&field("token"), &webhook.token);
        if let Some(authentication) = &webhook.authentication {
            let scheme = &authentication.scheme;
            if scheme.is_empty() || !scheme.bytes().all(is_token_byte) {
                self.fail(
                    field("authentication.scheme"),
                    "must be an HTTP authentication scheme",
                );
            }
            self.at_most(
                &field("authentication.scheme"),
                scheme.len(),
                limits::MAX_ID_BYTES,
                "bytes",
            );
            self.header(
                &field("authentication.credentials"),
                &authentication.credentials,
            );
        }
    }
}
