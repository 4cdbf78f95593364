//! Work that is often done before it would be under way.

use std::pin::Pin;
use std::task::Poll;

/// Polls the work once. What is not done then comes back, to become a task of the runtime: until
/// it has, whoever called this must not wait for anything, or the work ends with its caller.
///
/// Most calls are done in one go, and a task of the runtime, with its memory, its queue and its
/// wake-ups, costs as much as all else in a short one.
pub(crate) async fn once<F: Future>(mut work: Pin<Box<F>>) -> Result<F::Output, Pin<Box<F>>> {
    match futures_util::poll!(work.as_mut()) {
        Poll::Ready(done) => Ok(done),
        Poll::Pending => Err(work),
    }
}
