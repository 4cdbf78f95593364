//! A fake seller's goods, prices and takings.

use std::collections::BTreeMap;

use agent_client::settings::ChainSettings;
use agent_core::trust::GlobalAgentId;
use agent_core::voucher::CanonicalSignature;
use alloy_primitives::{Address, U256};
use serde_json::{Value, json};

use crate::call_fake::{Reply, Seen, card};

/// What a fake seller says and has taken; a test changes it at will.
pub struct Shelf {
    pub price: u128,
    pub pay_to: Address,
    pub skills: Vec<String>,
    pub identity: Option<GlobalAgentId>,
    pub payments: Vec<Value>,
}

impl Shelf {
    pub fn card(&self, base: &str, settings: &ChainSettings) -> Value {
        let mut card = card(base);
        let skill =
            |id: &String| json!({"id": id, "name": id, "description": id, "tags": ["text"]});
        card["skills"] = self.skills.iter().map(skill).collect();
        let prices: serde_json::Map<String, Value> = self
            .skills
            .iter()
            .map(|id| {
                (
                    id.clone(),
                    json!({"amount": self.price.to_string(), "unit": "task"}),
                )
            })
            .collect();
        let identity = self.identity.map(
            |agent| json!({"agentRegistry": agent.registry, "agentId": agent.agent_id.to_string()}),
        );
        card["capabilities"]["extensions"] = json!([{
            "uri": "urn:z402:a2a:v1",
            "params": {
                "x402Version": 2, "modes": ["z"], "schemes": ["z402"], "asset": settings.asset(),
                "payTo": self.pay_to, "contract": settings.escrow, "minDeadlineSeconds": 600,
                "maxInFlight": 32, "maxTimeoutSeconds": 5, "identity": identity, "skills": prices,
            },
        }]);
        card
    }

    pub fn sell(&mut self, seen: &Seen, settings: &ChainSettings) -> Reply {
        let payment = seen.json()["params"]["message"]["metadata"]["x402.payment.payload"].clone();
        let receipt = json!({
            "success": true, "mode": "z", "transaction": "",
            "network": settings.network().to_string(),
            "extra": {
                "paymentId": payment["extensions"]["payment-identifier"]["info"]["id"],
                "channelId": payment["payload"]["voucher"]["channelId"],
                "chargedAmount": self.price.to_string(),
            },
        });
        self.payments.push(payment);
        let metadata = json!({"x402.payment.status": "payment-completed",
            "x402.payment.receipts": [receipt]});
        seen.result(json!({"task": {
            "id": format!("task-{}", self.payments.len()), "contextId": "c",
            "status": {"state": "TASK_STATE_COMPLETED", "message": {"messageId": "m",
                "role": "ROLE_AGENT", "parts": [{"text": "done"}], "metadata": metadata}},
            "artifacts": [{"artifactId": "a", "parts": [{"data": {"text": "HI"}}]}],
        }}))
    }

    /// One packed row for each lock: payer, signer, salt, ceiling, claim, signature.
    pub fn rows(&self) -> Vec<u8> {
        let mut newest: BTreeMap<String, (u128, u128, Value)> = BTreeMap::new();
        for payment in &self.payments {
            let voucher = &payment["payload"]["voucher"];
            let channel = voucher["channelId"].as_str().expect("a channel").to_owned();
            let ceiling: u128 = voucher["maxClaimableAmount"]
                .as_str()
                .expect("text")
                .parse()
                .expect("a number");
            let row = newest.entry(channel).or_insert((0, 0, payment.clone()));
            row.1 += self.price;
            if ceiling > row.0 {
                (row.0, row.2) = (ceiling, payment.clone());
            }
        }
        let mut rows = Vec::new();
        for (ceiling, claim, payment) in newest.into_values() {
            let lock = &payment["payload"]["lock"];
            let address = |field: &str| lock[field].as_str().unwrap().parse::<Address>().unwrap();
            let salt: U256 = lock["salt"]
                .as_str()
                .expect("text")
                .parse()
                .expect("a salt");
            let signature = payment["payload"]["voucher"]["signature"]
                .as_str()
                .expect("text");
            let signature: CanonicalSignature = signature.parse().expect("canonical");
            rows.extend_from_slice(address("payer").as_slice());
            rows.extend_from_slice(address("signer").as_slice());
            rows.extend_from_slice(&salt.to_be_bytes::<32>()[20..]);
            rows.extend_from_slice(&ceiling.to_be_bytes());
            rows.extend_from_slice(&claim.to_be_bytes());
            rows.extend_from_slice(&signature.to_compact());
        }
        rows
    }
}
