//! Everything that a buyer and a seller print, at the finest level, searched for their keys.

use crate::street::{BUYER, SELLER};
use agent_devnet::DEV_ACCOUNTS;
use agent_tests::e2e::{PRICE, Shop, WAIT, message, with_payment};
use alloy_primitives::hex;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::process::Command;

const LOUD: &str = "AGENT_TEST_LOUD";

/// Not a test of its own: sells, is paid, refuses, settles, and prints all there is to print. Does
/// nothing without its variable.
#[tokio::test(flavor = "multi_thread")]
async fn loud() {
    if std::env::var(LOUD).is_err() {
        return;
    }
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(std::io::stdout)
        .init();
    let shop = Shop::open().await;
    println!("{shop:?}");
    let purse = shop.purse(10 * PRICE);
    let peer = shop.peer();
    for (skill, ceiling) in [("echo", PRICE), ("panics", 2 * PRICE), ("less", 2 * PRICE)] {
        let payment = purse.payment(PRICE, ceiling);
        let paid = peer.send(with_payment(message(skill, "x"), &payment)).await;
        println!("{paid:?}");
    }
    // A payment that is wrong in every field, so that errors are printed too.
    let wrong = purse.payment(PRICE, 3 * PRICE).signed(&[27; 65]);
    println!("{:?}", peer.pay("echo", "x", &wrong).await);
    shop.agent().settle_now(WAIT).await.unwrap();
    let buys = crate::wallets::buys_one(&shop).await;
    println!("{buys:?}");
    println!("the loud one is done");
}

/// A key as it could stand in a text: in hexadecimal digits, in base64, or as a list of numbers.
fn forms(key: &[u8]) -> Vec<String> {
    let list = key.iter().map(u8::to_string).collect::<Vec<_>>();
    vec![
        hex::encode(key),
        STANDARD.encode(key),
        URL_SAFE_NO_PAD.encode(key),
        list.join(", "),
        // A part is as bad: half a key is found from the other half.
        hex::encode(&key[..16]),
        hex::encode(&key[16..]),
    ]
}

#[test]
fn nothing_that_is_printed_at_any_level_holds_a_key() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["keys::loud", "--exact", "--nocapture"])
        .env(LOUD, "1")
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    assert!(text.contains("the loud one is done"));
    assert!(
        text.contains("TRACE") && text.contains("agent_server"),
        "loud"
    );
    let folded = text.to_ascii_lowercase();
    for account in [SELLER, BUYER] {
        let key = hex::decode(DEV_ACCOUNTS[account].private_key).unwrap();
        for form in forms(&key) {
            assert!(!text.contains(&form), "the key of {account}");
            assert!(!folded.contains(&form.to_ascii_lowercase()));
        }
    }
    // The search finds what is there: the account's address is printed.
    let address = hex::encode(DEV_ACCOUNTS[SELLER].address);
    assert!(folded.contains(&address));
}
