//! One caller that asks too often is told when to come again; others do not notice.

use crate::house::{ALICE, BOB, House, reason};

#[tokio::test]
async fn a_caller_that_asks_too_often_waits_alone() {
    let house = House::of_two("[rate]\nper_sec = 1\nburst = 3\n").await;
    for _ in 0..3 {
        assert_eq!(house.list(ALICE).await.status, 200);
    }
    let rest = house.http("GET", "/rest/tasks", ALICE, "").await;
    for reply in [house.list(ALICE).await, rest] {
        assert_eq!(
            (reply.status, reason(&reply).as_str()),
            (429, "RESOURCE_EXHAUSTED")
        );
        assert!(reply.head.contains("\r\nretry-after: "), "{}", reply.head);
    }
    assert_eq!(house.list(BOB).await.status, 200);
}

#[tokio::test]
async fn those_without_a_name_count_by_the_address_that_a_trusted_proxy_gives() {
    let toml = "[rate]\nper_sec = 1\nburst = 2\n[proxy]\npeers = [\"127.0.0.1\"]\n";
    let house = House::open(toml).await;
    let of = |address: &str| format!("x-forwarded-for: {address}\r\n");
    for _ in 0..2 {
        assert_eq!(house.list(&of("203.0.113.7")).await.status, 200);
    }
    assert_eq!(house.list(&of("203.0.113.7")).await.status, 429);
    assert_eq!(
        house.list(&of("203.0.113.8, 203.0.113.7")).await.status,
        429
    );
    assert_eq!(house.list(&of("203.0.113.8")).await.status, 200);
}

#[tokio::test]
async fn what_a_stranger_says_of_its_address_is_not_believed() {
    let toml = "[rate]\nper_sec = 1\nburst = 2\ncount_loopback = true\n\
                [proxy]\npeers = [\"10.0.0.0/8\"]\n";
    let house = House::open(toml).await;
    let of = |address: &str| format!("x-forwarded-for: {address}\r\n");
    assert_eq!(house.list(&of("203.0.113.1")).await.status, 200);
    assert_eq!(house.list(&of("203.0.113.2")).await.status, 200);
    assert_eq!(house.list(&of("203.0.113.3")).await.status, 429);
}

#[tokio::test]
async fn guessing_keys_is_slowed_down() {
    let house = House::of_two("[rate]\nper_sec = 1\nburst = 2\ncount_loopback = true\n").await;
    for guess in ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"] {
        assert_eq!(house.list(&format!("x-key: {guess}\r\n")).await.status, 401);
    }
    let status = house.list("x-key: cccccccccccccccc\r\n").await.status;
    assert_eq!(status, 429);
}
