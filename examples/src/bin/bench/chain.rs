//! Locks opened and settled directly on the chain's state machine, to read the gas.

use crate::{Result, paid};
use agent_client::chain::bindings::{IToken, IZ402Escrow};
use agent_client::settings::ChainSettings;
use agent_core::ledger::Claim;
use agent_core::money::BaseUnits;
use agent_core::voucher::Lock;
use agent_devnet::{Chain, DevnetConfig};
use agent_server::settle::pack;
use alloy_primitives::{Address, U256, aliases::U40};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;

/// Opens locks of one payer, each holding `each` base units for a day.
pub(crate) fn open_locks(
    chain: &mut Chain,
    settings: &ChainSettings,
    locks: &[Lock],
    each: u128,
) -> Result<()> {
    let payer = locks.first().ok_or("no locks")?.payer;
    let deadline = U40::from(chain.timestamp().saturating_add(86_400));
    let all = U256::from(each).saturating_mul(U256::from(locks.len()));
    let (token, escrow) = (settings.token.address, settings.escrow);
    send(
        chain,
        payer,
        token,
        &IToken::approveCall {
            spender: escrow,
            value: all,
        },
    )?;
    send(
        chain,
        payer,
        escrow,
        &IZ402Escrow::depositCall { token, amount: all },
    )?;
    for locks in locks.chunks(50) {
        let call = IZ402Escrow::authorizeManyCall {
            locks: locks.iter().map(wire).collect(),
            amounts: vec![U256::from(each); locks.len()],
            deadlines: vec![deadline; locks.len()],
        };
        send(chain, payer, escrow, &call)?;
    }
    Ok(())
}

fn wire(lock: &Lock) -> IZ402Escrow::Lock {
    let Lock {
        payer,
        signer,
        payee,
        token,
        salt,
    } = *lock;
    IZ402Escrow::Lock {
        payer,
        signer,
        payee,
        token,
        salt: salt.0,
    }
}

fn send(chain: &mut Chain, from: Address, to: Address, call: &impl SolCall) -> Result<u64> {
    let request = TransactionRequest::default()
        .from(from)
        .to(to)
        .input(call.abi_encode().into());
    let receipt = chain.transact(request)?;
    if receipt.status() {
        Ok(receipt.gas_used)
    } else {
        Err("a transaction reverted".into())
    }
}

/// Gas of the transaction that settles so many locks at once, payout included. The payee has been
/// paid before, as a seller in business has.
pub(crate) fn batch_of_locks(count: u64) -> Result<(u64, u64)> {
    let settings = ChainSettings::devnet(ChainSettings::DEVNET_RPC_URL);
    let mut chain = Chain::new(&DevnetConfig::default())?;
    let (key, domain) = (paid::payer()?, settings.domain());
    let payee = agent_devnet::DEV_ACCOUNTS
        .get(1)
        .ok_or("no such account")?
        .address;
    let locks = (0..count).map(|salt| paid::lock(&settings, payee, salt));
    let locks = locks.collect::<Result<Vec<_>>>()?;
    open_locks(&mut chain, &settings, &locks, 1_000)?;
    let claims: Vec<Claim> = locks
        .iter()
        .map(|lock| {
            let (channel_id, ceiling) = (lock.id(&domain), BaseUnits::new(500));
            Claim {
                funding: (*lock).into(),
                channel_id,
                ceiling,
                signature: key.sign(domain.voucher_digest(channel_id, ceiling)),
                charged: ceiling,
                claimed: BaseUnits::ZERO,
                deadline_unix_secs: u64::MAX,
                unclaimed_since_unix_millis: 0,
            }
        })
        .collect();
    let (token, rows) = (settings.token.address, pack(&claims));
    let call = IZ402Escrow::settleBatchCall { payee, token, rows };
    Ok((count, send(&mut chain, payee, settings.escrow, &call)?))
}
