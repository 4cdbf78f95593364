//! A node with the contracts deployed by a fresh key, and a transcript of what it said.

use std::{
    fmt::Debug,
    sync::{Arc, OnceLock},
    time::Duration,
};

use agent_client::{
    chain::{
        Chain, ChainConfig, ChainError,
        outbox::{OutboxConfig, TxOutbox, TxOutcome, TxRequest},
    },
    clock::SystemClock,
};
use agent_core::voucher::EscrowDomain;
use agent_devnet::{Devnet, DevnetConfig, artifacts::Artifact};
use alloy_eips::BlockNumberOrTag;
use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::{Filter, Log, TransactionReceipt, TransactionRequest};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use serde_json::Value;

use crate::raw::{chain_id_of, mined, send};

const WAIT: Duration = Duration::from_secs(30);

/// Who plays: the same on each node, and new in each run, so that nonces start at zero.
#[derive(Debug)]
pub(crate) struct Cast {
    funder: PrivateKeySigner,
    pub(crate) keys: [PrivateKeySigner; 2],
    /// When the first node began to play; deadlines are counted from here on every node, because a
    /// byte of another value costs another gas.
    start: OnceLock<u64>,
}

impl Cast {
    pub(crate) fn new(funder: PrivateKeySigner) -> Self {
        let keys = [PrivateKeySigner::random(), PrivateKeySigner::random()];
        Self {
            funder,
            keys,
            start: OnceLock::new(),
        }
    }

    pub(crate) fn start(&self) -> u64 {
        *self.start.get().unwrap()
    }

    pub(crate) fn address(&self, at: usize) -> Address {
        self.keys[at].address()
    }
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) chain: Chain,
    /// TestUSDC, identity, reputation, escrow: the order in which they are deployed.
    pub(crate) contracts: [Address; 4],
    outboxes: [TxOutbox; 2],
    transcript: Vec<String>,
    logs: Vec<Log>,
    first_block: u64,
    devnet: Option<Devnet>,
    _files: tempfile::TempDir,
}

impl Node {
    pub(crate) async fn devnet(cast: &Cast, chain_id: u64) -> Self {
        let mut config = DevnetConfig::default()
            .with_chain_id(chain_id)
            .with_contracts(false);
        config.genesis_timestamp = cast.start.get().copied();
        let devnet = Devnet::start(config).await.unwrap();
        devnet
            .chain()
            .set_balance(cast.funder.address(), U256::from(10).pow(U256::from(22)));
        let mut node = Self::at(cast, &devnet.url()).await;
        node.devnet = Some(devnet);
        node
    }

    pub(crate) async fn at(cast: &Cast, url: &str) -> Self {
        let chain_id = chain_id_of(url).await;
        let chain = Chain::connect(&ChainConfig::new(url, chain_id))
            .await
            .unwrap();
        let first_block = chain.head().await.unwrap().number;
        for key in &cast.keys {
            let money = chain.native_balance(cast.funder.address()).await.unwrap();
            let value = money / U256::from(100);
            send(
                &chain,
                &cast.funder,
                TxKind::Call(key.address()),
                value,
                Bytes::new(),
            )
            .await;
        }
        // The block of the money just sent: one that was there before may be hours old.
        let now = chain.head().await.unwrap().timestamp;
        cast.start.get_or_init(|| now);
        let mut contracts = [Address::ZERO; 4];
        let mut transcript = Vec::new();
        for (at, artifact) in contracts.iter_mut().zip(Artifact::ALL) {
            let code = artifact.init_code().unwrap();
            let receipt = send(&chain, &cast.keys[0], TxKind::Create, U256::ZERO, code).await;
            assert!(receipt.status());
            *at = receipt.contract_address.unwrap();
            transcript.push(format!("{artifact:?} at {at} for {}", receipt.gas_used));
        }
        let files = tempfile::tempdir().unwrap();
        let open = async |at: usize| {
            let config = OutboxConfig {
                poll_interval: Duration::from_millis(20),
                ..OutboxConfig::default()
            };
            let path = files.path().join(format!("{at}.sqlite"));
            let key = cast.keys[at].clone();
            let clock = Arc::new(SystemClock);
            TxOutbox::open(path, chain.clone(), key, config, clock)
                .await
                .unwrap()
        };
        let outboxes = [open(0).await, open(1).await];
        Self {
            chain,
            contracts,
            outboxes,
            transcript,
            logs: Vec::new(),
            first_block,
            devnet: None,
            _files: files,
        }
    }

    pub(crate) fn domain(&self) -> EscrowDomain {
        EscrowDomain::new(self.chain.chain_id(), self.contracts[3])
    }

