//! Random histories against a model that fits on a page.

use crate::support::*;
use agent_core::a2a::TaskState;
use agent_core::ledger::{Ledger, Reserve, Reserved, Unparked};
use agent_core::voucher::Lock;
use agent_server::store::SqliteStore;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

const LOCKS: usize = 2;

#[derive(Debug, Clone)]
enum Step {
    /// A payment on a lock, its ceiling so far above (or below) what was signed.
    Reserve {
        lock: usize,
        above: i8,
        max: u8,
    },
    /// The newest payment once more.
    Repeat,
    /// One of the running calls ends; the charge in percent of its reservation.
    Post {
        pick: usize,
        percent: u8,
    },
    Void {
        pick: usize,
    },
    Park {
        pick: usize,
    },
    Unpark {
        pick: usize,
    },
    TopUp {
        lock: usize,
        by: u8,
    },
    /// The chain has paid so many percent of what could be claimed.
    Claim {
        lock: usize,
        percent: u8,
    },
    /// The process ends, with what runs still running, and starts again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let lock = 0..LOCKS;
    let pick = any::<usize>();
    let percent = 0..=100_u8;
    prop_oneof![
        6 => (lock.clone(), -20..=60_i8, 0..=40_u8)
            .prop_map(|(lock, above, max)| Step::Reserve { lock, above, max }),
        1 => Just(Step::Repeat),
        4 => (pick, percent.clone()).prop_map(|(pick, percent)| Step::Post { pick, percent }),
        1 => pick.prop_map(|pick| Step::Void { pick }),
        1 => pick.prop_map(|pick| Step::Park { pick }),
        1 => pick.prop_map(|pick| Step::Unpark { pick }),
        1 => (lock.clone(), any::<u8>()).prop_map(|(lock, by)| Step::TopUp { lock, by }),
        1 => (lock, percent).prop_map(|(lock, percent)| Step::Claim { lock, percent }),
        1 => Just(Step::Restart),
    ]
}

/// What a channel must be, by plain arithmetic.
#[derive(Debug, Default, Clone, PartialEq)]
struct Model {
    authorized: u128,
    claimed: u128,
    signed: u128,
    charged: u128,
    reserved: u128,
    in_flight: u32,
    ceilings: BTreeSet<u128>,
}

impl Model {
    fn admits(&self, ceiling: u128, max: u128) -> bool {
        let required = self.charged + self.reserved + max;
        !self.ceilings.contains(&ceiling)
            && ceiling <= self.authorized
            && required <= self.signed.max(ceiling)
            && self.in_flight < rules().max_in_flight
    }
}

struct World {
    path: PathBuf,
    store: SqliteStore,
    locks: Vec<Lock>,
    models: Vec<Model>,
    running: Vec<(String, usize, Reserved)>,
    parked: BTreeMap<String, (usize, u128)>,
    newest: Option<(usize, String, u128, u128)>,
    named: u32,
}

impl World {
    async fn new(path: PathBuf) -> Self {
        let store = open(&path);
        let locks: Vec<_> = (1..).take(LOCKS).map(lock).collect();
        for lock in &locks {
            store
                .observe((*lock).into(), on_chain(200, 0))
                .await
                .unwrap();
        }
        let models = vec![
            Model {
                authorized: 200,
                ..Model::default()
            };
            LOCKS
        ];
        let (running, parked) = (Vec::new(), BTreeMap::new());
        Self {
            path,
            store,
            locks,
            models,
            running,
            parked,
            newest: None,
            named: 0,
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Reserve { lock, above, max } => {
                let ceiling = self.models[lock].signed.saturating_add_signed(above.into());
                self.reserve(lock, ceiling, max.into()).await;
            }
            Step::Repeat => self.repeat().await,
            Step::Post { pick, percent } => {
                if let Some((name, lock, reserved)) = self.pick(pick) {
                    let actual = reserved.amount().get() * u128::from(percent) / 100;
                    self.free(lock, reserved.amount().get());
                    self.models[lock].charged += actual;
                    let ended = task(&name, TaskState::Completed, 3);
                    self.store
                        .post(reserved, units(actual), ended)
                        .await
                        .unwrap();
                }
            }
            Step::Void { pick } => {
                if let Some((name, lock, reserved)) = self.pick(pick) {
                    self.free(lock, reserved.amount().get());
                    let ended = task(&name, TaskState::Failed, 3);
                    self.store.void(reserved, ended).await.unwrap();
                }
            }
            Step::Park { pick } => {
                if let Some((name, lock, reserved)) = self.pick(pick) {
                    self.parked
                        .insert(name.clone(), (lock, reserved.amount().get()));
                    let waits = task(&name, TaskState::InputRequired, 2);
                    self.store.park(reserved, waits).await.unwrap();
                }
            }
            Step::Unpark { pick } => self.unpark(pick).await,
            Step::TopUp { lock, by } => {
                self.models[lock].authorized += u128::from(by);
                self.observe(lock).await;
            }
            Step::Claim { lock, percent } => {
                let model = &mut self.models[lock];
                let claimable = model.charged - model.claimed;
                model.claimed += claimable * u128::from(percent) / 100;
                self.observe(lock).await;
            }
            Step::Restart => self.restart().await,
        }
    }

