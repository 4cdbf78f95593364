//! Plain HTTP that is paid for: a layer that puts a price on any axum route, and what answers with
//! it.
//!
//! ```no_run
//! # use agent_server::config::AgentConfig;
//! # use agent_server::paid::{PaidLayer, Till};
//! # use agent_core::price::Price;
//! # use axum::{Router, routing::get};
//! # async fn open(config: AgentConfig) -> Result<(), agent_server::Error> {
//! let till = Till::open(config).await?;
//! let price = PaidLayer::new(&till, Price::per_task("0.001 USDC"))?.describe("Today's report");
//! let app: Router = Router::new()
//!     .route("/report", get(|| async { "all is well" }))
//!     .layer(price);
//! # Ok(())
//! # }
//! ```
//!
//! | step | status |
//! |---|---|
//! | no payment | 402, the terms in `PAYMENT-REQUIRED` and, for x402 version 1, in the body |
//! | two payments, or one that cannot be read | 400 |
//! | a payment that is not taken | 402 with the reason and fresh terms |
//! | its id was used for another request | 409 |
//! | reserved, and the handler answered 2xx | charged and stored, then answered with `PAYMENT-RESPONSE` |
//! | reserved, and it answered otherwise, panicked or took too long | not charged |
//! | the same once more | the stored answer |
//! | our own fault | 503 with `Retry-After` |
//!
//! A payment is for one request: method, host, path, query, content type and body. Not for its other
//! headers, so an answer that depends on who is logged in does not belong behind this layer.

mod call;
pub(crate) mod desk;
pub(crate) mod header;
mod kept;
mod layer;
pub mod limits;
pub(crate) mod reply;
mod running;
mod till;

pub(crate) use call::is_recent;
pub use call::{Charge, PaidCall};
pub use layer::{PaidLayer, PaidService};
pub use till::{Till, TillBuilder};
