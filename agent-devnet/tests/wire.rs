//! What hostile or clumsy clients send.

mod common;

use agent_devnet::{CONTRACTS, Devnet, DevnetConfig, StartError, limits};
use common::{account, devnet, post, rpc};
use serde_json::{Value, json};

#[tokio::test]
async fn malformed_requests_are_answered_and_survived() {
    let devnet = devnet().await;
    let url = devnet.url();
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_call\",\"params\":{}",
        "[".repeat(10_000)
    );
    for body in [
        "",
        "{",
        "nonsense",
        "null",
        "[]",
        "{\"jsonrpc\":\"2.0\"}",
        &deep,
    ] {
        let (status, answer) = post(&url, body).await;
        assert!((200..500).contains(&status), "{status} for {body:.40}");
        assert!(!answer.contains("\"result\""), "{answer}");
    }
    for (method, params) in [
        ("eth_nothing", json!([])),
        ("eth_call", json!([])),
        ("eth_call", json!(["0x"])),
        ("eth_call", json!([{"to": "0x12"}, "latest"])),
        ("eth_call", json!([{}, "someday"])),
        (
            "eth_call",
            json!([{}, "latest", {account(0).to_string(): {"balance": "0x1"}}]),
        ),
        ("eth_getBalance", json!({"address": "0x0"})),
        ("eth_getBlockByNumber", json!([-1, false])),
        ("eth_sendRawTransaction", json!(["0x00"])),
        ("eth_sendRawTransaction", json!(["hello"])),
        ("eth_sendTransaction", json!([{"from": CONTRACTS.usdc}])),
        ("eth_feeHistory", json!(["0x1", "latest", [50, 20]])),
        ("eth_feeHistory", json!(["0x1", "latest", vec![1; 101]])),
        ("eth_getFilterChanges", json!(["0x63"])),
        ("evm_increaseTime", json!(["0xffffffffffffffff"])),
        ("evm_setNextBlockTimestamp", json!([0])),
        ("evm_mine", json!([{"blocks": 10_001}])),
        ("anvil_mine", json!(["0xffffffffffffffff"])),
        ("anvil_reorg", json!([1])),
        ("anvil_setCode", json!([account(0), "0xef0100"])),
    ] {
        let answer = rpc(&url, method, params.clone()).await;
        assert!(answer.get("error").is_some(), "{method} {params}: {answer}");
    }
    assert_eq!(
        rpc(&url, "eth_blockNumber", json!([])).await["result"],
        "0x0"
    );
}

#[tokio::test]
async fn what_is_unknown_is_null_and_not_an_error() {
    let devnet = devnet().await;
    let nothing = format!("{:#066x}", 1);
    for (method, params) in [
        ("eth_getTransactionReceipt", json!([nothing])),
        ("eth_getTransactionByHash", json!([nothing])),
        ("eth_getBlockByHash", json!([nothing, false])),
        ("eth_getBlockByNumber", json!(["0x9", true])),
        ("eth_getBlockReceipts", json!(["0x9"])),
    ] {
        let answer = rpc(&devnet.url(), method, params).await;
        assert_eq!(
            answer.get("result"),
            Some(&Value::Null),
            "{method}: {answer}"
        );
    }
}

#[tokio::test]
async fn bodies_and_batches_are_bounded() {
    let devnet = devnet().await;
    let call = |id: u32| json!({"jsonrpc": "2.0", "id": id, "method": "eth_chainId", "params": []});
    let batch = |size: u32| Value::from((0..size).map(call).collect::<Vec<_>>()).to_string();
    let (_, answer) = post(&devnet.url(), batch(limits::MAX_BATCH)).await;
    let answers: Vec<Value> = serde_json::from_str(&answer).unwrap();
    assert_eq!(answers.len(), 100);
    assert!(answers.iter().all(|answer| answer["result"] == "0x14a34"));
    let (_, answer) = post(&devnet.url(), batch(limits::MAX_BATCH + 1)).await;
    assert!(answer.contains("batch"), "{answer}");

    let size = usize::try_from(limits::MAX_REQUEST_BYTES).unwrap();
    let mut body = call(1).to_string();
    body.push_str(&" ".repeat(size - body.len()));
    let (status, _) = post(&devnet.url(), body.clone()).await;
    assert_eq!(status, 200);
    body.push(' ');
    let (status, _) = post(&devnet.url(), body).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn control_methods_work_by_name() {
    let devnet = devnet().await;
    let url = devnet.url();
    let result = async |method: &str, params: Value| {
        let answer = rpc(&url, method, params).await;
        answer
            .get("result")
            .cloned()
            .unwrap_or_else(|| panic!("{method}: {answer}"))
    };
    let someone = account(3);
    let snapshot = result("evm_snapshot", json!([])).await;
    assert_eq!(result("evm_increaseTime", json!([3_600])).await, 3_600);
    result("evm_mine", json!([])).await;
    result("hardhat_mine", json!(["0x2", "0xa"])).await;
    assert_eq!(result("eth_blockNumber", json!([])).await, "0x3");
    result("anvil_setBalance", json!([someone, "0x7"])).await;
    result("hardhat_setNonce", json!([someone, "0x5"])).await;
    result("anvil_setCode", json!([someone, "0x6001"])).await;
    let value = format!("{:#066x}", 9);
    assert_eq!(
        result("anvil_setStorageAt", json!([someone, "0x1", value])).await,
        true
    );
    assert_eq!(
        result("eth_getBalance", json!([someone, "latest"])).await,
        "0x7"
    );
    assert_eq!(
        result("eth_getTransactionCount", json!([someone, "pending"])).await,
        "0x5"
    );
    assert_eq!(result("eth_getCode", json!([someone])).await, "0x6001");
    assert_eq!(
        result("eth_getStorageAt", json!([someone, "0x1", "latest"])).await,
        value
    );
    result("anvil_reorg", json!([2, []])).await;
    assert_eq!(result("eth_blockNumber", json!([])).await, "0x3");
    assert_eq!(result("evm_revert", json!([snapshot])).await, true);
    assert_eq!(result("evm_revert", json!([snapshot])).await, false);
    assert_eq!(result("eth_blockNumber", json!([])).await, "0x0");

    result("evm_setAutomine", json!([false])).await;
    let transfer = json!([{"from": account(0), "to": someone, "value": "0x1"}]);
    let hash = result("eth_sendTransaction", transfer).await;
    assert_eq!(
        result("eth_getTransactionReceipt", json!([hash])).await,
        Value::Null
    );
    result("evm_setAutomine", json!([true])).await;
    assert_eq!(
        result("eth_getTransactionReceipt", json!([hash])).await["status"],
        "0x1"
    );
    let block = result("eth_getBlockByNumber", json!(["latest", true])).await;
    assert_eq!(block["transactions"][0]["hash"], hash);
    assert_eq!(
        result("eth_accounts", json!([]))
            .await
            .as_array()
            .unwrap()
            .len(),
        20
    );
    assert_eq!(result("net_version", json!([])).await, "84532");
    assert_eq!(result("eth_syncing", json!([])).await, false);
}

#[tokio::test]
async fn only_loopback_is_served() {
    let config = DevnetConfig::default().with_listen("0.0.0.0:0".parse().unwrap());
    assert!(matches!(
        Devnet::start(config).await,
        Err(StartError::NotLoopback(_))
    ));
    let taken = devnet().await;
    let config = DevnetConfig::default().with_listen(taken.address());
    assert!(matches!(
        Devnet::start(config).await,
        Err(StartError::Serve(_))
    ));
}
