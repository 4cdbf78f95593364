//! What the schemes of x402 cost: `batch-settlement` on this project's stand-in for its contract, and
//! `exact` on the test token.

use crate::stage::{DAY_SECS, EACH, PAYEE, SENDER, Stage, account, payer_of, sign, word};
use crate::{BATCHES, Result};
use agent_client::chain::bindings::{IToken, TransferWithAuthorization};
use agent_devnet::CONTRACTS;
use alloy_primitives::{U256, aliases::U40, keccak256};
use alloy_sol_types::{SolStruct, SolValue};

use bindings::IX402BatchSettlement as batch;

#[allow(missing_docs, reason = "generated; the Solidity documents itself")]
#[allow(unreachable_pub, reason = "generated")]
mod bindings {
    alloy_sol_types::sol! {
        #![sol(all_derives)]
        "../contracts/src/x402/IX402BatchSettlement.sol"
    }
}

/// Gas of whole transactions.
#[derive(Debug)]
pub(crate) struct Others {
    /// `batch-settlement`: a deposit by EIP-3009 that makes a channel, and one more into it.
    pub(crate) deposit: [u64; 2],
    /// So many channels: their claims in one call, and the payout in another.
    pub(crate) settle: Vec<(usize, u64, u64)>,
    /// `exact`: to somebody who has the token already, and to somebody who has none.
    pub(crate) exact: [u64; 2],
}

pub(crate) fn measure() -> Result<Others> {
    let stage = Stage::new()?;
    let mut opening = stage.clone();
    let config = channel(0, 0)?;
    let deposit = [
        opening.deposit(0, &config, 1)?,
        opening.deposit(0, &config, 2)?,
    ];
    let settle = BATCHES.map(|count| stage.clone().claim_and_settle(count));
    let mut paying = stage.clone();
    Ok(Others {
        deposit,
        settle: settle.into_iter().collect::<Result<_>>()?,
        exact: [
            paying.transfer(account(PAYEE)?, 1)?,
            paying.transfer(alloy_primitives::Address::from_word(word("seller", 0)), 2)?,
        ],
    })
}

/// A channel as the stock clients make it: the payer signs for itself, the receiver claims itself.
fn channel(payer: usize, at: usize) -> Result<batch::ChannelConfig> {
    Ok(batch::ChannelConfig {
        payer: account(payer)?,
        payerAuthorizer: account(payer)?,
        receiver: account(PAYEE)?,
        receiverAuthorizer: account(PAYEE)?,
        token: CONTRACTS.usdc,
        withdrawDelay: U40::from(DAY_SECS),
        salt: word("salt", at),
    })
}

impl Stage {
    fn deposit(&mut self, payer: usize, config: &batch::ChannelConfig, turn: usize) -> Result<u64> {
        let x402 = CONTRACTS.x402;
        let ask = batch::getChannelIdCall {
            config: config.clone(),
        };
        let id = self.view(x402.batch_settlement, &ask)?;
        let salt = U256::from_be_bytes(word("deposit", turn).0);
        let nonce = keccak256((id, salt).abi_encode());
        let signature = self.consent(payer, x402.erc3009_collector, U256::from(EACH), nonce)?;
        let data = (U256::ZERO, U256::MAX, salt, signature).abi_encode_params();
        let call = batch::depositCall {
            config: config.clone(),
            amount: EACH.into(),
            collector: x402.erc3009_collector,
            collectorData: data.into(),
        };
        self.send(SENDER, x402.batch_settlement, &call)
    }

    fn claim_and_settle(&mut self, count: usize) -> Result<(usize, u64, u64)> {
        // The receiver's books are a new storage slot once, and not again.
        self.claim_of(&[usize::MAX])?;
        let channels: Vec<_> = (0..count).collect();
        let (claimed, settled) = self.claim_of(&channels)?;
        Ok((count, claimed, settled))
    }

    fn claim_of(&mut self, channels: &[usize]) -> Result<(u64, u64)> {
        let x402 = CONTRACTS.x402;
        let charged = 1_000_000_u128;
        let mut claims = Vec::new();
        for at in channels.iter().copied() {
            let payer = payer_of(at);
            let config = channel(payer, at)?;
            self.deposit(payer, &config, at)?;
            let ask = batch::getChannelIdCall {
                config: config.clone(),
            };
            let ask = batch::getVoucherDigestCall {
                channelId: self.view(x402.batch_settlement, &ask)?,
                maxClaimableAmount: charged,
            };
            let digest = self.view(x402.batch_settlement, &ask)?;
            claims.push(batch::VoucherClaim {
                voucher: batch::Voucher {
                    channel: config,
                    maxClaimableAmount: charged,
                },
                signature: sign(payer, digest)?,
                totalClaimed: charged,
            });
        }
        let ask = batch::getClaimBatchDigestCall {
            voucherClaims: claims.clone(),
        };
        let digest = self.view(x402.batch_settlement, &ask)?;
        let claim = batch::claimWithSignatureCall {
            voucherClaims: claims,
            authorizerSignature: sign(PAYEE, digest)?,
        };
        let claimed = self.send(SENDER, x402.batch_settlement, &claim)?;
        let settle = batch::settleCall {
            receiver: account(PAYEE)?,
            token: CONTRACTS.usdc,
        };
        let settled = self.send(SENDER, x402.batch_settlement, &settle)?;
        Ok((claimed, settled))
    }

    fn transfer(&mut self, to: alloy_primitives::Address, turn: usize) -> Result<u64> {
        let (from, nonce, value) = (account(0)?, word("exact", turn), U256::from(1_000));
        let message = TransferWithAuthorization {
            from,
            to,
            value,
            validAfter: U256::ZERO,
            validBefore: U256::MAX,
            nonce,
        };
        let digest = message.eip712_signing_hash(&self.token_domain());
        let signature = sign(0, digest)?;
        let call = IToken::transferWithAuthorization_1Call {
            from,
            to,
            value,
            validAfter: U256::ZERO,
            validBefore: U256::MAX,
            nonce,
            signature,
        };
        self.send(SENDER, CONTRACTS.usdc, &call)
    }
}
