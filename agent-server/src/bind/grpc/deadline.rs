//! How long a caller waits for the whole of an answer: `grpc-timeout`.

use crate::limits::GRPC_TIMEOUT_MAX;
use agent_core::a2a::{A2aError, ErrorCode};
use axum::http::HeaderMap;
use std::time::Duration;
use tokio::time::Instant;
use tonic::Status;

/// When a caller stops to wait; never, if it does not say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    /// # Errors
    /// When there is a deadline and it is not one.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, A2aError> {
        let Some(said) = headers.get("grpc-timeout") else {
            return Ok(Self(None));
        };
        let wait = said.to_str().ok().and_then(duration).ok_or_else(|| {
            let text = "grpc-timeout is at most eight digits and one of H M S m u n";
            A2aError::new(ErrorCode::InvalidRequest, text).with_detail("bad_grpc_timeout")
        })?;
        Ok(Self(Some(Instant::now() + wait.min(GRPC_TIMEOUT_MAX))))
    }

    /// What `work` gives, if it gives it in time.
    ///
    /// # Errors
    /// `DEADLINE_EXCEEDED`. What was begun goes on: a task does not depend on who waits for it.
    pub(super) async fn within<T>(self, work: impl Future<Output = T>) -> Result<T, Status> {
        match self.0 {
            None => Ok(work.await),
            Some(at) => tokio::time::timeout_at(at, work)
                .await
                .map_err(|_| Status::deadline_exceeded("not in the time that was given")),
        }
    }
}

/// At most eight digits and a unit, as gRPC writes them.
fn duration(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number.saturating_mul(3_600)),
        "M" => Duration::from_secs(number.saturating_mul(60)),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_grpc_writes_and_nothing_else() {
        for (text, wait) in [
            ("1H", Duration::from_secs(3_600)),
            ("2M", Duration::from_secs(120)),
            ("99999999S", Duration::from_secs(99_999_999)),
            ("5m", Duration::from_millis(5)),
            ("5u", Duration::from_micros(5)),
            ("0n", Duration::ZERO),
        ] {
            assert_eq!(duration(text), Some(wait), "{text}");
        }
        for text in [
            "",
            "S",
            "1",
            "1s",
            "+1S",
            "-1S",
            "123456789S",
            "1 S",
            "1€",
            "１S",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
