//! The escrow's calls.

use crate::stage::{
    DAY_SECS, EACH, PAYEE, SENDER, Stage, account, key, lock, payer_of, sign, word,
};
use crate::{BATCHES, Result};
use agent_client::chain::bindings::IZ402Escrow;
use agent_core::money::BaseUnits;
use agent_core::voucher::Lock;
use agent_devnet::CONTRACTS;
use alloy_primitives::{Address, Bytes, U256, aliases::U40, keccak256};
use alloy_sol_types::{SolStruct, SolValue, eip712_domain, sol};

sol! {
    struct Release { bytes32 lockId; uint128 amount; uint256 nonce; }
}

/// Gas of whole transactions.
#[derive(Debug)]
pub(crate) struct Escrow {
    /// One signature deposits and locks: a new lock, and the same again.
    pub(crate) open: [u64; 2],
    pub(crate) deposit: [u64; 2],
    pub(crate) authorize: [u64; 2],
    /// With so many locks, for each.
    pub(crate) authorize_many: Vec<(usize, u64)>,
    pub(crate) authorize_rows: Vec<(usize, u64)>,
    /// So many locks in one call, and the same call once more, when every row is skipped.
    pub(crate) settle: Vec<(usize, u64, u64)>,
    pub(crate) release: u64,
    pub(crate) release_by_payee: u64,
    pub(crate) release_by_sig: u64,
    pub(crate) withdraw: u64,
}

pub(crate) fn measure() -> Result<Escrow> {
    let stage = Stage::new()?;
    let mut opening = stage.clone();
    let mine = lock(0, account(PAYEE)?, 0)?;
    let open = [opening.open(0, &mine, 1)?, opening.open(0, &mine, 2)?];

    let mut funded = stage.clone();
    funded.approve(0, CONTRACTS.escrow)?;
    let amount = U256::from(EACH).saturating_mul(U256::from(100));
    let token = CONTRACTS.usdc;
    let call = IZ402Escrow::depositCall { token, amount };
    let deposit = [
        funded.send(0, CONTRACTS.escrow, &call)?,
        funded.send(0, CONTRACTS.escrow, &call)?,
    ];

    let mut vault = funded.clone();
    let call = IZ402Escrow::authorizeCall {
        lock: wire(&mine),
        amount: U256::from(EACH),
        deadline: vault.deadline(),
    };
    let authorize = [
        vault.send(0, CONTRACTS.escrow, &call)?,
        vault.send(0, CONTRACTS.escrow, &call)?,
    ];
    let (mut authorize_many, mut authorize_rows) = (Vec::new(), Vec::new());
    for count in [5, 20] {
        authorize_many.push((count, funded.clone().open_many(count)?));
        authorize_rows.push((count, funded.clone().open_rows(count)?));
    }
    let settle = BATCHES.map(|count| stage.clone().settle(count));
    let settle = settle.into_iter().collect::<Result<_>>()?;

    let mut ending = opening.clone();
    let by_sig = ending.release_by_sig(&mine)?;
    let give = IZ402Escrow::releaseByPayeeCall {
        lock: wire(&mine),
        amount: U256::from(1_000),
    };
    let by_payee = ending.send(PAYEE, CONTRACTS.escrow, &give)?;
    ending.chain.increase_time(31 * DAY_SECS)?;
    let release = IZ402Escrow::releaseCall { lock: wire(&mine) };
    let withdraw = IZ402Escrow::withdrawCall {
        token,
        amount: U256::from(1_000),
        to: account(0)?,
    };
    Ok(Escrow {
        open,
        deposit,
        authorize,
        authorize_many,
        authorize_rows,
        settle,
        release: ending.send(0, CONTRACTS.escrow, &release)?,
        release_by_payee: by_payee,
        release_by_sig: by_sig,
        withdraw: funded.send(0, CONTRACTS.escrow, &withdraw)?,
    })
}

impl Stage {
    fn deadline(&self) -> U40 {
        U40::from(self.chain.timestamp().saturating_add(30 * DAY_SECS))
    }

