//! Good documents of each kind, from which inputs are made.

use super::{cards, proto};

fn bytes(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

pub(super) const SMALL_CARD: &str = r#"{"name":"n","description":"d","version":"1",
"supportedInterfaces":[{"url":"https://a.example/a2a","protocolBinding":"JSONRPC","protocolVersion":"1.0"}],
"capabilities":{"streaming":false},"defaultInputModes":["text/plain"],"defaultOutputModes":["text/plain"],
"skills":[{"id":"s","name":"s","description":"d","tags":["t"]}]}"#;

pub(super) const CARD: &str = r#"{"name":"Ünique \"n\"","description":"d","version":"1",
"documentationUrl":"https://a.example/docs","iconUrl":"","provider":{"url":"https://a.example","organization":"o"},
"supportedInterfaces":[{"url":"https://a.example/a2a","protocolBinding":"JSONRPC","tenant":"t","protocolVersion":"1.0"},
{"url":"https://a.example/rest","protocolBinding":"HTTP+JSON","protocolVersion":"0.3"}],
"capabilities":{"streaming":true,"pushNotifications":false,"extendedAgentCard":true,
"extensions":[{"uri":"urn:e","description":"d","required":true,"params":{"a":[1,2.5,null,{"b":-0.1}]}}]},
"securitySchemes":{"a":{"apiKeySecurityScheme":{"location":"header","name":"k"}},
"b":{"httpAuthSecurityScheme":{"scheme":"Bearer","bearerFormat":"JWT"}},
"c":{"oauth2SecurityScheme":{"oauth2MetadataUrl":"m","flows":{"authorizationCode":{"authorizationUrl":"a","tokenUrl":"t","scopes":{"s":"what"},"pkceRequired":true}}}},
"d":{"openIdConnectSecurityScheme":{"openIdConnectUrl":"o"}},"e":{"mtlsSecurityScheme":{}}},
"securityRequirements":[{"schemes":{"a":{"list":["x"]},"b":{"list":[]}}}],
"defaultInputModes":["text/plain"],"defaultOutputModes":["application/json"],
"skills":[{"id":"i","name":"n","description":"d","tags":[],"examples":["e"],"inputModes":["i/i"],
"securityRequirements":[{"schemes":{"a":{}}}]}]}"#;

const OLD_CARD: &str = r#"{"protocolVersion":"0.3.0","name":"n","description":"d","version":"1",
"url":"https://a.example/a2a","preferredTransport":"GRPC","additionalInterfaces":[
{"url":"https://a.example/rest","transport":"HTTP+JSON"},{"url":"https://a.example/a2a","transport":"GRPC"}],
"capabilities":{"streaming":true,"stateTransitionHistory":true},"supportsAuthenticatedExtendedCard":true,
"securitySchemes":{"a":{"type":"apiKey","in":"header","name":"k"},"b":{"type":"http","scheme":"bearer"},
"c":{"type":"oauth2","flows":{"implicit":{"authorizationUrl":"a","scopes":{}},"password":{"tokenUrl":"t","scopes":{"s":""}}}},
"d":{"type":"openIdConnect","openIdConnectUrl":"o"},"e":{"type":"mutualTLS"}},"security":[{"a":["x"],"b":[]}],
"defaultInputModes":["text/plain"],"defaultOutputModes":["text/plain"],
"skills":[{"id":"s","name":"s","description":"d","tags":["t"],"security":[{"a":[]}]}]}"#;

const MESSAGE: &str = r#"{"messageId":"m","contextId":"c","taskId":"t","role":"ROLE_AGENT",
"parts":[{"text":"x","metadata":{"k":1.0},"filename":"f","mediaType":"text/plain"},{"raw":"AAEC"},
{"url":"https://a.example"},{"data":{"a":[1,2.5e3,null,12345678901234567890]}},{"data":null}],
"metadata":{"z":{},"n":1e400},"extensions":["urn:e"],"referenceTaskIds":["r"]}"#;

