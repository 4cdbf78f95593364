//! A seller that takes all schemes: the gate, the books and a handler around them.
//!
//! The same work is free or paid, with nothing else between socket and books, so that schemes can be
//! held against each other. Locks and channels are in the books as a look at the chain would put
//! them there; transfers of `exact` are made on a chain in this process, a block for each.

use crate::Result;
use crate::buyer::Buyer;
use agent_client::chain::outbox::TxOutbox;
use agent_client::clock::SystemClock;
use agent_client::settings::ChainSettings;
use agent_core::a2a::TaskState;
use agent_core::channel::{AdmissionRules, LockState};
use agent_core::clock::Clock;
use agent_core::json::{Json, Metadata};
use agent_core::ledger::{BoxFuture, Ledger, Reserved, Source, TaskWrite};
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, Funding};
use agent_core::x402::batch::SCHEME_BATCH_SETTLEMENT;
use agent_core::x402::{
    BatchOffer, ExactOffer, Mode, PaymentTerms, SCHEME_EXACT, SCHEME_Z402, X402_VERSION, keys,
};
use agent_devnet::{DEV_ACCOUNTS, Devnet, DevnetConfig};
use agent_server::facilitator::{ChainOffer, LocalFacilitator};
use agent_server::gate::{Admitted, Charged, Gate, LockSource, Settled, Work, credit_key};
use agent_server::store::{SqliteStore, StoreConfig, TaskStore};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use axum::{Router, routing::post};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What the work costs.
pub(crate) const PRICE: u128 = 100;
/// Who pays for transactions, and who is paid.
const SENDER: usize = 0;
const SELLER: usize = 1;
const MARGIN_SECS: u64 = 600;
const DAY_SECS: u64 = 86_400;
/// Commits of one row, one after the other, to see what one takes.
const COMMITS: u32 = 200;

/// The seller, at work.
pub(crate) struct Counter {
    pub(crate) address: SocketAddr,
    pub(crate) buyer: Buyer,
    desk: Arc<Desk>,
    devnet: Devnet,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
    _files: TempDir,
}

pub(crate) struct Desk {
    gate: Gate,
    store: SqliteStore,
    clock: Arc<dyn Clock>,
    requests: AtomicU64,
}

/// Locks are in the books before anybody pays with them.
#[derive(Debug)]
struct NoLocks;

impl LockSource for NoLocks {
    fn await_lock(&self, _: ChannelId, _: Duration) -> BoxFuture<'_, bool> {
        Box::pin(std::future::ready(false))
    }
}

