//! Who is told that a payment was made.
//!
//! A server that works before it settles, and counts no payments itself, lets two requests with one
//! payment in: both verify, both are worked for, and both are delivered if both settle. So of all
//! that ask, one is told of success. That is the one whose call ends with it; where a call was cut
//! or answered with `settlement_pending`, the next takes its place.

use super::refusal::{Checked, No, Refusal};
use alloy_primitives::B256;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::limits::OWED_MAX;

/// Who asks for a payment to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// One that admits each payment once itself, and is told whenever it asks.
    Counts,
    /// One that may not, and the name that it gave its request, by which a repetition is known.
    Once(Option<B256>),
}

impl Asker {
    /// The name of its request.
    pub(super) const fn name(self) -> Option<B256> {
        match self {
            Self::Counts => None,
            Self::Once(name) => name,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// A call is at work on it.
    Held(Option<B256>),
    /// It was begun, and nobody was told how it ended.
    Owed,
}

/// The answers that are still to be given, by payment.
#[derive(Debug, Clone, Default)]
pub(super) struct Tickets(Arc<Mutex<BTreeMap<String, Answer>>>);

impl Tickets {
    /// Of payments that an earlier process began: nobody was told.
    pub(super) fn owed(payments: impl IntoIterator<Item = String>) -> Self {
        let owed = payments.into_iter().map(|key| (key, Answer::Owed));
        Self(Arc::new(Mutex::new(owed.collect())))
    }

    /// A place for one that asks; `taken` is what the others are told.
    pub(super) fn take(&self, key: &str, asker: Asker, taken: &'static str) -> Checked<Ticket> {
        let Asker::Once(name) = asker else {
            return Ok(Ticket::free());
        };
        self.with(|answers| {
            let is_owed = match answers.get(key) {
                Some(Answer::Held(held)) if name.is_some() && *held == name => {
                    return Ok(Ticket::free());
                }
                Some(Answer::Held(_)) => return Err(told_before(taken, None)),
                Some(Answer::Owed) => true,
                None => false,
            };
            answers.insert(key.to_owned(), Answer::Held(name));
            Ok(Ticket {
                held: Some((self.clone(), key.to_owned())),
                is_owed,
            })
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Answer>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What another is told that asks for the same payment.
pub(super) fn told_before(code: &'static str, transaction: Option<B256>) -> No {
    No::Refused(Refusal {
        code,
        message: Some("another request is told of this payment".to_owned()),
        transaction,
    })
}

/// The right to be told. Dropped before that, it goes to the next that asks.
#[derive(Debug)]
#[must_use = "who is told says so with `told`"]
pub(super) struct Ticket {
    held: Option<(Tickets, String)>,
    is_owed: bool,
}

impl Ticket {
    /// Of one that is told in any case.
    pub(super) const fn free() -> Self {
        Self {
            held: None,
            is_owed: true,
        }
    }

    /// Whether a payment that was begun before may be told of.
    pub(super) const fn is_owed(&self) -> bool {
        self.is_owed
    }

    /// A transaction may be made from here on: an answer is owed.
    pub(super) const fn begun(&mut self) {
        self.is_owed = true;
    }

    /// The answer is given.
    pub(super) fn told(mut self) {
        if let Some((tickets, key)) = self.held.take() {
            tickets.with(|answers| answers.remove(&key));
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some((tickets, key)) = self.held.take() else {
            return;
        };
        tickets.with(|answers| {
            answers.remove(&key);
            if self.is_owed {
                // Whose answer has no room is refused it: a payment made, and not told of.
                if answers.len() >= OWED_MAX {
                    answers.pop_first();
                }
                answers.insert(key, Answer::Owed);
            }
        });
    }
}
