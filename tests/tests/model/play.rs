//! The steps: who does what next, and what becomes of it.

use crate::buyer::{Buyer, MAX};
use crate::chain::{FINAL_DEPTH, Mood, Net};
use crate::dice::Dice;
use crate::seller::{Call, Seller};
use agent_client::settings::ChainSettings;
use agent_client::wallet::{CorrectionError, EscrowError, Payment, WalletError};
use agent_core::clock::ManualClock;
use agent_core::json::{Json, Metadata};
use agent_core::ledger::{Ledger, PaymentId, Unparked};
use agent_core::money::BaseUnits;
use agent_core::x402::{
    Mode, PAYMENT_IDENTIFIER, PaymentIdentifier, SettleResponse, WireChannel, Z402Payload,
    Z402Receipt,
};
use agent_server::gate::Admitted;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// A payment on its way, as the bytes that carry it.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) id: PaymentId,
    pub(crate) buyer: usize,
    pub(crate) seller: usize,
    pub(crate) payment: Json,
    pub(crate) max: u128,
}

/// An answer on its way back.
#[derive(Debug, Clone)]
struct Answer {
    id: PaymentId,
    buyer: usize,
    seller: usize,
    charged: Option<u128>,
    correction: Option<WireChannel>,
}

/// What the test itself knows to be true of a payment, whoever forgets it.
#[derive(Debug, Clone)]
pub(crate) struct Truth {
    pub(crate) letter: Letter,
    /// How often work began for it.
    pub(crate) runs: u32,
    /// What the seller charged, once the call has ended.
    pub(crate) ended: Option<u128>,
    /// What the buyer believes.
    pub(crate) believed: Option<u128>,
}

pub(crate) struct Play {
    pub(crate) dice: Dice,
    pub(crate) net: Net,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: ChainSettings,
    pub(crate) buyers: Vec<Buyer>,
    pub(crate) sellers: Vec<Seller>,
    pub(crate) truths: BTreeMap<PaymentId, Truth>,
    pub(crate) before: Vec<u128>,
    /// Payments whose buyers wait for the answer.
    waiting: BTreeMap<PaymentId, Payment>,
    /// Payments whose buyers were told by others that they were refused.
    deaf: BTreeSet<PaymentId>,
    letters: Vec<Letter>,
    answers: Vec<Answer>,
    /// Every voucher that bought something: a second call for one must never be admitted.
    pub(crate) bought: BTreeSet<(String, String)>,
    dir: tempfile::TempDir,
    places: u32,
    pub(crate) counts: BTreeMap<&'static str, u32>,
}

impl Play {
    pub(crate) async fn begin(seed: u64) -> Self {
        let net = Net::default();
        net.mine(FINAL_DEPTH);
        let settings = ChainSettings::devnet("http://127.0.0.1:9");
        let clock = Arc::new(ManualClock::at_unix_secs(net.now()));
        let dir = tempfile::tempdir().unwrap();
        let mut play = Self {
            dice: Dice::new(seed),
            net,
            clock,
            settings,
            buyers: Vec::new(),
            sellers: Vec::new(),
            truths: BTreeMap::new(),
            before: Vec::new(),
            waiting: BTreeMap::new(),
            deaf: BTreeSet::new(),
            letters: Vec::new(),
            answers: Vec::new(),
            bought: BTreeSet::new(),
            dir,
            places: 0,
            counts: BTreeMap::new(),
        };
        for account in [1, 2] {
            let files = play.place();
            let buyer = Buyer::open(account, &files, &play.net, &play.clock, &play.settings).await;
            play.buyers.push(buyer);
        }
        for account in [3, 4] {
            let files = play.place();
            let seller = Seller::open(account, &files, &play.net, &play.clock, &play.settings);
            play.sellers.push(seller);
        }
        let balance = |address| play.net.balance(address);
        let buyers = play.buyers.iter().map(|buyer| balance(buyer.address()));
        let sellers = play.sellers.iter().map(|seller| balance(seller.address()));
        play.before = buyers.chain(sellers).collect();
        play
    }

