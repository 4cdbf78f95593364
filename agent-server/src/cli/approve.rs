//! Asking the person at the terminal.

use agent_client::wallet::{ApprovalRequest, Approver, Deciding, Decision};
use agent_core::money::AssetTable;
use std::io::{self, BufRead, IsTerminal, Write};

/// Longest line that is read as an answer.
const ANSWER_BYTES_MAX: u64 = 64;

/// Asks on standard error and reads the answer from standard input.
#[derive(Debug)]
pub(super) struct AtTerminal {
    assets: AssetTable,
}

impl AtTerminal {
    /// Only where somebody sits at both ends: a pipe has nobody who could say yes.
    pub(super) fn if_there(assets: AssetTable) -> Option<Self> {
        let there = io::stdin().is_terminal() && io::stderr().is_terminal();
        there.then_some(Self { assets })
    }
}

impl Approver for AtTerminal {
    fn decide<'a>(&'a self, request: &'a ApprovalRequest) -> Deciding<'a> {
        let amount = super::show::amount(&self.assets, request.asset, request.max);
        let question = format!(
            "pay at most {amount} on {} to {} for {} at {}? [yes/no] ",
            request.asset.network, request.payee, request.skill, request.resource
        );
        Box::pin(async move {
            let (said, hears) = tokio::sync::oneshot::channel();
            // A thread of its own: the runtime would wait at its end for a line that never comes.
            std::thread::spawn(move || {
                let answer = ask(&question, &mut io::stderr(), io::stdin().lock());
                let _nobody_waits_any_more = said.send(answer);
            });
            match hears.await {
                Ok(true) => Decision::Approved,
                _ => Decision::Refused,
            }
        })
    }
}

/// Only a whole `yes` is one: nobody types it by accident.
fn ask(question: &str, out: &mut impl Write, answers: impl BufRead) -> bool {
    let mut line = String::new();
    let asked = out
        .write_all(question.as_bytes())
        .and_then(|()| out.flush())
        .and_then(|()| answers.take(ANSWER_BYTES_MAX).read_line(&mut line));
    asked.is_ok() && line.trim() == "yes" && line.ends_with('\n')
}

#[cfg(test)]
mod tests {
    use super::ask;

    #[test]
    fn only_a_whole_yes_is_one() {
        let says = |answer: &str| ask("pay? ", &mut Vec::new(), answer.as_bytes());
        assert!(says("yes\n"));
        for no in ["", "y\n", "no\n", "yes", "yes please\n", "\n", "YES\n"] {
            assert!(!says(no), "{no:?}");
        }
    }
}