    fn open(&mut self, payer: usize, lock: &Lock, turn: usize) -> Result<u64> {
        let (deadline, salt) = (self.deadline(), word("opening", turn));
        let nonce = keccak256((lock.id(&self.domain).0, deadline, salt).abi_encode());
        let amount = U256::from(EACH);
        let call = IZ402Escrow::open3009Call {
            lock: wire(lock),
            amount,
            deadline,
            validAfter: U256::ZERO,
            validBefore: U256::MAX,
            salt,
            signature: self.consent(payer, CONTRACTS.escrow, amount, nonce)?,
        };
        self.send(SENDER, CONTRACTS.escrow, &call)
    }

    /// Locks of one payer for so many sellers.
    fn for_sellers(count: usize) -> Result<Vec<Lock>> {
        let seller = |at| lock(0, Address::from_word(word("seller", at)), at);
        (0..count).map(seller).collect()
    }

    fn open_many(&mut self, count: usize) -> Result<u64> {
        let call = IZ402Escrow::authorizeManyCall {
            locks: Self::for_sellers(count)?.iter().map(wire).collect(),
            amounts: vec![U256::from(EACH); count],
            deadlines: vec![self.deadline(); count],
        };
        self.send(0, CONTRACTS.escrow, &call)
    }

    fn open_rows(&mut self, count: usize) -> Result<u64> {
        let mut rows = Vec::new();
        for lock in Self::for_sellers(count)? {
            rows.extend_from_slice(lock.payee.as_slice());
            rows.extend_from_slice(&lock.salt.0.to_be_bytes::<12>());
            rows.extend_from_slice(&u128::from(EACH).to_be_bytes());
        }
        let call = IZ402Escrow::authorizeRowsCall {
            token: CONTRACTS.usdc,
            signer: account(0)?,
            deadline: self.deadline(),
            rows: rows.into(),
        };
        self.send(0, CONTRACTS.escrow, &call)
    }

    fn settle(&mut self, count: usize) -> Result<(usize, u64, u64)> {
        let payee = account(PAYEE)?;
        let mut rows = Vec::new();
        for at in 0..count {
            let mine = lock(payer_of(at), payee, at)?;
            self.open(payer_of(at), &mine, at)?;
            rows.extend(self.row(payer_of(at), &mine, 1_000_000)?);
        }
        let call = IZ402Escrow::settleBatchCall {
            payee,
            token: CONTRACTS.usdc,
            rows: Bytes::from(rows),
        };
        let first = self.send(PAYEE, CONTRACTS.escrow, &call)?;
        let again = self.send(PAYEE, CONTRACTS.escrow, &call)?;
        Ok((count, first, again))
    }

    /// `payer 20 | signer 20 | salt 12 | ceiling 16 | claim 16 | r 32 | vs 32`.
    fn row(&self, payer: usize, lock: &Lock, claim: u128) -> Result<Vec<u8>> {
        let digest = self
            .domain
            .voucher_digest(lock.id(&self.domain), BaseUnits::new(claim));
        let mut row = Vec::with_capacity(148);
        row.extend_from_slice(lock.payer.as_slice());
        row.extend_from_slice(lock.signer.as_slice());
        row.extend_from_slice(&lock.salt.0.to_be_bytes::<12>());
        row.extend_from_slice(&claim.to_be_bytes());
        row.extend_from_slice(&claim.to_be_bytes());
        row.extend_from_slice(&key(payer)?.sign(digest).to_compact());
        Ok(row)
    }

    fn release_by_sig(&mut self, lock: &Lock) -> Result<u64> {
        let (amount, nonce) = (1_000_u128, U256::ONE);
        let release = Release {
            lockId: lock.id(&self.domain).0,
            amount,
            nonce,
        };
        let domain = eip712_domain! {
            name: "z402 Escrow",
            version: "1",
            chain_id: self.chain.chain_id(),
            verifying_contract: CONTRACTS.escrow,
        };
        let call = IZ402Escrow::releaseBySigCall {
            lock: wire(lock),
            amount: U256::from(amount),
            nonce,
            signature: sign(PAYEE, release.eip712_signing_hash(&domain))?,
        };
        self.send(SENDER, CONTRACTS.escrow, &call)
    }
}

fn wire(lock: &Lock) -> IZ402Escrow::Lock {
    IZ402Escrow::Lock {
        payer: lock.payer,
        signer: lock.signer,
        payee: lock.payee,
        token: lock.token,
        salt: lock.salt.0,
    }
}
