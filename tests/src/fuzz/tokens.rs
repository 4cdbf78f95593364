//! Credentials: tokens, keys in headers, queries and cookies, and what proxies say of certificates.

use agent_core::a2a::ErrorCode;
use agent_core::clock::{Clock, ManualClock};
use agent_server::auth::{AccessPolicy, Presented};
use agent_server::config::AgentConfig;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

const NOW: u64 = 1_800_000_000;
const KEY: &str = "a-key-that-nobody-guesses";

static PAIR: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap());

/// All tokens that were ever signed, as they are sent.
static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let header = json!({ "alg": "EdDSA", "kid": "1", "typ": "JWT" });
    let claims = json!({
        "iss": "https://issuer.example", "sub": "alice", "aud": ["agent"], "exp": NOW + 300,
        "nbf": NOW - 5, "scope": "a b"
    });
    let mut late = claims.clone();
    late["exp"] = (NOW - 300).into();
    [
        (json!({ "alg": "EdDSA" }), &claims),
        (header.clone(), &claims),
        (header, &late),
    ]
    .map(|(header, claims)| token(&header, claims))
    .to_vec()
});

fn token(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = PAIR.sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What comes before a body: a line of the query, then headers.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let tokens = TOKENS
        .iter()
        .map(|token| format!("\nauthorization: Bearer {token}"));
    let others = [
        format!("\nx-key: {KEY}"),
        format!("key={KEY}&other=1"),
        format!("\ncookie: other=1; key={KEY}\ncookie: more=2"),
        "\nx-forwarded-client-cert: By=spiffe://a;Hash=00;Subject=\"CN=alice,O=a\\\"b\";URI=u"
            .to_owned(),
    ];
    tokens.chain(others).map(String::into_bytes).collect()
}

static POLICY: LazyLock<AccessPolicy> = LazyLock::new(|| {
    let files = tempfile::tempdir().expect("a place for a file");
    let jwks = files.path().join("jwks.json");
    let public = URL_SAFE_NO_PAD.encode(PAIR.public_key());
    let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "1", "x": public }] });
    std::fs::write(&jwks, set.to_string()).unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, KEY.as_bytes());
    let digest = alloy_primitives::hex::encode(digest);
    let key = |place: &str, name: &str| {
        format!(
            "[auth.schemes.{place}]\ntype = \"api_key\"\nin = \"{place}\"\nname = \"{name}\"\n\
             callers.alice = {{ sha256 = \"{digest}\" }}\n"
        )
    };
    let text = format!(
        "[auth.schemes.token]\ntype = \"jwt\"\nissuer = \"https://issuer.example\"\n\
         audience = [\"agent\"]\njwks = {{ file = '{}' }}\n\
         [auth.schemes.certificate]\ntype = \"certificate\"\npeers = [\"127.0.0.1\"]\n\
         {}{}{}",
        jwks.display(),
        key("header", "x-key"),
        key("query", "key"),
        key("cookie", "key"),
    );
    let config = AgentConfig::parse(&text).unwrap().auth.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at_unix_secs(NOW));
    let mut policy = AccessPolicy::new("fuzz");
    config.apply(&mut policy, &clock, &|_| None).unwrap();
    policy.settled()
});

/// Nobody is let in who does not hold a credential, and whoever is not is told why and nothing of
/// what they sent.
pub(super) fn credentials(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (query, lines) = text.split_once('\n').unwrap_or((&text, ""));
    let mut headers = HeaderMap::new();
    for (name, value) in lines.lines().filter_map(|line| line.split_once(": ")) {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    let certificate = headers.contains_key("x-forwarded-client-cert");
    for peer in [
        None,
        Some(IpAddr::from([127, 0, 0, 1])),
        Some(IpAddr::from([192, 0, 2, 1])),
    ] {
        let presented = Presented {
            headers: &headers,
            query: Some(query),
            peer,
        };
        let said = POLICY.admit(&presented).now_or_never();
        match said.expect("fixed keys are not waited for") {
            Ok(caller) => {
                let caller = caller.expect("nobody is anonymous here");
                let at_proxy = certificate && peer == Some(IpAddr::from([127, 0, 0, 1]));
                let held = text.contains(KEY) || holds_token(&headers) || at_proxy;
                assert!(held, "{caller} was let in");
                assert!(caller.len() <= 4_096 && !caller.chars().any(char::is_control));
            }
            Err(denied) => {
                let known = [ErrorCode::Unauthenticated, ErrorCode::PermissionDenied];
                assert!(known.contains(&denied.error.code()), "{denied:?}");
                super::objects::is_sound(&denied.error);
                for challenge in &denied.challenges {
                    HeaderValue::from_str(challenge).expect("a header");
                }
            }
        }
    }
}

/// Whether one of the tokens is there whose signature holds and that is not too late.
fn holds_token(headers: &HeaderMap) -> bool {
    let value = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let sent = value
        .and_then(|value| value.split_once(' '))
        .map(|(_, token)| token.trim());
    sent.is_some_and(|sent| TOKENS[..2].iter().any(|token| token == sent))
}
