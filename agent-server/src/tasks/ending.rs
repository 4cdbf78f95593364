//! What the outcome of a run means: a task state, a ledger action and a receipt.

use super::draft::stream_event;
use super::engine::{Engine, Resume, Showing};
use super::faults::unserialisable;
use super::live::{Ended, LiveTask};
use super::settling::Finished;
use crate::gate::{Charged, Gate};
use crate::modes::as_text;
use agent_core::a2a::{Artifact, Message, Part, TaskState};
use agent_core::json::{Json, Metadata};
use agent_core::ledger::{Reserved, Source};
use agent_core::money::BaseUnits;
use agent_core::skill::{Done, Outcome, Stop};
use agent_core::x402::keys;
use agent_core::x402::offer::ReceiptResource;
use agent_core::x402::receipt::Receipt;

/// What is not paid for with a transfer, as it was.
type Untouched = (Option<Reserved>, Outcome<Json>);

/// What an outcome means for the task and for the ledger.
struct Ending {
    state: TaskState,
    said: Option<(String, Metadata)>,
    artifact: Option<Artifact>,
    resume: Option<Json>,
    action: Action,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    Post(BaseUnits),
    Void,
    Park,
}

impl Engine {
    /// Turns the outcome into a state and a ledger action, and stores both at once.
    pub(super) async fn finish(
        &self,
        live: &LiveTask,
        outcome: Outcome<Json>,
        resume: Resume,
        reserved: Option<Reserved>,
        charge: Option<BaseUnits>,
    ) {
        let outcome = match outcome {
            Ok(done) if done.as_message && reserved.is_none() && may_be_message(live) => {
                let message = direct(live, &done, &resume.accepts).map_err(unserialisable);
                let ended = message.map_or_else(Ended::Lost, Ended::Direct);
                self.live.remove(live);
                return live.end(Vec::new(), ended);
            }
            outcome => outcome,
        };
        if live.showing() == Showing::WithFirstEvent
            && !live.is_public()
            && let Err(error) = self.announce(live).await
        {
            return live.end(Vec::new(), Ended::Lost(error));
        }
        let (reserved, outcome) = match self.transferred(live, reserved, outcome, &resume, charge) {
            Ok((gate, reserved, finished)) => {
                return self.settle(live, gate, reserved, finished).await;
            }
            Err(other) => *other,
        };
        let ending = match self
            .ending(outcome, &resume, reserved.as_ref(), charge)
            .await
        {
            Ok(ending) => ending,
            Err(error) => {
                tracing::error!(task = live.id(), %error, "a task's end cannot be written as JSON");
                live.end(Vec::new(), Ended::Lost(unserialisable(error)));
                return;
            }
        };
        let now = self.clock.now_unix_millis();
        let (state, action) = (ending.state, ending.action);
        let written = live.edit(|draft| {
            let mut events: Vec<_> = draft.take_pending().into_iter().collect();
            // Nobody knows the id of a task that is not public: there is no one to read its events.
            let public = live.is_public();
            if let Some(artifact) = ending.artifact {
                let event = draft.artifact_event(artifact, false, true);
                let seq = draft.next_seq();
                if public {
                    events.push((seq, stream_event("artifactUpdate", &event)?));
                }
            }
            draft.set_status(state, ending.said, now);
            let seq = draft.next_seq();
            if public {
                events.push((seq, stream_event("statusUpdate", &draft.status_event())?));
            }
            let last = events.clone();
            let events = if public { events } else { Vec::new() };
            let write = draft.write(events, ending.resume)?;
            Ok::<_, serde_json::Error>((last, write))
        });
        match written {
            Ok((last, write)) => self.resolve(live, reserved, action, last, write).await,
            Err(error) => live.end(Vec::new(), Ended::Lost(unserialisable(error))),
        }
    }

    /// The receipt of a paid task; nothing for an unpaid one.
    pub(super) async fn receipt(
        &self,
        reserved: Option<&Reserved>,
        charged: Charged<'_>,
    ) -> Result<Metadata, serde_json::Error> {
        match (reserved, &self.gate) {
            (Some(reserved), Some(gate)) => gate.receipt_for(reserved, charged).await,
            _ => Ok(Metadata::new()),
        }
    }

    /// Signs the receipt, for who wants that and paid something.
    fn sign_receipt(
        &self,
        metadata: &mut Metadata,
        resume: &Resume,
        reserved: Option<&Reserved>,
        charge: BaseUnits,
    ) -> Result<(), serde_json::Error> {
        let parts = (reserved, resume.receipt, &self.gate, &self.notary);
        let (Some(reserved), Some(payer), Some(gate), Some(notary)) = parts else {
            return Ok(());
        };
        let Ok(charged) = reserved.charged().plus(charge) else {
            return Ok(());
        };
        if charged.is_zero() {
            return Ok(());
        }
        let resource = ReceiptResource {
            skill: resume.skill.clone(),
            payment_id: reserved.payment_id().clone(),
            charged,
        };
        let network = gate.terms().asset.network.to_string();
        let now = self.clock.now_unix_secs();
        let receipt = Receipt::new(network, &resource, payer, now);
        notary.attach(metadata, receipt)
    }

