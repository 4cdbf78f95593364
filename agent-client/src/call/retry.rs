//! What may be sent twice, and how often.

use std::time::Duration;

use super::{CallError, limits};
use crate::egress::EgressError;

/// Whether the same request may arrive twice without harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It reads, or it carries a payment id under which the other side answers it once.
    Safe,
    /// It does something each time it arrives: repeated only when it was never sent.
    Unsafe,
}

impl Repeat {
    fn allows(self, error: &CallError) -> bool {
        error.is_passing() && (self == Self::Safe || error.is_unsent())
    }
}

/// Runs `attempt` until it succeeds, fails for good, or was tried `attempts` times.
///
/// Once an attempt may have arrived, a later one that certainly did not says nothing about it: the
/// error is then that of the one that may have.
pub(super) async fn repeat<T, F>(
    repeat: Repeat,
    attempts: u32,
    mut attempt: impl FnMut() -> F,
) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let mut pause = limits::RETRY_PAUSE;
    let mut left = attempts;
    let mut lost = None;
    loop {
        left = left.saturating_sub(1);
        let error = match attempt().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if left == 0 || !repeat.allows(&error) {
            return Err(if error.is_unsent() {
                lost.unwrap_or(error)
            } else {
                error
            });
        }
        if matches!(error, CallError::Egress(EgressError::Timeout)) {
            // A whole wait is gone; one more is all that a caller can be asked for.
            left = left.min(1);
        }
        tracing::debug!(code = error.code(), left, "sending the request again");
        if !error.is_unsent() {
            lost = Some(error);
        }
        tokio::time::sleep(jittered(pause)).await;
        pause = pause.saturating_mul(4).min(limits::RETRY_PAUSE_MAX);
    }
}

/// Between half of the pause and all of it, so that many callers do not come back at once.
pub(super) fn jittered(pause: Duration) -> Duration {
    let half = pause / 2;
    let random = uuid::Uuid::new_v4().as_u64_pair().0 % 1_024;
    let more = half.saturating_mul(u32::try_from(random).unwrap_or(0)) / 1_024;
    half.saturating_add(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_may_have_arrived_is_not_forgotten_when_the_agent_goes_away() {
        let mut answers = vec![
            EgressError::Connect("refused".to_owned()),
            EgressError::Timeout,
        ];
        let attempt = || {
            let answer = answers.pop().map(CallError::from).unwrap();
            async move { Err::<(), _>(answer) }
        };
        let error = repeat(Repeat::Safe, 6, attempt).await.unwrap_err();
        assert!(error.is_lost() && !error.is_unsent(), "{error:?}");
        assert!(
            answers.is_empty(),
            "one more attempt after a whole wait, and no third"
        );
    }
}
