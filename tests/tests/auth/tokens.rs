//! Bearer tokens: what holds, and each way in which one does not.

use crate::house::{House, NOW, detail, reason};
use crate::issuer::{Issuer, Key, jwks};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

fn claims() -> Value {
    json!({ "iss": "https://issuer.example", "sub": "alice", "aud": "agent", "exp": NOW + 300 })
}

fn config(url: &str, more: &str) -> String {
    format!(
        "[auth.schemes.token]\ntype = \"jwt\"\nissuer = \"https://issuer.example\"\n\
         audience = [\"agent\", \"other\"]\nalgorithms = [\"ES256\", \"ES256K\", \"EdDSA\", \"RS256\"]\n\
         jwks = {{ private_url = \"{url}\" }}\nleeway_secs = 30\n{more}"
    )
}

async fn tried(house: &House, token: &str) -> (u16, String) {
    let reply = house
        .list(&format!("authorization: Bearer {token}\r\n"))
        .await;
    let code = if reply.status == 200 {
        String::new()
    } else {
        detail(&reply)
    };
    (reply.status, code)
}

#[tokio::test]
async fn tokens_of_every_algorithm_hold() {
    let keys = [Key::es256(), Key::es256k(), Key::eddsa(), Key::rs256()];
    let public: Vec<Value> = keys.iter().map(|key| key.jwk(key.alg())).collect();
    let issuer = Issuer::open(jwks(&public)).await;
    let house = House::open(&config(&issuer.url, "")).await;
    for key in &keys {
        assert_eq!(
            tried(&house, &key.token(key.alg(), &claims())).await,
            (200, String::new())
        );
        // Without a name for the key, there is one that fits.
        let token = key.token_with(&json!({ "alg": key.alg() }), &claims());
        assert_eq!(tried(&house, &token).await.0, 200, "{}", key.alg());
    }
    assert_eq!(issuer.asked(), 1);
    let card = house
        .http("GET", "/.well-known/agent-card.json", "", "")
        .await
        .json();
    let scheme = &card["securitySchemes"]["token"]["httpAuthSecurityScheme"];
    assert_eq!(
        (&scheme["scheme"], &scheme["bearerFormat"]),
        (&json!("Bearer"), &json!("JWT"))
    );
}

#[tokio::test]
async fn what_does_not_hold_is_refused_for_its_reason() {
    let key = Key::es256();
    let issuer = Issuer::open(jwks(&[key.jwk("1")])).await;
    let house = House::open(&config(&issuer.url, "")).await;
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        key.token("1", &claims)
    };
    for (token, code) in [
        (with("exp", json!(NOW - 31)), "expired"),
        (with("exp", Value::Null), "no_expiry"),
        (with("exp", json!("soon")), "malformed_token"),
        (with("nbf", json!(NOW + 31)), "not_yet_valid"),
        (with("aud", json!("somebody")), "audience"),
        (with("aud", json!([])), "audience"),
        (with("aud", Value::Null), "audience"),
        (with("iss", json!("https://issuer.example/")), "issuer"),
        (with("iss", Value::Null), "issuer"),
        (with("sub", Value::Null), "no_subject"),
        (with("sub", json!("")), "no_subject"),
        (with("sub", json!("a\nb")), "caller_name"),
        (with("sub", json!("a".repeat(600))), "caller_name"),
        (with("pad", json!("a".repeat(9_000))), "token_too_long"),
        ("a.b".to_owned(), "malformed_token"),
        ("a.b.c".to_owned(), "malformed_token"),
        (format!("{}.x", with("sub", json!("a"))), "malformed_token"),
        (Key::es256().token("1", &claims()), "bad_signature"),
        (
            key.token_with(
                &json!({ "alg": "ES256", "kid": "1", "typ": "logout+jwt" }),
                &claims(),
            ),
            "token_type",
        ),
        (
            key.token_with(
                &json!({ "alg": "ES256", "kid": "1", "crit": ["x"] }),
                &claims(),
            ),
            "critical_header",
        ),
    ] {
        let reply = house
            .list(&format!("authorization: Bearer {token}\r\n"))
            .await;
        assert_eq!((reply.status, detail(&reply).as_str()), (401, code));
        let challenge = format!(
            "www-authenticate: bearer realm=\"house\", error=\"invalid_token\", error_description=\"{code}\""
        );
        assert!(reply.head.contains(&challenge), "{}", reply.head);
        assert!(!reply.body.contains(&token), "a token is never repeated");
    }
    for edge in [
        with("exp", json!(NOW - 29)),
        with("nbf", json!(NOW + 30)),
        with("exp", json!(1_800_000_300.5)),
    ] {
        assert_eq!(tried(&house, &edge).await.0, 200);
    }
    assert_eq!(
        tried(&house, &with("aud", json!(["x", "other"]))).await.0,
        200
    );
    let none = house.list("").await;
    assert!(
        none.head
            .contains("www-authenticate: bearer realm=\"house\"\r\n"),
        "{}",
        none.head
    );
    let basic = house.list("authorization: Basic YTpi\r\n").await;
    assert_eq!(
        (basic.status, reason(&basic).as_str()),
        (401, "UNAUTHENTICATED")
    );
}