    /// Takes what is paid for with a transfer out of the usual way, if there is something to charge:
    /// a transfer is made before the result is shown.
    fn transferred(
        &self,
        live: &LiveTask,
        reserved: Option<Reserved>,
        outcome: Outcome<Json>,
        resume: &Resume,
        charge: Option<BaseUnits>,
    ) -> Result<(&Gate, Reserved, Finished), Box<Untouched>> {
        let free = charge.is_some_and(BaseUnits::is_zero);
        match (&self.gate, reserved, outcome) {
            (Some(gate), Some(reserved), Ok(Done { output, note, .. }))
                if matches!(reserved.source(), Source::Transfer(_)) && !free =>
            {
                let finished = live.edit(|draft| Finished {
                    task: draft.task.clone(),
                    seq: draft.seq,
                    owner: draft.owner.clone(),
                    artifact: result(output, &resume.accepts),
                    note,
                    public: live.is_public(),
                    pending: draft.take_pending(),
                });
                Ok((gate, reserved, finished))
            }
            (_, reserved, outcome) => Err(Box::new((reserved, outcome))),
        }
    }

    async fn ending(
        &self,
        outcome: Outcome<Json>,
        resume: &Resume,
        reserved: Option<&Reserved>,
        charge: Option<BaseUnits>,
    ) -> Result<Ending, serde_json::Error> {
        let void = async |state, code, text: String| {
            let sliced = reserved.is_some_and(|reserved| !reserved.charged().is_zero());
            let charged = match sliced {
                // What was delivered was paid for, whatever came of the rest.
                true => Charged::Amount(BaseUnits::ZERO),
                false => Charged::Nothing(code, text.as_str()),
            };
            let mut metadata = self.receipt(reserved, charged).await?;
            if sliced {
                metadata.set(keys::ERROR, code)?;
            }
            note_meter(&mut metadata, resume, reserved)?;
            let said = Some((text, metadata));
            Ok(Ending {
                state,
                said,
                artifact: None,
                resume: None,
                action: Action::Void,
            })
        };
        let waits = match outcome {
            Err(Stop::NeedAuth(_)) => TaskState::AuthRequired,
            _ => TaskState::InputRequired,
        };
        match outcome {
            Ok(Done { output, note, .. }) => {
                let artifact = result(output, &resume.accepts);
                let charge = charge.unwrap_or(BaseUnits::ZERO);
                let mut metadata = self.receipt(reserved, Charged::Amount(charge)).await?;
                self.sign_receipt(&mut metadata, resume, reserved, charge)?;
                note_meter(&mut metadata, resume, reserved)?;
                let said = (note.is_some() || !metadata.is_empty())
                    .then(|| (note.unwrap_or_else(|| "done".to_owned()), metadata));
                let action = Action::Post(charge);
                Ok(Ending {
                    state: TaskState::Completed,
                    said,
                    artifact,
                    resume: None,
                    action,
                })
            }
            Err(Stop::NeedInput(text) | Stop::NeedAuth(text)) => {
                let said = Some((text, Metadata::new()));
                let resume = Some(Json::from_value(resume)?);
                let action = Action::Park;
                Ok(Ending {
                    state: waits,
                    said,
                    artifact: None,
                    resume,
                    action,
                })
            }
            Err(Stop::Rejected(why)) => void(TaskState::Rejected, "rejected", why).await,
            Err(Stop::Canceled) => {
                void(TaskState::Canceled, "canceled", "canceled".to_owned()).await
            }
            Err(Stop::Failed(why)) => void(TaskState::Failed, "failed", why).await,
            Err(_) => void(TaskState::Failed, "failed", "the skill stopped".to_owned()).await,
        }
    }
}

/// Says where the meter of a metered task stands.
fn note_meter(
    metadata: &mut Metadata,
    resume: &Resume,
    reserved: Option<&Reserved>,
) -> Result<(), serde_json::Error> {
    match (&resume.metered, reserved) {
        (Some(metered), Some(reserved)) if !reserved.charged().is_zero() => {
            metadata.set(keys::METERED, &metered.note(reserved.charged()))
        }
        _ => Ok(()),
    }
}

/// Whether a message can be the answer: nothing was said of a task yet.
fn may_be_message(live: &LiveTask) -> bool {
    live.showing() != Showing::AtOnce && live.is_silent()
}

/// The message that answers instead of a task.
fn direct(
    live: &LiveTask,
    done: &Done<Json>,
    accepts: &[String],
) -> Result<Json, serde_json::Error> {
    let text = as_text(&done.output, accepts).or_else(|| done.output.parse::<String>().ok());
    let mut parts: Vec<Part> = done
        .note
        .iter()
        .map(|note| Part::text(note.as_str()))
        .collect();
    match text {
        Some(text) => parts.push(Part::text(text)),
        None if is_nothing(&done.output) => {}
        None => parts.push(Part::data(done.output.clone())),
    }
    if parts.is_empty() {
        parts.push(Part::text("done"));
    }
    let mut message = Message::agent(Part::text("")).in_context(live.task().context_id);
    message.parts = parts;
    Json::from_value(&message)
}

/// The artifact of a result; none for `()`, whose artifacts came before the end, if at all.
fn result(output: Json, accepts: &[String]) -> Option<Artifact> {
    if is_nothing(&output) {
        return None;
    }
    let part = as_text(&output, accepts).map_or_else(|| Part::data(output), Part::text);
    Some(Artifact::new("result", vec![part]))
}

fn is_nothing(output: &Json) -> bool {
    output.get() == "null"
}
