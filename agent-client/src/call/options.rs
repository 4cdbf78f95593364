//! How another agent is called.

use std::sync::Arc;
use std::time::Duration;

use agent_core::a2a::Version;

use super::intercept::Interceptor;
use super::transport::{Binding, Wire};
use super::trust::CardTrust;

/// How another agent is called: what to speak, how long to wait, what to add to each request.
///
/// ```
/// # use agent_client::call::{Bearer, Binding, CallOptions};
/// # use std::{sync::Arc, time::Duration};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let token = Bearer::new(&"https://agent.example".parse()?, "…".into())?;
/// let options = CallOptions::default()
///     .over(Binding::HttpJson)
///     .within(Duration::from_secs(20))
///     .with(Arc::new(token));
/// # drop(options); Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    pub(super) binding: Option<Binding>,
    pub(super) version: Option<Version>,
    pub(super) wait: Option<Duration>,
    pub(super) cut_is_final: bool,
    pub(super) extensions: Vec<String>,
    pub(super) interceptors: Vec<Arc<dyn Interceptor>>,
    pub(super) trust: CardTrust,
}

impl CallOptions {
    /// Speaks this binding or none. Has no effect on an agent that is already connected.
    #[must_use]
    pub const fn over(mut self, binding: Binding) -> Self {
        self.binding = Some(binding);
        self
    }

    /// Speaks this version or none, rather than the newest that both know (A2A §3.6.3). Has no
    /// effect on an agent that is already connected.
    #[must_use]
    pub const fn in_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    /// Whose signature under the card counts. Has no effect on an agent that is already connected.
    #[must_use]
    pub fn trusting(mut self, trust: CardTrust) -> Self {
        self.trust = trust;
        self
    }

    /// Waits so long for each answer, and for the beginning of each stream, in place of what the
    /// operation asks for. Each repetition waits anew.
    #[must_use]
    pub const fn within(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    /// Gives streams that are cut as errors, and does not resume them.
    #[must_use]
    pub const fn without_resuming(mut self) -> Self {
        self.cut_is_final = true;
        self
    }

    /// Declares one more extension in each request (A2A §4.6), besides that for payments.
    #[must_use]
    pub fn declaring(mut self, extension: impl Into<String>) -> Self {
        self.extensions.push(extension.into());
        self
    }

    /// Adds an interceptor. They are asked in the order in which they were added, and of two that
    /// set the same header the later wins.
    #[must_use]
    pub fn with(mut self, interceptor: Arc<dyn Interceptor>) -> Self {
        self.interceptors.push(interceptor);
        self
    }

    /// Whether this wire may be spoken.
    pub(super) fn allow(&self, wire: Wire) -> bool {
        self.binding.is_none_or(|binding| binding == wire.binding)
            && self.version.is_none_or(|version| version == wire.version)
    }
}
