//! Paying plain HTTP routes: a request, a 402, a payment, the answer.
//!
//! ```no_run
//! # use agent_client::{buyer::Buyer, pay::PayingClient};
//! # async fn read(buyer: Buyer) -> Result<(), Box<dyn std::error::Error>> {
//! let client = PayingClient::new(buyer.egress().clone(), buyer.wallet().clone());
//! let answer = client.get("https://example.com/weather").await?;
//! println!("{} for {:?}", answer.status, answer.payment);
//! # Ok(())
//! # }
//! ```
//!
//! | what | how |
//! |---|---|
//! | versions | x402 v2 (`PAYMENT-REQUIRED`, `PAYMENT-SIGNATURE`, `PAYMENT-RESPONSE`) and v1 (body, `X-PAYMENT`, `X-PAYMENT-RESPONSE`) |
//! | schemes | the wallet's, in the order of [`PayingClient::schemes`] |
//! | round trips | the terms of a route are remembered, so later calls with vouchers pay in the first request |
//! | drift | terms that changed to our disadvantage after they were remembered are refused; [`PayingClient::forget`] lets them be taken |
//! | redirects | are never followed |
//! | lost answers | the same payment is sent once more where that is safe, and stays counted if nothing comes of it |
//!
//! Not guaranteed: that what is paid for is delivered. The loss is at most what was signed for one
//! call; the wallet's books say what that is.

mod answer;
mod client;
mod error;
pub mod limits;
mod refund;
mod required;
mod routes;

pub use answer::{HttpPayment, PaidResponse};
pub use client::PayingClient;
pub use error::{Drift, PayError};
pub use refund::Refunded;