    /// Sends it through the outbox; it must be mined.
    pub(crate) async fn act<C: SolCall>(&mut self, who: usize, to: Address, call: &C) {
        let outcome = self.send(who, to, call, None).await;
        let TxOutcome::Mined(mined) = outcome else {
            panic!("{}: {outcome:?}", C::SIGNATURE)
        };
        let receipt = self.chain.receipt(mined.hash).await.unwrap().unwrap();
        let logs = receipt.logs().iter().map(|log| format!("{:?}", log.inner));
        let logs: Vec<_> = logs.collect();
        let line = format!("{}: gas {} {logs:?}", C::SIGNATURE, receipt.gas_used);
        self.transcript.push(line);
        self.logs.extend(receipt.logs().iter().cloned());
    }

    /// It is refused when asked, when estimated, and when sent all the same.
    pub(crate) async fn refused<C: SolCall>(
        &mut self,
        who: usize,
        to: Address,
        call: &C,
        why: &str,
    ) {
        let request = TransactionRequest::default()
            .with_from(self.outboxes[who].address())
            .with_to(to)
            .with_input(call.abi_encode());
        let latest = BlockNumberOrTag::Latest.into();
        let simulated = self
            .chain
            .simulate(request.clone(), latest)
            .await
            .unwrap_err();
        let estimated = self.chain.estimate_gas(request).await.unwrap_err();
        for error in [&simulated, &estimated] {
            let ChainError::Reverted { reason, data } = error else {
                panic!("{}: {error:?}", C::SIGNATURE)
            };
            assert!(reason.contains(why), "{reason}");
            self.transcript
                .push(format!("{} refused: {reason} {data}", C::SIGNATURE));
        }
        let outcome = self.send(who, to, call, None).await;
        assert!(matches!(outcome, TxOutcome::Failed { .. }), "{outcome:?}");
        self.transcript.push(format!("{outcome:?}"));
        let outcome = self.send(who, to, call, Some(300_000)).await;
        let TxOutcome::Reverted {
            mined,
            reason,
            data,
        } = outcome
        else {
            panic!("{}: {outcome:?}", C::SIGNATURE)
        };
        let line = format!(
            "{} reverted: {reason} {data} gas {}",
            C::SIGNATURE,
            mined.gas_used
        );
        self.transcript.push(line);
    }

    async fn send<C: SolCall>(
        &mut self,
        who: usize,
        to: Address,
        call: &C,
        gas: Option<u64>,
    ) -> TxOutcome {
        let purpose = format!("{}", self.transcript.len());
        let mut request = TxRequest::call(purpose, to, call);
        request.gas_limit = gas;
        let outbox = &self.outboxes[who];
        let id = outbox.enqueue(request).await.unwrap().id;
        outbox.wait(id, WAIT).await.unwrap()
    }

    /// Asks and remembers the answer.
    pub(crate) async fn ask<C: SolCall<Return: Debug>>(
        &mut self,
        to: Address,
        call: &C,
    ) -> C::Return {
        let answer = self.chain.call(to, call).await.unwrap();
        self.transcript
            .push(format!("{}: {answer:?}", C::SIGNATURE));
        answer
    }

    /// Lets time pass, as development nodes can.
    pub(crate) async fn wait(&mut self, seconds: u64) {
        let node = self.chain.verify().await.unwrap();
        let _: Value = node
            .raw_request("evm_increaseTime".into(), [seconds])
            .await
            .unwrap();
        let _: Value = node.raw_request("evm_mine".into(), ()).await.unwrap();
    }

    pub(crate) async fn mined(&self, hash: B256) -> TransactionReceipt {
        mined(&self.chain, hash).await
    }

    /// `eth_getLogs` has what the receipts had.
    pub(crate) async fn compare_logs(&mut self) {
        let filter = Filter::new().address(self.contracts.to_vec());
        let head = self.chain.head().await.unwrap().number;
        let found = self
            .chain
            .logs(&filter, self.first_block, head)
            .await
            .unwrap();
        let key = |log: &Log| {
            (
                log.block_hash,
                log.transaction_hash,
                log.log_index,
                log.inner.clone(),
            )
        };
        let (found, seen): (Vec<_>, Vec<_>) = (
            found.iter().map(key).collect(),
            self.logs.iter().map(key).collect(),
        );
        assert_eq!(found, seen);
        self.transcript.push(format!("{} logs", found.len()));
    }

    pub(crate) async fn close(self) -> Vec<String> {
        for outbox in &self.outboxes {
            outbox.close().await;
        }
        if let Some(devnet) = self.devnet {
            devnet.stop().await;
        }
        self.transcript
    }
}