const SEND: &str = r#"{"tenant":"q","message":{"messageId":"m","role":"ROLE_USER","parts":[{"text":"x"},{"raw":"AA=="}],
"metadata":{"x402.payment.status":"payment-submitted"}},"configuration":{"acceptedOutputModes":["text/plain"],
"historyLength":"3","returnImmediately":true,"taskPushNotificationConfig":{"id":"i","url":"https://a.example",
"token":"s","authentication":{"scheme":"Bearer","credentials":"c"}}},"metadata":{"a":{"b":[true]}}}"#;

pub(super) fn requests() -> Vec<Vec<u8>> {
    bytes(&[
        SEND,
        r#"{"message":{"messageId":"m","role":1,"parts":[{"text":"ask"}]}}"#,
        r#"{"message":{"message_id":"m","context_id":"c","role":"ROLE_USER","parts":[{"data":{"text":"fail"}}]}}"#,
        r#"{"tenant":"q","id":"t","historyLength":2,"metadata":{"a":1}}"#,
        r#"{"contextId":"c","status":"TASK_STATE_WORKING","pageSize":10,"pageToken":"0a","historyLength":0,
           "statusTimestampAfter":"2025-10-28T10:30:00.5+02:00","includeArtifacts":true}"#,
        r#"{"taskId":"t","id":"i","url":"https://a.example/hook","token":"s","pageSize":3,"pageToken":"61",
           "authentication":{"scheme":"Bearer","credentials":"c"}}"#,
        "{}",
    ])
}

