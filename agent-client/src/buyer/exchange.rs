//! One message and its task, and what a failure on the way says about the money.

use agent_core::a2a::{ErrorCode, Message, SendMessageRequest, SendMessageResponse, Task};

use super::AskError;
use super::ask::Ask;
use super::bill::Bill;
use super::reading::as_task;
use crate::call::CallError;
use crate::wallet::Payment;

impl Ask<'_> {
    /// Sends one message and waits for what its task comes to. The repeats of a lost answer happen
    /// below, with the same bytes.
    pub(super) async fn exchange(
        &self,
        message: Message,
        paying: Option<&(Bill, Payment)>,
    ) -> Result<Task, AskError> {
        let remote = self.seller.remote();
        let sent = match remote.send(SendMessageRequest::new(message)).await {
            Ok(SendMessageResponse::Message(message)) => return Ok(as_task(message)),
            Ok(SendMessageResponse::Task(task)) => {
                // An error while we only wait says nothing about the work.
                remote
                    .settle(task, remote.answer_wait())
                    .await
                    .map_err(|error| (error, false))
            }
            Err(error) => {
                let not_taken = is_refusal(&error);
                Err((error, not_taken))
            }
        };
        let (error, not_taken) = match sent {
            Ok(task) => return Ok(task),
            Err(failure) => failure,
        };
        Err(self.failed(error, not_taken, paying).await)
    }

    /// Writes down what a failure on the way says about the money.
    pub(super) async fn failed(
        &self,
        error: CallError,
        not_taken: bool,
        paying: Option<&(Bill, Payment)>,
    ) -> AskError {
        let Some((_, payment)) = paying else {
            return AskError::Call(error);
        };
        let wallet = self.seller.buyer().wallet();
        let noted = match (not_taken, error.is_unsent()) {
            (true, true) => wallet.void(&payment.id).await,
            (true, false) => wallet.refused(&payment.id).await,
            (false, _) => wallet.mark_unknown(&payment.id).await,
        };
        match noted {
            Err(error) => error.into(),
            Ok(()) if not_taken => AskError::Call(error),
            Ok(()) => AskError::Lost {
                payment_id: payment.id.clone(),
                error,
            },
        }
    }
}

/// True for errors with which a seller refuses a request before it takes any payment. Everything
/// else may come from a seller, or a proxy before it, that took one.
pub(super) fn is_refusal(error: &CallError) -> bool {
    if error.is_unsent() {
        return true;
    }
    match error {
        CallError::Http(status) => matches!(*status, 400 | 401 | 403 | 404 | 405 | 413 | 415),
        _ => matches!(
            error.agent_reason(),
            Some(
                ErrorCode::InvalidParams
                    | ErrorCode::InvalidRequest
                    | ErrorCode::ParseError
                    | ErrorCode::MethodNotFound
                    | ErrorCode::VersionNotSupported
                    | ErrorCode::ExtensionSupportRequired
                    | ErrorCode::ContentTypeNotSupported
                    | ErrorCode::Unauthenticated
                    | ErrorCode::PermissionDenied
            )
        ),
    }
}
