//! Telling the other agent which larger piece of work a call belongs to.

use agent_core::trace::TraceContext;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::CallError;
use super::intercept::{Attempt, Interceptor};

/// Sends `traceparent` and `tracestate` (W3C Trace Context) with each request.
///
/// The context is sent as it is given: whoever keeps spans of its own gives the one that stands
/// for the calls to this agent. It goes wherever the calls go, so a `tracestate` should hold
/// nothing that the other agent may not know.
#[derive(Clone, Debug)]
pub struct Traced(TraceContext);

impl Traced {
    /// Sends this context.
    #[must_use]
    pub const fn new(context: TraceContext) -> Self {
        Self(context)
    }
}

impl Interceptor for Traced {
    fn before<'a>(
        &'a self,
        _: Attempt<'a>,
        headers: &'a mut HeaderMap,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        let parent = self.0.to_string();
        let given = [
            (TraceContext::PARENT_HEADER, parent.as_str()),
            (TraceContext::STATE_HEADER, self.0.state()),
        ];
        for (name, text) in given {
            if let (Ok(value), false) = (HeaderValue::from_str(text), text.is_empty()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        Box::pin(async { Ok(()) })
    }
}