/// Events and tasks of 1.0.
fn current() -> Vec<Vec<u8>> {
    let task = format!(
        r#"{{"id":"t","contextId":"c","status":{{"state":"TASK_STATE_INPUT_REQUIRED","message":{MESSAGE},
        "timestamp":"2026-11-22T09:00:00.123456789Z"}},"artifacts":[{{"artifactId":"a","name":"n","description":"d",
        "parts":[{{"text":"y"}}],"extensions":["urn:e"],"metadata":{{"k":true}}}}],"history":[{MESSAGE}],"metadata":{{"m":[]}}}}"#
    );
    let events = [
        format!(r#"{{"task":{task}}}"#),
        format!(r#"{{"message":{MESSAGE}}}"#),
        format!(r#"{{"statusUpdate":{{"taskId":"t","contextId":"c","status":{{"state":3,"message":{MESSAGE}}},"metadata":{{"a":1}}}}}}"#),
        r#"{"artifactUpdate":{"taskId":"t","contextId":"c","artifact":{"artifactId":"a","parts":[{"data":[1]}]},"append":true,"lastChunk":false}}"#.to_owned(),
        format!(r#"{{"tasks":[{task},{{}}],"nextPageToken":"0a","pageSize":2,"totalSize":7}}"#),
        r#"{"configs":[{"taskId":"t","id":"i","url":"u","authentication":{"scheme":"s"}}],"nextPageToken":"1"}"#.to_owned(),
        task.clone(),
    ];
    events.map(String::into_bytes).to_vec()
}

pub(super) fn objects() -> Vec<Vec<u8>> {
    let mut all = current();
    all.extend(bytes(&[
        MESSAGE,
        CARD,
        SMALL_CARD,
        r#"{"mtlsSecurityScheme":{"description":"d"}}"#,
    ]));
    all
}

pub(super) fn errors() -> Vec<Vec<u8>> {
    let details = r#"[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"TASK_NOT_FOUND","domain":"a2a-protocol.org",
        "metadata":{"taskId":"t","code":"x"}},{"@type":"type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations":[{"field":"message.parts[0]","description":"is empty"}]},{"@type":"other"}]"#;
    let texts = [
        format!(r#"{{"code":-32602,"message":"no","data":{details}}}"#),
        format!(
            r#"{{"error":{{"code":404,"status":"NOT_FOUND","message":"no","details":{details}}}}}"#
        ),
        r#"{"code":-32001,"type":"TaskNotFoundError","message":"no","data":{"any":"thing"}}"#
            .to_owned(),
        r#"{"message":"no","detail":"x"}"#.to_owned(),
    ];
    texts.map(String::into_bytes).to_vec()
}

/// Objects of 0.3 in both dialects, and of 1.0.
pub(super) fn older() -> Vec<Vec<u8>> {
    let message = r#"{"kind":"message","messageId":"m","contextId":"c","taskId":"t","role":"agent","parts":[
        {"kind":"text","text":"x","metadata":{"k":1.0}},{"kind":"file","file":{"name":"f","mimeType":"a/b","bytes":"AAEC"}},
        {"kind":"file","file":{"uri":"https://a.example"}},{"kind":"data","data":{"a":[1e400]}},
        {"kind":"data","data":{"value":7},"metadata":{"data_part_compat":true}}],
        "extensions":["urn:e"],"referenceTaskIds":["r"],"metadata":{"z":{}}}"#;
    let content = r#"{"messageId":"m","contextId":"c","role":"ROLE_USER","content":[{"text":"x"},
        {"file":{"fileWithBytes":"AAEC","mimeType":"a/b","name":"f"}},{"file":{"fileWithUri":"https://a.example"}},
        {"data":{"data":{"a":1}}}],"metadata":{"z":{}}}"#;
    let texts = [
        message.to_owned(),
        content.to_owned(),
        format!(r#"{{"message":{message},"configuration":{{"blocking":false,"historyLength":3,"acceptedOutputModes":["a/b"],
            "pushNotificationConfig":{{"id":"i","url":"u","token":"s","authentication":{{"schemes":["Bearer","Basic"],"credentials":"c"}}}}}},"metadata":{{"a":1}}}}"#),
        format!(r#"{{"request":{content},"configuration":{{"blocking":true,"pushNotification":{{"url":"u"}}}}}}"#),
        format!(r#"{{"kind":"task","id":"t","contextId":"c","status":{{"state":"input-required","message":{message},"timestamp":"2026-11-22T09:00:00"}},
            "history":[{message}],"artifacts":[{{"artifactId":"a","parts":[{{"kind":"text","text":"y"}}]}}]}}"#),
        format!(r#"{{"task":{{"id":"t","contextId":"c","status":{{"state":"TASK_STATE_CANCELLED","update":{content}}},"history":[{content}]}}}}"#),
        r#"{"kind":"status-update","taskId":"t","contextId":"c","status":{"state":"auth-required"},"final":true}"#.to_owned(),
        r#"{"kind":"artifact-update","taskId":"t","contextId":"c","artifact":{"artifactId":"a","parts":[]},"append":true,"lastChunk":true}"#.to_owned(),
        r#"{"statusUpdate":{"taskId":"t","contextId":"c","status":{"state":"TASK_STATE_WORKING"},"final":false}}"#.to_owned(),
        r#"{"taskId":"t","pushNotificationConfig":{"id":"i","url":"u"}}"#.to_owned(),
        r#"{"parent":"tasks/t","configId":"i","config":{"name":"tasks/t/pushNotificationConfigs/i","pushNotificationConfig":{"id":"i","url":"u"}}}"#.to_owned(),
        r#"{"configs":[{"name":"tasks/t/pushNotificationConfigs/i","pushNotificationConfig":{"url":"u"}}],"nextPageToken":"1"}"#.to_owned(),
        r#"[{"taskId":"t","pushNotificationConfig":{"url":"u"}}]"#.to_owned(),
        r#"{"name":"tasks/t/pushNotificationConfigs/i","historyLength":2,"id":"t","pushNotificationConfigId":"i","pageSize":1}"#.to_owned(),
    ];
    let mut all = texts.map(String::into_bytes).to_vec();
    all.extend(requests());
    all.extend(current());
    all
}

pub(super) fn cards_of_both() -> Vec<Vec<u8>> {
    let both = format!("{},{}", &CARD[..CARD.len() - 1], &OLD_CARD[1..]);
    bytes(&[CARD, SMALL_CARD, OLD_CARD, &both])
}

/// All that can be written in Protocol Buffers, each behind the number of its message.
pub(super) fn wires() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (schema, number) in proto::schemas().into_iter().zip(0..) {
        let texts = [json(), older()].concat();
        let wires = texts.iter().filter_map(|text| {
            let wire = schema.encode(std::str::from_utf8(text).ok()?).ok()?;
            (!wire.is_empty()).then(|| [vec![number], wire].concat())
        });
        all.extend(wires);
    }
    distinct(all)
}

