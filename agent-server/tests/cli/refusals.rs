//! What cannot be done is said with the status that scripts go by.

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_status_says_whether_the_command_or_the_work_was_wrong() {
    let world = World::new().await;
    let devnet = &["--devnet", "2"][..];
    let unusable: [&[&str]; 7] = [
        &["no-such-command"],
        &["find"],
        // No configuration file is there.
        &["wallet"],
        &["find", "shout", "--devnet", "2", "--max-price", "cheap"],
        &["find", "shout", "--devnet", "2", "--min-trust", "7"],
        &["trust", "explain", "nobody", "--devnet", "2"],
        // The seller never ran here: that its empty ledger is right would be a lie.
        &["ledger", "verify"],
    ];
    for arguments in unusable {
        let ran = world.agent(arguments).await;
        assert_eq!(ran.status, 2, "{arguments:?} {ran:?}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
    let refused: [&[&str]; 4] = [
        &["find", "shout"],
        &["card", "http://127.0.0.1:1/"],
        &["ask", "http://127.0.0.1:1/", "shout", "hello"],
        &["feedback", "list", "7"],
    ];
    for arguments in refused {
        let ran = world.agent(&[arguments, devnet].concat()).await;
        assert_eq!(ran.status, 1, "{arguments:?} {ran:?}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(ran.stderr.starts_with("error: "), "{arguments:?} {ran:?}");
    }
    let books = world.buyer(&["wallet", "--json"]).await.json(0);
    assert_eq!(books["payments"]["made"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_has_one_owner_and_says_so() {
    use agent_client::{buyer::Buyer, settings::ChainSettings, wallet::PayerKey};
    let world = World::new().await;
    let key = PayerKey::from_hex(agent_devnet::DEV_ACCOUNTS[2].private_key).unwrap();
    let settings = ChainSettings::devnet(world.devnet.url());
    let owner = Buyer::builder(settings, key, world.dir.path().join("buyer-data"));
    let owner = owner.open().await.unwrap();
    let refused = world.buyer(&["wallet"]).await;
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(
        refused.stderr.contains("wait for the program"),
        "{refused:?}"
    );
    owner.close().await;
    assert!(
        world
            .buyer(&["wallet"])
            .await
            .text()
            .contains("deposited  0 USDC")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_asked_over_the_binding_that_is_named_or_not_at_all() {
    let mut world = World::new().await;
    let url = world.sell().await;
    for wire in [["HTTP+JSON", "1.0"], ["GRPC", "1.0"], ["JSONRPC", "0.3"]] {
        let over = ["--binding", wire[0], "--a2a-version", wire[1]];
        let asked = world
            .buyer(&[&["ask", url.as_str(), "shout", "hello"], over.as_slice()].concat())
            .await;
        assert_eq!(asked.text().trim(), "HELLO", "{wire:?}");
    }
    for (option, value, told) in [
        ("--binding", "SOAP", "there is no binding `SOAP`"),
        ("--a2a-version", "2.0", "A2A 2.0 is not spoken here"),
        (
            "--bearer-env",
            "NO_SUCH_TOKEN",
            "the environment has no `NO_SUCH_TOKEN`",
        ),
        ("--header-env", "X-API-Key", "NAME=VARIABLE"),
    ] {
        let refused = world
            .buyer(&["ask", &url, "shout", "hello", option, value])
            .await;
        assert_eq!(refused.status, 2, "{refused:?}");
        assert!(refused.stderr.contains(told), "{refused:?}");
    }
}
