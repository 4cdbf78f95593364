//! What an answer of a webhook means, and how long to wait after one that failed.

use super::limits::{RETRY_AFTER_MAX, RETRY_FIRST, RETRY_MAX};
use crate::store::Attempt;
use agent_client::egress::{EgressError, Head};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// What became of one attempt.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) attempt: Attempt,
    /// For the log: a status, or the code of an error. Nothing that the peer wrote.
    pub(super) why: String,
    /// How long the webhook asks to be left alone.
    pub(super) asked: Option<Duration>,
}

pub(super) fn judge(answer: Result<Head, EgressError>) -> Verdict {
    match answer {
        Ok(head) => {
            let attempt = of_status(head.status);
            let asked = retry_after(&head.headers).filter(|_| attempt == Attempt::Failed);
            Verdict {
                attempt,
                why: head.status.as_u16().to_string(),
                asked,
            }
        }
        Err(error) => Verdict {
            attempt: of_error(&error),
            why: error.code().to_owned(),
            asked: None,
        },
    }
}

fn of_status(status: StatusCode) -> Attempt {
    match status {
        status if status.is_success() => Attempt::Delivered,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Attempt::Failed,
        status if status.is_server_error() => Attempt::Failed,
        // Redirects too: where they lead nobody has vouched for.
        _ => Attempt::Refused,
    }
}

const fn of_error(error: &EgressError) -> Attempt {
    match error {
        // A name of the public Internet that leads into a private network is an attack or a
        // mistake, and to try again helps neither.
        EgressError::Forbidden { .. } | EgressError::NotHttps { .. } | EgressError::BadUrl(_) => {
            Attempt::Forbidden
        }
        _ => Attempt::Failed,
    }
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3). One with a date is passed over: our own pause does.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// The pause after so many failures in a row: twice as long each time, and by `dice` up to a half
/// shorter, so that webhooks that failed together do not all come back together.
pub(super) fn pause(failures: u32, dice: u64) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    let whole = RETRY_FIRST
        .saturating_mul(1_u32 << doublings)
        .min(RETRY_MAX);
    let half = whole / 2;
    let millis = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
    whole - Duration::from_millis(dice % millis.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> Verdict {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        judge(Ok(Head { status, headers }))
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_will_not_is_given_up() {
        for (attempt, statuses) in [
            (Attempt::Delivered, vec![200, 201, 202, 204, 299]),
            (Attempt::Failed, vec![408, 429, 500, 502, 503, 504, 599]),
            (
                Attempt::Refused,
                vec![301, 302, 307, 308, 400, 401, 403, 404, 410, 418],
            ),
        ] {
            for status in statuses {
                assert_eq!(answer(status, None).attempt, attempt, "{status}");
            }
        }
    }

    #[test]
    fn a_webhook_may_ask_for_a_pause_but_not_for_ever() {
        assert_eq!(answer(429, Some("7")).asked, Some(Duration::from_secs(7)));
        assert_eq!(
            answer(503, Some("99999999999")).asked,
            Some(RETRY_AFTER_MAX)
        );
        for nothing in ["-1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", ""] {
            assert_eq!(answer(429, Some(nothing)).asked, None, "{nothing}");
        }
        assert_eq!(answer(200, Some("7")).asked, None);
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_differ() {
        for failures in 0..200 {
            for dice in [0, 1, 12_345, u64::MAX] {
                let pause = pause(failures, dice);
                assert!(pause <= RETRY_MAX && pause >= RETRY_FIRST / 2, "{pause:?}");
            }
        }
        assert_eq!(pause(1, 0), RETRY_FIRST);
        assert_eq!(pause(2, 0), RETRY_FIRST * 2);
        assert_eq!(pause(200, 0), RETRY_MAX);
        assert_ne!(pause(5, 1), pause(5, 2));
    }
}