/// Anything in JSON.
pub(super) fn json() -> Vec<Vec<u8>> {
    [
        requests(),
        objects(),
        errors(),
        bytes(&["[]", "null", "-0.0e-1", r#""\ud83d\ude00""#]),
    ]
    .concat()
}

pub(super) fn json_of_both() -> Vec<Vec<u8>> {
    distinct([json(), older(), cards_of_both()].concat())
}

fn distinct(mut all: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    all.sort();
    all.dedup();
    all
}

pub(super) fn signed() -> Vec<Vec<u8>> {
    [cards::signed(), cards_of_both()].concat()
}

pub(super) fn key_sets() -> Vec<Vec<u8>> {
    let more = bytes(&[
        r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","use":"sig","kid":"r"},{"kty":"oct","k":"AA"},
            {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"e","nbf":1,"exp":2,
            "key_ops":["verify"],"revoked":{"revoked_at":1}}]}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"AA","kid":"p"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"EdDSA","nbf":1,"exp":2}"#,
    ]);
    [cards::key_sets(), more].concat()
}

pub(super) fn times() -> Vec<Vec<u8>> {
    bytes(&[
        "2025-10-28T10:30:00.000Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999-00:00",
        "2024-02-29t23:59:60.5+23:59",
    ])
}

pub(super) fn traces() -> Vec<Vec<u8>> {
    bytes(&[
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\nrojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-more\n a@b=1 ,, c=d e\t",
    ])
}

pub(super) fn texts() -> Vec<Vec<u8>> {
    bytes(&[
        "plain",
        "\u{1b}[31mred\u{202e}\r\n\ttab",
        " 1.0 ",
        "0.3.7",
        "ES256K",
        "é\u{301}😀",
    ])
}

pub(super) fn amounts() -> Vec<Vec<u8>> {
    bytes(&[
        "0.001 USDC",
        " 340282366920938463463374607431768211455 A.b-C ",
        "1.000000000000000000000000000000000001 X",
        "340282366920938463463374607431768211455",
        "eip155:8453",
        "eip155:1:0x8004a1A1A1A1A1a1a1a1A1A1A1A1A1A1a1A1a1A1",
        "eip155:1:0x8004a1A1A1A1A1a1a1a1A1A1A1A1A1A1a1A1a1A1:22",
        "0x11111111111111111111111111111111111111111111111111111111111111112222222222222222222222222222222222222222222222222222222222222222222222221b",
    ])
}

const ADDRESS: &str = "0x8004a1A1A1A1A1a1a1a1A1A1A1A1A1A1a1A1a1A1";

