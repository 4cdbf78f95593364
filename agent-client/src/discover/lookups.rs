//! What an agent leads to: its file, its card, its domain's word.

use std::sync::Arc;

use agent_core::trust::{GlobalAgentId, MAX_REGISTRATION_BYTES, RegistrationFile};
use agent_core::untrusted::shorten;

use super::files;
use super::finder::Discovery;
use super::index::Record;
use crate::call::{CallOptions, RemoteAgent};

/// Where an agent's domain names the agent (EIP-8004, "Endpoint Domain Verification").
const DOMAIN_FILE: &str = "/.well-known/agent-registration.json";

impl Discovery {
    /// The registration file, if it names the agent back. Whoever has no file of his own could
    /// otherwise point at somebody else's.
    pub(super) async fn file(
        &self,
        agent: &GlobalAgentId,
        record: &Record,
    ) -> Result<Arc<RegistrationFile>, String> {
        if record.uri.is_empty() {
            return Err("it has no registration file".to_owned());
        }
        let file = match self.files.get(&record.uri) {
            Some(file) => file,
            None => {
                let file = self.read_file(&record.uri).await;
                match &file {
                    Ok(_) => self.files.put(&record.uri, file.clone()),
                    Err(_) => self.files.put_failure(&record.uri, file.clone()),
                }
                file
            }
        }?;
        if file.names_agent(agent) {
            Ok(file)
        } else {
            Err("its file is about another".to_owned())
        }
    }

    async fn read_file(&self, uri: &str) -> Result<Arc<RegistrationFile>, String> {
        let bytes = files::fetch(&self.egress, uri, MAX_REGISTRATION_BYTES).await?;
        let read = RegistrationFile::read(&bytes).map_err(|error| error.to_string())?;
        Ok(Arc::new(read.file))
    }

    pub(super) async fn card(&self, file: &RegistrationFile) -> Result<RemoteAgent, String> {
        let url = file.a2a_card_url().ok_or("its file names no A2A service")?;
        if let Some(card) = self.cards.get(url.as_str()) {
            return card;
        }
        let options = CallOptions::default().trusting(self.card_trust.clone());
        let card = RemoteAgent::connect_with(&self.egress, url.as_str(), options)
            .await
            .map_err(|error| shorten(&error.to_string()));
        match &card {
            Ok(_) => self.cards.put(url.as_str(), card.clone()),
            Err(_) => self.cards.put_failure(url.as_str(), card.clone()),
        }
        card
    }

    /// Whether the domain that is called names the agent.
    pub(super) async fn domain(&self, agent: &GlobalAgentId, remote: &RemoteAgent) -> bool {
        let Ok(url) = remote.endpoint().join(DOMAIN_FILE) else {
            return false;
        };
        let name = format!("{agent} {url}");
        if let Some(known) = self.domains.get(&name) {
            return known;
        }
        let names = match files::fetch(&self.egress, url.as_str(), MAX_REGISTRATION_BYTES).await {
            Ok(bytes) => {
                RegistrationFile::read(&bytes).is_ok_and(|read| read.file.names_agent(agent))
            }
            Err(_) => false,
        };
        if names {
            self.domains.put(&name, names);
        } else {
            self.domains.put_failure(&name, names);
        }
        names
    }
}