pub(crate) async fn open() -> Result<Counter> {
    let devnet = Devnet::start(DevnetConfig::default()).await?;
    let settings = ChainSettings::devnet(devnet.url());
    let files = tempfile::tempdir()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let rules = AdmissionRules {
        max_in_flight: 64,
        max_unclaimed: BaseUnits::new(u64::MAX.into()),
        deadline_margin_secs: MARGIN_SECS,
    };
    let config = StoreConfig::new(settings.domain(), rules, Arc::clone(&clock));
    let store = SqliteStore::open(files.path().join("books.db"), config)?;
    let chain = settings.chain()?;
    let sender = crate::paid::key(SENDER)?.to_signer()?;
    let (outbox, time) = (files.path().join("outbox.db"), Arc::clone(&clock));
    let outbox = TxOutbox::open(outbox, chain.clone(), sender, settings.outbox(), time).await?;
    let offer = ChainOffer::new(chain, outbox, vec![settings.asset()]);
    let facilitator = LocalFacilitator::open(vec![offer], Arc::clone(&clock)).await?;
    let terms = terms(&settings)?;
    let ledger: Arc<dyn Ledger> = Arc::new(store.clone());
    let gate = Gate::new(terms.clone(), ledger, Arc::new(NoLocks), Arc::clone(&clock))
        .with_facilitator(Arc::new(facilitator))
        .with_credit(credit_key(&store).await?);
    let buyer = Buyer::new(terms, &settings, credit_key(&store).await?)?;
    let desk = Arc::new(Desk {
        gate,
        store,
        clock,
        requests: AtomicU64::new(0),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    let app = Router::new().route("/a2a", post(sell));
    let app = app.with_state(Arc::clone(&desk));
    let counter = Counter {
        address,
        buyer,
        desk,
        devnet,
        serving: tokio::spawn(axum::serve(listener, app).into_future()),
        _files: files,
    };
    counter.look().await?;
    Ok(counter)
}

fn terms(settings: &ChainSettings) -> Result<PaymentTerms> {
    let pay_to = DEV_ACCOUNTS.get(SELLER).ok_or("no such account")?.address;
    let schemes = [SCHEME_Z402, SCHEME_BATCH_SETTLEMENT, SCHEME_EXACT];
    Ok(PaymentTerms {
        x402_version: X402_VERSION,
        modes: vec![Mode::Z, Mode::X],
        schemes: schemes.map(str::to_owned).to_vec(),
        asset: settings.asset(),
        pay_to,
        contract: settings.escrow,
        min_deadline_seconds: MARGIN_SECS,
        max_in_flight: 64,
        max_timeout_seconds: 60,
        batch: Some(BatchOffer {
            receiver_authorizer: pay_to,
            withdraw_delay: DAY_SECS,
            min_deposit: None,
            asset_transfer_method: None,
        }),
        exact: Some(ExactOffer::default()),
        identity: None,
        skills: BTreeMap::new(),
    })
}

impl Counter {
    /// Puts the buyer's lock and channels into the books, as they are on a chain.
    pub(crate) async fn look(&self) -> Result<()> {
        let state = |deadline_unix_secs| LockState {
            authorized: BaseUnits::new(u64::MAX.into()),
            claimed: BaseUnits::ZERO,
            deadline_unix_secs,
        };
        let tomorrow = self.desk.clock.now_unix_secs().saturating_add(DAY_SECS);
        let store = &self.desk.store;
        store
            .observe(self.buyer.lock.into(), state(tomorrow))
            .await?;
        for channel in self.buyer.channels() {
            let none = agent_core::channel::NO_DEADLINE;
            store.observe(Funding::Batch(channel), state(none)).await?;
        }
        Ok(())
    }

    /// Where requests are answered and counted.
    pub(crate) fn desk(&self) -> Arc<Desk> {
        Arc::clone(&self.desk)
    }

    /// The median time of a commit of one row, from asking for it to knowing of it.
    pub(crate) async fn commit_time(&self, round: u32) -> Result<Duration> {
        let mut took = Vec::new();
        for number in 0..COMMITS {
            let id = format!("commit-{round}-{number}");
            let task = self.desk.task(&id, &Json::default(), &Metadata::new())?;
            let started = Instant::now();
            self.desk.store.put(task).await?;
            took.push(started.elapsed());
        }
        took.sort_unstable();
        Ok(took.get(took.len() / 2).copied().unwrap_or_default())
    }

    /// Fails unless the books are right and hold as many charges as there were payments.
    pub(crate) async fn close(self, payments: u64) -> Result<()> {
        let store = &self.desk.store;
        let (books, wrong) = (store.books().await?, store.verify().await?);
        let posted = books.posted.saturating_add(books.direct.posted);
        if !wrong.is_empty() || posted != payments {
            return Err(format!("the books do not balance: {books:?} {wrong:?}").into());
        }
        self.serving.abort();
        store.close().await;
        self.devnet.stop().await;
        Ok(())
    }
}

#[derive(Deserialize)]
struct Call {
    id: u64,
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    parts: [Part; 1],
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Part {
    data: Json,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

async fn sell(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    match desk.answer(&body).await {
        Ok(json) => ([(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

impl Desk {
    /// How many requests came so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    async fn answer(&self, body: &[u8]) -> Result<String> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let call: Call = serde_json::from_slice(body)?;
        let Message {
            parts: [Part { data }],
            metadata,
        } = call.params.message;
        let id = format!("task-{number:0>16}");
        let task = match metadata.get(keys::PAYLOAD) {
            None => {
                let write = self.task(&id, &shout(&data)?, &Metadata::new())?;
                let task = write.task.clone();
                self.store.put(write).await?;
                task
            }
            Some(payment) => self.paid(&id, &data, payment).await?,
        };
        let answer = json!({ "jsonrpc": "2.0", "id": call.id, "result": { "task": task } });
        Ok(answer.to_string())
    }

    async fn paid(&self, id: &str, data: &Json, payment: &Json) -> Result<Json> {
        let work = Work {
            task_id: id,
            context_id: "bench",
            skill: "paid",
            owner: "",
            input: data.get(),
            max: BaseUnits::new(PRICE),
        };
        let Admitted::New(reserved) = self.gate.admit(payment, &work).await? else {
            return Err("a payment that was made before".into());
        };
        let output = shout(data)?;
        let receipt = self.receipt(&reserved, &output).await?;
        let write = self.task(id, &output, &receipt)?;
        let task = write.task.clone();
        let amount = reserved.amount();
        self.store.post(reserved, amount, write).await?;
        Ok(task)
    }

    /// The receipt; of a transfer, once it is made.
    async fn receipt(&self, reserved: &Reserved, output: &Json) -> Result<Metadata> {
        if !matches!(reserved.source(), Source::Transfer(_)) {
            let charged = Charged::Amount(reserved.amount());
            return Ok(self.gate.receipt_for(reserved, charged).await?);
        }
        let request = self.store.settling(reserved, output.clone()).await?;
        match self.gate.settle(&request).await {
            Settled::Paid(answer) => {
                let charged = Charged::Settled(&answer);
                Ok(self.gate.receipt_for(reserved, charged).await?)
            }
            other => Err(format!("a transfer was not made: {other:?}").into()),
        }
    }

    fn task(&self, id: &str, output: &Json, receipt: &Metadata) -> Result<TaskWrite> {
        let state = TaskState::Completed;
        let task = json!({
            "id": id,
            "contextId": "bench",
            "status": { "state": state.as_str() },
            "artifacts": [{ "artifactId": "result", "parts": [{ "data": output }] }],
            "metadata": receipt,
        });
        Ok(TaskWrite {
            id: id.to_owned(),
            context_id: "bench".to_owned(),
            owner: String::new(),
            state,
            seq: 1,
            updated_unix_millis: self.clock.now_unix_millis(),
            task: Json::from_value(&task)?,
            resume: None,
            events: Vec::new(),
        })
    }
}

/// The work.
fn shout(data: &Json) -> Result<Json> {
    let asked: Text = data.parse()?;
    let text = asked.text.to_uppercase();
    Ok(Json::from_value(&json!({ "text": text }))?)
}