pub(super) fn payments() -> Vec<Vec<u8>> {
    let channel = "0x1111111111111111111111111111111111111111111111111111111111111111";
    let signature = format!("0x{}1b", "11".repeat(64));
    let extra = format!(
        r#"{{"contract":"{ADDRESS}","name":"USD Coin","version":"2","minDeadlineSeconds":3600,"maxInFlight":64}}"#
    );
    let accepted = format!(
        r#"{{"scheme":"z402","network":"eip155:8453","amount":"1000","asset":"{ADDRESS}","payTo":"{ADDRESS}","maxTimeoutSeconds":60,"extra":{extra}}}"#
    );
    let voucher = format!(
        r#"{{"channelId":"{channel}","maxClaimableAmount":"1000","signature":"{signature}"}}"#
    );
    let payload = format!(
        r#"{{"type":"voucher","lock":{{"payer":"{ADDRESS}","signer":"{ADDRESS}","payee":"{ADDRESS}","token":"{ADDRESS}","salt":"7"}},"voucher":{voucher}}}"#
    );
    let texts = [
        format!(r#"{{"x402Version":2,"mode":"z","resource":{{"url":"u","mimeType":"a/b"}},"accepted":{accepted},"payload":{payload},"extensions":{{"payment-identifier":{{"info":{{"required":true,"id":"0123456789abcdef"}}}}}}}}"#),
        format!(r#"{{"x402Version":2,"mode":"x","error":"e","resource":{{"url":"u"}},"accepts":[{accepted}],"extensions":{{"a":1}}}}"#),
        format!(r#"{{"success":true,"mode":"z","payer":"{ADDRESS}","transaction":"","network":"eip155:1","amount":"1","extra":{{"paymentId":"p","channelId":"{channel}","chargedAmount":"1"}}}}"#),
        format!(r#"{{"x402Version":2,"modes":["z","x"],"schemes":["z402"],"asset":{{"network":"eip155:8453","address":"{ADDRESS}","symbol":"USDC","decimals":6,"name":"USD Coin","version":"2"}},"payTo":"{ADDRESS}","contract":"{ADDRESS}","minDeadlineSeconds":60,"maxInFlight":4,"maxTimeoutSeconds":60,"identity":{{"agentRegistry":"eip155:1:{ADDRESS}","agentId":"22"}},"skills":{{"s":{{"amount":"1000","unit":"word","unitAmount":"1","variable":true,"inputSchema":{{"type":"object"}}}}}}}}"#),
        format!(r#"{{"paymentId":"p","channelId":"{channel}","chargedAmount":"1"}}"#),
        r#"{"authorized":"1","claimed":"0","signed":"1","charged":"1","reserved":"0","deadline":1800000000}"#.to_owned(),
        r#"{"info":{"required":false}}"#.to_owned(),
        payload,
        voucher,
        extra,
    ];
    texts.map(String::into_bytes).to_vec()
}

pub(super) fn registrations() -> Vec<Vec<u8>> {
    let file = format!(
        r#"{{"type":"https://eips.ethereum.org/EIPS/eip-8004#registration-v1","name":"n","description":"d","image":"https://a.example/i.png",
        "services":[{{"name":"A2A","endpoint":"https://a.example/.well-known/agent-card.json","version":"1.0","a2aSkills":["s"]}},
        {{"name":"agentWallet","endpoint":"eip155:1:{ADDRESS}"}}],"x402Support":true,"active":true,
        "registrations":[{{"agentId":22,"agentRegistry":"eip155:1:{ADDRESS}"}},{{"agentId":"x"}}],"supportedTrust":["reputation"],"extra":{{"a":1.5}}}}"#
    );
    let old = r#"{"name":"n","endpoints":[{"name":"MCP","endpoint":"u"},7],"x402support":1,"supportedTrusts":["a"]}"#;
    let uri = agent_core::trust::data_uri::encode(file.as_bytes());
    bytes(&[&file, old, &uri])
}

pub(super) fn feedback() -> Vec<Vec<u8>> {
    let file = format!(
        r#"{{"agentRegistry":"eip155:8453:{ADDRESS}","agentId":241,"clientAddress":"eip155:8453:{ADDRESS}","createdAt":"2026-11-22T09:00:00Z",
        "value":92,"valueDecimals":0,"tag1":"starred","tag2":"a2a.task","endpoint":"https://a.example/a2a",
        "a2a":{{"contextId":"c","skills":["s"],"taskId":"t"}},"mcp":{{"tool":"x"}},"oasf":{{"skills":["a"]}},
        "proofOfPayment":{{"chainId":"8453","fromAddress":"{ADDRESS}","toAddress":"{ADDRESS}","txHash":"0x{}"}},
        "serviceReceipt":{{"signature":"0xabcd","version":1}},"other":[1e10]}}"#,
        "77".repeat(32)
    );
    bytes(&[
        &file,
        &file
            .replace("92", "-1")
            .replace("\"valueDecimals\":0", "\"valueDecimals\":18"),
    ])
}

pub(super) fn settings() -> Vec<Vec<u8>> {
    bytes(&[
        include_str!("../../../examples/agent.toml"),
        "name = \"n\"\nlisten = \"127.0.0.1:0\"\n[limits]\nbody_bytes = 1000\n[push]\nallow_http = true\n\
         [auth.schemes.key]\ntype = \"api_key\"\nin = \"header\"\nname = \"X-Key\"\n\
         callers.alice = { sha256 = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\" }\n\
         [proxy]\npeers = [\"10.0.0.0/8\", \"::1\"]\n[tenants]\nnames = [\"a\"]\n[card]\nkid = \"k\"\n",
        "chain = \"devnet\"\nkey = { file = \"payer.key\" }\ndata_dir = \"d\"\n[budget]\n\
         per_payment = \"0.01 USDC\"\nper_day = \"2 USDC\"\n[network]\nallow_loopback = true\n[cards]\n",
    ])
}
