//! What a seller's task says: about the payment, and in answer.

use agent_core::a2a::{Artifact, Message, Part, PartContent, Task, TaskState, TaskStatus};
use agent_core::json::{Json, Metadata};
use agent_core::ledger::PaymentId;
use agent_core::untrusted::{Untrusted, shorten};
use agent_core::x402::{
    MeterNote, PaymentRequired, PaymentStatus, QuoteNotes, SettleResponse, WireChannel,
    Z402Receipt, keys,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Receipts of one message that are looked at; a payment has a few attempts at most.
const RECEIPTS_MAX: usize = 64;

/// Views on a task from a stranger. What does not parse counts as absent: the money rules then take
/// the careful side.
pub(super) struct Reading<'a>(pub(super) &'a Task);

impl Reading<'_> {
    fn metadata(&self) -> Option<&Metadata> {
        self.0
            .status
            .message
            .as_ref()
            .map(|message| &message.metadata)
    }

    /// The receipt for this payment: the last that names it, else the last of all, which is then
    /// for the wallet to judge.
    pub(super) fn receipt(&self, payment: &PaymentId) -> Option<SettleResponse> {
        let receipts: Vec<SettleResponse> = self.metadata()?.parse(keys::RECEIPTS).ok()??;
        let names = |receipt: &&SettleResponse| {
            let extra = receipt.extra.parse::<Z402Receipt>();
            extra.is_ok_and(|extra| extra.payment_id == payment.as_str())
        };
        let mut latest = receipts.iter().rev().take(RECEIPTS_MAX);
        latest
            .clone()
            .find(names)
            .or_else(|| latest.next())
            .cloned()
    }

    /// The seller's code for what is wrong.
    pub(super) fn error(&self) -> Option<String> {
        self.metadata()?.parse(keys::ERROR).ok()?
    }

    /// Whether the seller says that it did not take the payment.
    pub(super) fn says_not_paid(&self) -> bool {
        let status = self.metadata().map(|metadata| metadata.parse(keys::STATUS));
        let not_taken = [PaymentStatus::PaymentRequired, PaymentStatus::PaymentFailed];
        matches!(status, Some(Ok(Some(status))) if not_taken.contains(&status))
    }

    /// What the seller wants to be paid.
    pub(super) fn required(&self) -> Option<PaymentRequired> {
        self.metadata()?.parse(keys::REQUIRED).ok()?
    }

    /// Where the meter of the task stands.
    pub(super) fn meter(&self) -> Option<MeterNote> {
        self.metadata()?.parse(keys::METERED).ok()?
    }

    /// What the seller says of its quotes.
    pub(super) fn quote_notes(&self) -> Option<QuoteNotes> {
        self.metadata()?.parse(keys::QUOTE).ok()?
    }

    /// The seller's words.
    pub(super) fn words(&self) -> Untrusted {
        let text = self.0.status.message.as_ref().map(Message::text);
        Untrusted::new(text.unwrap_or_default())
    }

    /// The output: the data of the last artifact that has some, or its text.
    pub(super) fn output<Out: DeserializeOwned>(&self) -> Result<Out, Untrusted> {
        let quoted = |error: serde_json::Error| Untrusted::new(error.to_string());
        let mut parts = self
            .0
            .artifacts
            .iter()
            .rev()
            .flat_map(|artifact| artifact.parts.iter());
        if let Some(data) = parts.clone().find_map(Part::as_data) {
            return data.parse().map_err(quoted);
        }
        match parts.find_map(Part::as_text) {
            Some(text) => Json::from_value(text)
                .and_then(|json| json.parse())
                .map_err(quoted),
            None => Err(Untrusted::new("the task has no output".to_owned())),
        }
    }
}

/// The seller's count of the channel in a refusal.
pub(crate) fn correction(required: &PaymentRequired) -> Option<WireChannel> {
    #[derive(Deserialize)]
    struct Extension {
        info: Info,
    }
    #[derive(Deserialize)]
    struct Info {
        channel: WireChannel,
    }
    let extension: Extension = required.extensions.parse("z402").ok()??;
    Some(extension.info.channel)
}

/// An answer without a task, as the task it would have been.
pub(super) fn as_task(message: Message) -> Task {
    let parts: Vec<Part> = message
        .parts
        .iter()
        .filter(|part| !matches!(part.content, PartContent::Url(_)))
        .cloned()
        .collect();
    Task {
        id: message.task_id.clone(),
        context_id: message.context_id.clone(),
        artifacts: vec![Artifact::new("message", parts)],
        status: TaskStatus::new(TaskState::Completed).with_message(message),
        ..Task::default()
    }
}

/// A stranger's code, made fit for a comparison and a log.
pub(super) fn code(text: Option<String>) -> Untrusted {
    Untrusted::new(shorten(&text.unwrap_or_default()))
}
