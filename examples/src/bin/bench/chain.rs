//! A lock on the development chain.

use crate::Result;
use agent_client::chain::bindings::{IToken, IZ402Escrow};
use agent_client::settings::ChainSettings;
use agent_core::voucher::Lock;
use agent_devnet::Chain;
use alloy_primitives::{Address, U256, aliases::U40};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;

/// What it holds: a thousand dollars, for a day.
const AMOUNT: u64 = 1_000_000_000;
const DAY_SECS: u64 = 86_400;

/// Opens a lock of its payer's.
pub(crate) fn open_lock(chain: &mut Chain, settings: &ChainSettings, lock: &Lock) -> Result<()> {
    let (payer, token, escrow) = (lock.payer, settings.token.address, settings.escrow);
    let value = U256::from(AMOUNT);
    let spender = escrow;
    send(chain, payer, token, &IToken::approveCall { spender, value })?;
    let deposit = IZ402Escrow::depositCall {
        token,
        amount: value,
    };
    send(chain, payer, escrow, &deposit)?;
    let call = IZ402Escrow::authorizeCall {
        lock: IZ402Escrow::Lock {
            payer: lock.payer,
            signer: lock.signer,
            payee: lock.payee,
            token: lock.token,
            salt: lock.salt.0,
        },
        amount: value,
        deadline: U40::from(chain.timestamp().saturating_add(DAY_SECS)),
    };
    send(chain, payer, escrow, &call)
}

fn send(chain: &mut Chain, from: Address, to: Address, call: &impl SolCall) -> Result<()> {
    let request = TransactionRequest::default()
        .from(from)
        .to(to)
        .input(call.abi_encode().into());
    if chain.transact(request)?.status() {
        Ok(())
    } else {
        Err("a transaction reverted".into())
    }
}