#[tokio::test]
async fn the_algorithm_is_the_keys_and_never_the_tokens() {
    let (es256, rs256) = (Key::es256(), Key::rs256());
    let issuer = Issuer::open(jwks(&[es256.jwk("e"), rs256.jwk("r")])).await;
    let house = House::open(&config(&issuer.url, "")).await;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = |alg: &str| {
        let header = part(&json!({ "alg": alg, "kid": "r" }));
        format!("{header}.{}.", part(&claims()))
    };
    for alg in ["none", "None", "NONE", "HS256"] {
        assert_eq!(tried(&house, &unsigned(alg)).await.0, 401);
        assert_eq!(
            tried(&house, &format!("{}AAAA", unsigned(alg))).await,
            (401, "algorithm".to_owned())
        );
    }
    // The public key as a shared secret.
    let signed = unsigned("HS256").trim_end_matches('.').to_owned();
    let secret = rs256.jwk("r")["n"].as_str().unwrap().to_owned();
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let mac = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&secret, signed.as_bytes()));
    assert_eq!(
        tried(&house, &format!("{signed}.{mac}")).await,
        (401, "algorithm".to_owned())
    );
    // One key's name with another key's algorithm.
    let crossed = es256.token_with(&json!({ "alg": "ES256", "kid": "r" }), &claims());
    assert_eq!(
        tried(&house, &crossed).await,
        (401, "unknown_key".to_owned())
    );
    // The token's own key is not looked at.
    let mine = Key::eddsa();
    let header = json!({ "alg": "EdDSA", "kid": "mine", "jwk": mine.jwk("mine"), "jku": "http://127.0.0.1/" });
    let own = mine.token_with(&header, &claims());
    assert_eq!(tried(&house, &own).await, (401, "unknown_key".to_owned()));
}

#[tokio::test]
async fn an_algorithm_that_is_not_listed_is_refused_though_its_key_is_there() {
    let key = Key::eddsa();
    let issuer = Issuer::open(jwks(&[key.jwk("1")])).await;
    let toml = config(&issuer.url, "").replace("\"EdDSA\", ", "");
    let house = House::open(&toml).await;
    assert_eq!(
        tried(&house, &key.token("1", &claims())).await,
        (401, "algorithm".to_owned())
    );
}

#[tokio::test]
async fn a_rotated_key_is_fetched_once_and_unknown_ones_do_not_make_us_ask_again_and_again() {
    let (old, new) = (Key::es256(), Key::es256());
    let issuer = Issuer::open(jwks(&[old.jwk("old")])).await;
    let house = House::open(&config(&issuer.url, "")).await;
    assert_eq!(tried(&house, &old.token("old", &claims())).await.0, 200);
    issuer.serve(Some(jwks(&[new.jwk("new")])));
    // Too soon after the last fetch for another.
    for _ in 0..5 {
        assert_eq!(
            tried(&house, &new.token("new", &claims())).await,
            (401, "unknown_key".to_owned())
        );
    }
    assert_eq!(issuer.asked(), 1);
    house.clock.advance_millis(31_000);
    assert_eq!(tried(&house, &new.token("new", &claims())).await.0, 200);
    assert_eq!(
        tried(&house, &old.token("old", &claims())).await,
        (401, "unknown_key".to_owned())
    );
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn while_the_issuer_is_down_known_keys_hold_for_a_while_and_then_nobody_is_let_in() {
    let key = Key::es256();
    let issuer = Issuer::open(jwks(&[key.jwk("1")])).await;
    let house = House::open(&config(&issuer.url, "")).await;
    let mut lasting = claims();
    lasting["exp"] = json!(NOW + 100_000);
    let token = key.token("1", &lasting);
    assert_eq!(tried(&house, &token).await.0, 200);
    issuer.serve(None);
    house.clock.advance_millis(600_000);
    assert_eq!(tried(&house, &token).await.0, 200);
    house.clock.advance_millis(3_600_000);
    let reply = house
        .list(&format!("authorization: Bearer {token}\r\n"))
        .await;
    assert_eq!(
        (reply.status, detail(&reply).as_str()),
        (503, "issuer_keys")
    );
    assert!(reply.head.contains("retry-after: "), "{}", reply.head);
    issuer.serve(Some(jwks(&[key.jwk("1")])));
    house.clock.advance_millis(31_000);
    assert_eq!(tried(&house, &token).await.0, 200);
}

#[tokio::test]
async fn a_token_without_the_scope_is_forbidden_and_one_with_it_is_not() {
    let key = Key::es256();
    let issuer = Issuer::open(jwks(&[key.jwk("1")])).await;
    let toml = format!(
        "[auth]\nrequire = [{{ token = [\"tasks\"] }}]\n{}",
        config(&issuer.url, "")
    );
    let house = House::open(&toml).await;
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        key.token("1", &claims)
    };
    for token in [
        with("scope", json!("other task")),
        key.token("1", &claims()),
    ] {
        let reply = house
            .list(&format!("authorization: Bearer {token}\r\n"))
            .await;
        assert_eq!(
            (reply.status, reason(&reply).as_str()),
            (403, "PERMISSION_DENIED")
        );
    }
    for token in [
        with("scope", json!("other tasks")),
        with("scp", json!(["tasks"])),
    ] {
        assert_eq!(tried(&house, &token).await.0, 200);
    }
}

#[tokio::test]
async fn one_subject_of_one_issuer_is_one_caller() {
    let key = Key::es256();
    let issuer = Issuer::open(jwks(&[key.jwk("1")])).await;
    let house = House::open(&config(&issuer.url, "")).await;
    let bearer = |sub: &str, jti: u32| {
        let mut claims = claims();
        claims["sub"] = sub.into();
        claims["jti"] = jti.into();
        format!("authorization: Bearer {}\r\n", key.token("1", &claims))
    };
    let task = house.begin(&bearer("alice", 1), "echo", "").await;
    let get = |headers: String| {
        let id = task["id"].clone();
        let house = &house;
        async move {
            house
                .rpc(&headers, "GetTask", json!({ "id": id }))
                .await
                .json()
        }
    };
    assert_eq!(get(bearer("alice", 2)).await["result"]["id"], task["id"]);
    assert_eq!(get(bearer("alice2", 3)).await["error"]["code"], -32001);
}