    fn place(&mut self) -> PathBuf {
        self.places += 1;
        let place = self.dir.path().join(self.places.to_string());
        std::fs::create_dir_all(&place).unwrap();
        place
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub(crate) async fn step(&mut self) {
        let step = self.dice.below(100);
        match step {
            0..28 => self.pay().await,
            28..50 => self.deliver().await,
            50..68 => self.finish().await,
            68..80 => self.answer().await,
            80..83 => self.steal().await,
            83..85 => self.retry(),
            85..87 => self.lose_answer().await,
            87..89 => self.crash_buyer().await,
            89..91 => self.crash_seller().await,
            91..93 => self.settle().await,
            93..95 => self.reorg(),
            95..97 => self.wait().await,
            97..98 => self.look().await,
            98 => self.proxy_refuses().await,
            _ => self.net.mine(1),
        }
        self.clock.set_unix_secs(self.net.now());
    }

    async fn pay(&mut self) {
        let (buyer, seller) = (self.dice.below(2), self.dice.below(2));
        let max = u128::try_from(1 + self.dice.below(usize::try_from(MAX).unwrap())).unwrap();
        self.net.set_mood(match self.dice.below(12) {
            0 => Mood::LosesRequest,
            1 => Mood::LosesAnswer,
            _ => Mood::Works,
        });
        let (payer, terms) = (&self.buyers[buyer], &self.sellers[seller].terms);
        let signed = payer.wallet.books().await.unwrap().signed;
        let paid = payer.pay(terms, max).await;
        self.net.set_mood(Mood::Works);
        let raised = payer.wallet.books().await.unwrap().signed.minus(signed);
        let raised = raised.expect("what is signed never falls").get();
        if raised > 0 {
            let now = self.net.now();
            self.buyers[buyer].raised.push((now, raised));
        }
        match paid {
            Ok(payment) => {
                self.count("paid");
                let parsed = payment.payload.payload.parse::<Z402Payload>().unwrap();
                let Z402Payload::Voucher { lock, .. } = parsed else {
                    panic!("a voucher")
                };
                self.sellers[seller].show(lock);
                let letter = Letter {
                    id: payment.id.clone(),
                    buyer,
                    seller,
                    payment: Json::from_value(&payment.payload).unwrap(),
                    max,
                };
                let truth = Truth {
                    letter: letter.clone(),
                    runs: 0,
                    ended: None,
                    believed: None,
                };
                self.truths.insert(letter.id.clone(), truth);
                self.waiting.insert(letter.id.clone(), payment);
                if !self.dice.chance(8) {
                    self.letters.push(letter);
                }
            }
            Err(WalletError::Policy(_)) => self.count("policy"),
            Err(WalletError::Escrow(_)) => self.count("chain"),
            Err(WalletError::Suspect { .. }) if self.was_deaf(buyer, seller) => {
                let payee = self.sellers[seller].address();
                self.buyers[buyer].wallet.forgive(payee).await.unwrap();
                self.count("distrusted");
            }
            Err(other) => {
                let code = other.code();
                assert!(EXPECTED.contains(&code), "{code}: {other}");
                self.count("not paid");
            }
        }
    }

    async fn deliver(&mut self) {
        let Some(letter) = self.dice.take(&mut self.letters) else {
            return;
        };
        self.hand_over(letter).await;
    }

    async fn hand_over(&mut self, letter: Letter) {
        let seller = &mut self.sellers[letter.seller];
        let task_id = format!("task-{}", letter.id);
        let admitted = seller.admit(&letter.payment, &task_id, letter.max).await;
        let truth = self.truths.get_mut(&letter.id).unwrap();
        let answer = |charged, correction| Answer {
            id: letter.id.clone(),
            buyer: letter.buyer,
            seller: letter.seller,
            charged,
            correction,
        };
        match admitted {
            Ok(Admitted::New(reserved)) => {
                truth.runs += 1;
                let voucher = voucher_of(&letter.payment);
                assert!(self.bought.insert(voucher), "one voucher bought twice");
                seller.calls.push(Call {
                    reserved,
                    buyer: letter.buyer,
                });
                self.count("admitted");
            }
            Ok(Admitted::Same(_)) => {
                let charged = truth.ended.expect("an answer to what has not ended");
                self.answers.push(answer(Some(charged), None));
                self.count("repeated");
            }
            Ok(Admitted::Busy(_)) => {
                assert!(truth.ended.is_none(), "busy with what has ended");
                self.count("busy");
            }
            Err(refusal) => {
                assert!(!refusal.is_our_fault(), "{refusal} {:?}", refusal.log);
                let correction = (refusal.code == "invalid_z402_ceiling_too_low")
                    .then(|| WireChannel::from(*refusal.channel.expect("its count")));
                self.answers.push(answer(None, correction));
                self.count(refusal.code);
            }
        }
    }

    async fn finish(&mut self) {
        let which = self.dice.below(2);
        if self.dice.chance(20) {
            self.go_on(which).await;
            return;
        }
        let Some(call) = self.dice.take(&mut self.sellers[which].calls) else {
            return;
        };
        self.end(which, call).await;
    }

    async fn end(&mut self, which: usize, call: Call) {
        let max = call.reserved.amount().get();
        let id = call.reserved.payment_id().clone();
        let buyer = call.buyer;
        let charged = match self.dice.below(10) {
            0 => {
                let parked = self.sellers[which].park(call).await;
                self.sellers[which].parked.push(parked);
                self.count("parked");
                return;
            }
            1 => {
                self.sellers[which].void(call).await;
                0
            }
            2..5 => {
                let actual = max * u128::try_from(self.dice.below(101)).unwrap() / 100;
                self.sellers[which].post(call, actual).await;
                actual
            }
            _ => {
                self.sellers[which].post(call, max).await;
                max
            }
        };
        self.ended(id, buyer, which, charged);
    }

    fn ended(&mut self, id: PaymentId, buyer: usize, seller: usize, charged: u128) {
        let truth = self.truths.get_mut(&id).unwrap();
        assert_eq!(truth.ended.replace(charged), None, "ended twice");
        self.answers.push(Answer {
            id,
            buyer,
            seller,
            charged: Some(charged),
            correction: None,
        });
        self.count("ended");
    }

    /// A parked task's buyer has answered.
    async fn go_on(&mut self, which: usize) {
        let Some((task, buyer)) = self.dice.take(&mut self.sellers[which].parked) else {
            return;
        };
        let now = self.net.now() * 1_000;
        let unparked = self.sellers[which].store.unpark(task, now).await.unwrap();
        match unparked {
            Unparked::Held(reserved) => {
                self.sellers[which].calls.push(Call { reserved, buyer });
                self.count("went on");
            }
            Unparked::Expired(reserved) => {
                let id = reserved.payment_id().clone();
                self.sellers[which].void(Call { reserved, buyer }).await;
                self.ended(id, buyer, which, 0);
            }
            Unparked::NotParked => panic!("a parked reservation is gone"),
        }
    }

    async fn answer(&mut self) {
        let Some(answer) = self.dice.take(&mut self.answers) else {
            return;
        };
        if self.dice.chance(10) {
            self.count("answers lost");
            return;
        }
        self.take_in(answer).await;
    }

    async fn take_in(&mut self, answer: Answer) {
        if self.deaf.contains(&answer.id) {
            return;
        }
        self.letters.retain(|letter| letter.id != answer.id);
        let payment = self.waiting.remove(&answer.id);
        let wallet = &self.buyers[answer.buyer].wallet;
        let truth = self.truths.get_mut(&answer.id).unwrap();
        let (_, channel) = voucher_of(&truth.letter.payment);
        let channel_id = channel.parse().map(agent_core::voucher::ChannelId).unwrap();
        let Some(charged) = answer.charged else {
            let refused = SettleResponse {
                success: false,
                error_reason: Some("refused".to_owned()),
                ..self.buyers[answer.buyer].response(Json::default())
            };
            let told = wallet.confirm(&answer.id, &refused).await;
            told.expect("a refusal is believed");
            if let Some(theirs) = &answer.correction {
                let corrected = wallet.correct(channel_id, theirs).await;
                match corrected {
                    Ok(_) => self.count("corrected"),
                    // The seller charged for what the buyer was told was refused. It cannot know
                    // better than to distrust that, until a person has asked.
                    Err(CorrectionError::Overcharged { .. })
                        if self.was_deaf(answer.buyer, answer.seller) =>
                    {
                        let payee = self.sellers[answer.seller].address();
                        wallet.forgive(payee).await.unwrap();
                        self.count("distrusted");
                    }
                    Err(error) => panic!("an honest count is not believed: {error}"),
                }
            }
            return;
        };
        let receipt = Z402Receipt {
            payment_id: answer.id.as_str().to_owned(),
            channel_id,
            charged_amount: BaseUnits::new(charged),
            credit_token: None,
        };
        let receipt = self.buyers[answer.buyer].response(Json::from_value(&receipt).unwrap());
        let believed = wallet.confirm(&answer.id, &receipt).await;
        believed.unwrap_or_else(|error| panic!("{error} at seller {}", answer.seller));
        truth.believed = Some(charged);
        drop(payment);
    }

    /// Whether this buyer was ever told a refusal that was none of this seller's.
    fn was_deaf(&self, buyer: usize, seller: usize) -> bool {
        let letters = self.deaf.iter().map(|id| &self.truths[id].letter);
        letters
            .into_iter()
            .any(|letter| (letter.buyer, letter.seller) == (buyer, seller))
    }

    /// Whoever has seen what was paid tries to pay with it.
    async fn steal(&mut self) {
        let used: Vec<_> = self
            .truths
            .values()
            .filter(|truth| truth.runs > 0)
            .collect();
        if used.is_empty() {
            return;
        }
        let letter = used[self.dice.below(used.len())].letter.clone();
        let mut stolen: agent_core::x402::PaymentPayload = letter.payment.parse().unwrap();
        let mut at = letter.seller;
        let mut max = letter.max;
        let kind = self.dice.below(4);
        match kind {
            0 => {
                let id = format!("thief-{:016x}", self.dice.roll());
                let id = PaymentIdentifier::of(id);
                stolen.extensions.set(PAYMENT_IDENTIFIER, &id).unwrap();
            }
            1 => max = max.saturating_sub(1),
            2 => at = 1 - at,
            _ => stolen.accepted.amount = BaseUnits::new(1),
        }
        if kind == 1 && max == 0 || kind == 3 && letter.max == 1 {
            return;
        }
        let payment = Json::from_value(&stolen).unwrap();
        let admitted = self.sellers[at].admit(&payment, "task-thief", max).await;
        // With its own id and work a payment is the payer's again, who may ask twice.
        if let Ok(Admitted::New(_)) = admitted {
            panic!("a used voucher bought something: {kind}");
        }
        self.count("thefts refused");
    }

    /// A buyer asks again, with the same bytes.
    fn retry(&mut self) {
        let on_way: BTreeSet<_> = self.letters.iter().map(|letter| &letter.id).collect();
        let idle = |id: &&PaymentId| !on_way.contains(id);
        let waiting: Vec<_> = self.waiting.keys().filter(idle).cloned().collect();
        if !waiting.is_empty() {
            let id = &waiting[self.dice.below(waiting.len())];
            // Who asks again has hung up: no answer to what was asked before can come.
            self.answers.retain(|answer| answer.id != *id);
            self.letters.push(self.truths[id].letter.clone());
        }
    }

    /// A buyer gives up waiting.
    async fn lose_answer(&mut self) {
        let ids: Vec<_> = self.waiting.keys().cloned().collect();
        if ids.is_empty() {
            return;
        }
        let id = ids[self.dice.below(ids.len())].clone();
        let buyer = self.truths[&id].letter.buyer;
        let marked = self.buyers[buyer].wallet.mark_unknown(&id).await;
        marked.unwrap();
        self.waiting.remove(&id);
    }

    /// Something between the two answers that the request is malformed, and passes it on.
    async fn proxy_refuses(&mut self) {
        let ids: Vec<_> = self
            .letters
            .iter()
            .map(|letter| letter.id.clone())
            .collect();
        let waits = |id: &PaymentId| self.waiting.contains_key(id);
        if let Some(id) = ids.into_iter().find(waits) {
            let buyer = self.truths[&id].letter.buyer;
            self.buyers[buyer].wallet.void(&id).await.unwrap();
            self.waiting.remove(&id);
            self.deaf.insert(id);
            self.count("refused by proxies");
        }
    }

    async fn crash_buyer(&mut self) {
        let which = self.dice.below(2);
        let place = self.place();
        self.waiting
            .retain(|id, _| self.truths[id].letter.buyer != which);
        self.buyers[which].crash(&place).await;
        self.count("buyer crashes");
    }

    async fn crash_seller(&mut self) {
        let which = self.dice.below(2);
        let place = self.place();
        let running = std::mem::take(&mut self.sellers[which].calls);
        let settings = self.settings.clone();
        for call in &running {
            // What ran is given up when the seller starts again.
            let truth = self.truths.get_mut(call.reserved.payment_id()).unwrap();
            assert_eq!(truth.ended.replace(0), None);
        }
        drop(running);
        self.sellers[which].crash(&place, &settings).await;
        self.count("seller crashes");
    }

    async fn settle(&mut self) {
        let which = self.dice.below(2);
        self.sellers[which].settle(&self.net).await;
        self.count("settled");
    }

    fn reorg(&mut self) {
        let depth = 1 + self.dice.below(usize::try_from(FINAL_DEPTH).unwrap());
        self.net.reorg(u64::try_from(depth).unwrap());
        self.count("reorgs");
    }

    async fn look(&mut self) {
        for seller in &self.sellers {
            seller.look().await;
        }
        for buyer in &self.buyers {
            buyer.wallet.refresh().await.unwrap();
        }
    }

    /// Time passes; nobody sleeps through a deadline.
    async fn wait(&mut self) {
        let secs = u64::try_from(1 + self.dice.below(2_400)).unwrap();
        self.pass(secs).await;
        let now = self.net.now();
        for which in 0..2 {
            if self.dice.chance(50) {
                self.buyers[which].reclaim(now).await;
            }
        }
    }

    async fn pass(&mut self, secs: u64) {
        if secs > MARGIN_LEFT_SECS {
            // Work has a time-out that is shorter than the margin to a deadline.
            for which in 0..2 {
                while let Some(call) = self.sellers[which].calls.pop() {
                    self.end(which, call).await;
                }
            }
        }
        for seller in &self.sellers {
            seller.look().await;
            seller
                .settle_before(&self.net, secs.saturating_add(MARGIN_LEFT_SECS))
                .await;
        }
        self.net.wait(secs);
        self.clock.set_unix_secs(self.net.now());
    }

    /// Everything on its way arrives, everything under way ends, and all money goes home.
    pub(crate) async fn end_all(&mut self) {
        while let Some(letter) = self.letters.pop() {
            self.hand_over(letter).await;
        }
        for which in 0..2 {
            while !self.sellers[which].parked.is_empty() {
                self.go_on(which).await;
            }
            while let Some(call) = self.sellers[which].calls.pop() {
                let (id, buyer) = (call.reserved.payment_id().clone(), call.buyer);
                self.sellers[which].void(call).await;
                self.ended(id, buyer, which, 0);
            }
        }
        while let Some(answer) = self.answers.pop() {
            self.take_in(answer).await;
        }
        for seller in &self.sellers {
            seller.settle(&self.net).await;
        }
        self.net.mine(FINAL_DEPTH);
        self.look().await;
        self.net.wait(200_000);
        self.clock.set_unix_secs(self.net.now());
        for buyer in &self.buyers {
            buyer.reclaim(self.net.now()).await;
        }
        self.look().await;
    }
}

/// What may go on while a deadline comes nearer: half of the margin that gates keep.
const MARGIN_LEFT_SECS: u64 = crate::seller::MARGIN_SECS / 2;

/// Why a wallet may refuse to pay here.
const EXPECTED: &[&str] = &["wallet_too_many_in_flight"];

/// The ceiling and the channel of a voucher.
fn voucher_of(payment: &Json) -> (String, String) {
    let payload: agent_core::x402::PaymentPayload = payment.parse().unwrap();
    let Z402Payload::Voucher { voucher, .. } = payload.payload.parse().unwrap() else {
        panic!("a voucher")
    };
    let ceiling = voucher.max_claimable_amount.to_string();
    (ceiling, voucher.channel_id.to_string())
}

impl Buyer {
    /// Takes back what is over; that an opening was never mined is told once, and is no failure.
    async fn reclaim(&self, now: u64) {
        let mut told = self.wallet.reclaim(now).await;
        if let Err(WalletError::Escrow(EscrowError::NeverSent(_))) = &told {
            told = self.wallet.reclaim(now).await;
        }
        told.expect("everything that is over comes back");
    }

    fn response(&self, extra: Json) -> SettleResponse {
        SettleResponse {
            success: true,
            mode: Mode::Z,
            error_reason: None,
            error_message: None,
            payer: Some(self.address().to_string()),
            transaction: String::new(),
            network: self.wallet.network().to_string(),
            amount: None,
            extra,
            extensions: Metadata::new(),
        }
    }
}
