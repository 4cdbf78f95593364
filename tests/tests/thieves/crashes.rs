//! Crashes before and after every durable step of a paid call, in every scheme: what is on the disk
//! at that moment is all that the next process has. The buyer asks again with the same bytes.

use crate::buyer::{Buyer, named};
use crate::street::{BUYER, PRICE, SELLER, Stall, Street, new};
use agent_core::json::Json;
use agent_core::ledger::Ledger as _;
use agent_core::x402::PaymentPayload;
use agent_server::gate::{Admitted, Settled};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Lock,
    Channel,
    Transfer,
}

/// What was done last before the crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Nothing,
    Reserved,
    /// The result is stored; the facilitator was not asked yet.
    Settling,
    /// The transfer is made, and the books do not know it.
    Settled,
    Posted,
}

const STEPS: [Step; 5] = [
    Step::Nothing,
    Step::Reserved,
    Step::Settling,
    Step::Settled,
    Step::Posted,
];

fn payment(buyer: &Buyer<'_>, stall: &Stall, scheme: Scheme) -> PaymentPayload {
    let payment = match scheme {
        Scheme::Lock => {
            let lock = buyer.lock(stall, 1, 10 * PRICE);
            buyer.on_lock(stall, lock, PRICE, PRICE)
        }
        Scheme::Channel => buyer.deposit(stall, buyer.channel(stall, 1), 10 * PRICE, PRICE),
        Scheme::Transfer => buyer.transfer(stall, 1, PRICE),
    };
    named("crashes", payment)
}

/// Goes as far as `last` and no further.
async fn goes(stall: &Stall, payment: &PaymentPayload, scheme: Scheme, last: Step) {
    if last < Step::Reserved {
        return;
    }
    let reserved = new(stall.admit(payment).await);
    if scheme == Scheme::Transfer && last >= Step::Settling {
        let result = Json::from_value(&"result").unwrap();
        let asked = stall.store.settling(&reserved, result).await.unwrap();
        if last >= Step::Settled {
            let settled = stall.gate.settle(&asked).await;
            assert!(matches!(settled, Settled::Paid(_)), "{settled:?}");
        }
    }
    if last >= Step::Posted {
        stall.charge(reserved, PRICE).await;
    }
}

/// What a start goes on with.
async fn goes_on(stall: &Stall) {
    for left in stall.store.unsettled().await.unwrap() {
        assert_eq!(left.outcome.get(), "\"result\"");
        let settled = stall.gate.settle(&left.request).await;
        assert!(matches!(settled, Settled::Paid(_)), "{settled:?}");
        stall.charge(left.reserved, PRICE).await;
    }
}

#[tokio::test]
async fn a_crash_at_any_step_charges_once_or_not_at_all_and_moves_money_once() {
    for scheme in [Scheme::Lock, Scheme::Channel, Scheme::Transfer] {
        for last in STEPS {
            let moves = matches!(last, Step::Settling | Step::Settled);
            if moves && scheme != Scheme::Transfer {
                continue;
            }
            let what = format!("{scheme:?} after {last:?}");
            let street = Street::open().await;
            let buyer = Buyer::new(&street, BUYER);
            let (start, had) = (street.tokens(SELLER).await, street.tokens(BUYER).await);
            let stall = street.stall(SELLER);
            let payment = payment(&buyer, &stall, scheme);
            goes(&stall, &payment, scheme, last).await;
            let mut heir = street.crash(stall).await;
            goes_on(&heir).await;
            if last == Step::Nothing {
                // Reserved by the repeat, and cut off once more.
                drop(new(heir.admit(&payment).await));
                heir = street.crash(heir).await;
            }
            let told = heir.admit(&payment).await;
            assert!(matches!(told, Ok(Admitted::Same(_))), "{what} {told:?}");
            let charged = if last >= Step::Settling { PRICE } else { 0 };
            assert_eq!(heir.charged().await, charged, "{what}");
            assert_eq!(heir.pending().await, 0, "{what}");
            // On chain: a deposit or a lock once, a transfer once if it was charged.
            let (moved, earned) = match scheme {
                Scheme::Lock | Scheme::Channel => (10 * PRICE, 0),
                Scheme::Transfer => (charged, charged),
            };
            assert_eq!(street.tokens(BUYER).await, had - moved, "{what}");
            assert_eq!(street.tokens(SELLER).await, start + earned, "{what}");
        }
    }
}
