//! A JSON-RPC response, and what a peer can read in it.

use serde_json::Value;

/// A JSON-RPC response.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer(pub Value);

impl Answer {
    /// Reads a response.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn of(body: &str) -> Self {
        let value: Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {body}"));
        assert_eq!(value["jsonrpc"], "2.0", "{body}");
        Self(value)
    }

    /// The JSON-RPC error's number; 0 when there is none.
    #[must_use]
    pub fn number(&self) -> i64 {
        self.0["error"]["code"].as_i64().unwrap_or(0)
    }

    /// What people are told of the error.
    #[must_use]
    pub fn message(&self) -> &str {
        self.0["error"]["message"].as_str().unwrap_or("")
    }

    /// The reason in the error's `ErrorInfo`.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.info()["reason"].as_str().unwrap_or("")
    }

    /// The finer code in the error's `ErrorInfo`.
    #[must_use]
    pub fn code(&self) -> &str {
        self.info()["metadata"]["code"].as_str().unwrap_or("")
    }

    fn info(&self) -> &Value {
        let details = self.0["error"]["data"].as_array();
        let info = details.and_then(|details| {
            details.iter().find(|d| {
                d["@type"]
                    .as_str()
                    .is_some_and(|t| t.ends_with("ErrorInfo"))
            })
        });
        info.unwrap_or(&Value::Null)
    }

    /// The fields that are wrong.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        let details = self.0["error"]["data"].as_array().into_iter().flatten();
        let violations = details.filter_map(|detail| detail["fieldViolations"].as_array());
        violations
            .flatten()
            .filter_map(|violation| violation["field"].as_str())
            .collect()
    }

    /// The task.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn task(&self) -> &Value {
        let result = self
            .0
            .get("result")
            .unwrap_or_else(|| panic!("no task: {}", self.0));
        result.get("task").unwrap_or(result)
    }

    /// The task's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.task()["id"].as_str().unwrap()
    }

    /// The task's state, without its prefix.
    #[must_use]
    pub fn state(&self) -> &str {
        let state = self.task()["status"]["state"].as_str().unwrap();
        state.trim_start_matches("TASK_STATE_")
    }

    /// What the skill answered.
    #[must_use]
    pub fn said(&self) -> &str {
        let artifacts = self.task()["artifacts"].as_array().unwrap();
        artifacts.last().unwrap()["parts"][0]["data"]["text"]
            .as_str()
            .unwrap()
    }

    /// The text of the status.
    #[must_use]
    pub fn text(&self) -> &str {
        self.task()["status"]["message"]["parts"][0]["text"]
            .as_str()
            .unwrap_or("")
    }

    fn metadata(&self) -> &Value {
        &self.task()["status"]["message"]["metadata"]
    }

    /// Why a payment was not taken, or void in the end.
    #[must_use]
    pub fn payment_error(&self) -> &str {
        self.metadata()["x402.payment.error"].as_str().unwrap_or("")
    }

    /// What became of the payment.
    #[must_use]
    pub fn payment_status(&self) -> &str {
        self.metadata()["x402.payment.status"]
            .as_str()
            .unwrap_or("")
    }

    /// What the seller asks for.
    #[must_use]
    pub fn required(&self) -> &Value {
        &self.metadata()["x402.payment.required"]
    }

    /// The channel as the seller counts it, where it corrects a buyer.
    #[must_use]
    pub fn channel(&self) -> &Value {
        &self.required()["extensions"]["z402"]["info"]["channel"]
    }

    /// The receipt.
    #[must_use]
    pub fn receipt(&self) -> &Value {
        &self.metadata()["x402.payment.receipts"][0]
    }

    /// What the receipt says was charged.
    ///
    /// # Panics
    /// When there is no receipt.
    #[must_use]
    pub fn charged(&self) -> u128 {
        let charged = self.receipt()["extra"]["chargedAmount"].as_str();
        charged
            .unwrap_or_else(|| panic!("no receipt: {}", self.0))
            .parse()
            .unwrap()
    }
}