    async fn reserve(&mut self, lock: usize, ceiling: u128, max: u128) {
        self.named += 1;
        let name = format!("p{}", self.named);
        let answer = self
            .store
            .reserve(request(&name, &self.locks[lock], ceiling, max))
            .await;
        let model = &mut self.models[lock];
        assert_eq!(
            matches!(answer, Ok(Reserve::New(_))),
            model.admits(ceiling, max),
            "{answer:?} with {model:?}, ceiling {ceiling}, max {max}"
        );
        if let Ok(Reserve::New(reserved)) = answer {
            model.ceilings.insert(ceiling);
            model.signed = model.signed.max(ceiling);
            model.reserved += max;
            model.in_flight += 1;
            self.newest = Some((lock, name.clone(), ceiling, max));
            self.running.push((name, lock, reserved));
        }
    }

    async fn repeat(&mut self) {
        let Some((lock, name, ceiling, max)) = self.newest.clone() else {
            return;
        };
        let open = self.parked.contains_key(&name)
            || self.running.iter().any(|(running, _, _)| *running == name);
        let again = request(&name, &self.locks[lock], ceiling, max);
        match self.store.reserve(again).await.unwrap() {
            Reserve::Busy { task_id } => assert!(open && task_id == format!("task-{name}")),
            Reserve::Same { task_id } => assert!(!open && task_id == format!("task-{name}")),
            other => panic!("{other:?}"),
        }
    }

    async fn unpark(&mut self, pick: usize) {
        let Some(name) = self
            .parked
            .keys()
            .nth(pick % self.parked.len().max(1))
            .cloned()
        else {
            return;
        };
        let (lock, amount) = self.parked.remove(&name).unwrap();
        let unparked = self.store.unpark(format!("task-{name}"), NOW_MILLIS).await;
        let (Unparked::Held(reserved) | Unparked::Expired(reserved)) = unparked.unwrap() else {
            panic!("it is parked");
        };
        assert_eq!(reserved.amount(), units(amount));
        self.running.push((name, lock, reserved));
    }

    async fn observe(&self, lock: usize) {
        let Model {
            authorized,
            claimed,
            ..
        } = self.models[lock];
        self.store
            .observe(self.locks[lock].into(), on_chain(authorized, claimed))
            .await
            .unwrap();
    }

    async fn restart(&mut self) {
        for (_, lock, reserved) in std::mem::take(&mut self.running) {
            self.free(lock, reserved.amount().get());
        }
        self.store.close().await;
        self.store = open(&self.path);
        let parked = u64::try_from(self.parked.len()).unwrap();
        assert_eq!(self.store.recovery().parked, parked);
    }

    fn pick(&mut self, pick: usize) -> Option<(String, usize, Reserved)> {
        let count = self.running.len();
        (count > 0).then(|| self.running.swap_remove(pick % count))
    }

    fn free(&mut self, lock: usize, amount: u128) {
        self.models[lock].reserved -= amount;
        self.models[lock].in_flight -= 1;
    }

    async fn check(&self) {
        assert_right(&self.store).await;
        for (lock, model) in self.locks.iter().zip(&self.models) {
            let channel = self
                .store
                .channel(id_of(lock))
                .await
                .unwrap()
                .unwrap()
                .channel;
            let found = Model {
                authorized: channel.authorized.get(),
                claimed: channel.claimed.get(),
                signed: channel.signed.get(),
                charged: channel.charged.get(),
                reserved: channel.reserved.get(),
                in_flight: channel.in_flight,
                ceilings: model.ceilings.clone(),
            };
            assert_eq!(found, *model);
        }
        let unclaimed: u128 = self
            .models
            .iter()
            .map(|model| model.charged - model.claimed)
            .sum();
        let claims = self.store.claims(10).await.unwrap();
        let listed: u128 = claims
            .iter()
            .map(|c| c.charged.get() - c.claimed.get())
            .sum();
        assert_eq!(listed, unclaimed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_leaves_the_books_right(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let mut world = World::new(dir.path().join("books.db")).await;
            for step in steps {
                world.step(step).await;
                world.check().await;
            }
            world.restart().await;
            world.check().await;
        });
    }
}
