//! The worked examples of the standards.

use super::key::sha256;
use super::{Algorithm, Jwk, SigningKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::json;

/// The payload of RFC 7515 A.1 to A.4.
const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn key(members: serde_json::Value) -> Jwk {
    serde_json::from_value(members).unwrap()
}

fn holds(key: &Jwk, input: &str, signature: &str) -> bool {
    key.verifies(input.as_bytes(), &BASE64URL.decode(signature).unwrap())
}

/// The signature holds, and no other input and no changed byte of it does.
fn only_this_holds(key: &Jwk, input: &str, signature: &str) {
    assert!(holds(key, input, signature));
    assert!(!holds(key, &format!("{input}A"), signature));
    let mut bytes = BASE64URL.decode(signature).unwrap();
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        assert!(!key.verifies(input.as_bytes(), &bytes), "byte {at}");
        bytes[at] ^= 1;
    }
    assert!(!key.verifies(input.as_bytes(), &bytes[1..]));
    assert!(!key.verifies(input.as_bytes(), b""));
}

#[test]
fn rfc_7515_a_2_rs256() {
    let key = key(json!({
        "kty": "RSA",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        "e": "AQAB",
    }));
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    only_this_holds(&key, &format!("eyJhbGciOiJSUzI1NiJ9.{CLAIMS}"), signature);
}

#[test]
fn rfc_7515_a_3_es256() {
    let key = key(json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }));
    let signature =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    only_this_holds(&key, &format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}"), signature);
    let d = BASE64URL.decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
    let private = SigningKey::from_seed(Algorithm::Es256, d.unwrap().try_into().unwrap());
    assert_eq!(private.unwrap().public(""), key);
}

/// The signature there is as reproducible as ours.
#[test]
fn rfc_8037_a_4_eddsa() {
    let d = BASE64URL.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let private = SigningKey::from_seed(Algorithm::EdDsa, d.unwrap().try_into().unwrap()).unwrap();
    let public = key(json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }));
    assert_eq!(private.public(""), public);
    assert_eq!(
        public.thumbprint(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "A.3"
    );
    let input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(BASE64URL.encode(private.sign(input.as_bytes())), signature);
    only_this_holds(&public, input, signature);
}

/// RFC 6979 A.2.5, message "sample" with SHA-256.
#[test]
fn rfc_6979_a_2_5_is_what_es256_signs_with() {
    let seed =
        alloy_primitives::hex!("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
    let key = SigningKey::from_seed(Algorithm::Es256, seed).unwrap();
    let expected = alloy_primitives::hex!(
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
    );
    assert_eq!(key.sign(b"sample"), expected);
}

/// A high `s` is as good as a low one in ES256K, whatever a chain thinks of it.
#[test]
fn es256k_takes_both_signs_of_s() {
    let private = SigningKey::from_seed(Algorithm::Es256k, [9; 32]).unwrap();
    let low = private.sign(b"sample");
    let order = alloy_primitives::U256::from_be_bytes(alloy_primitives::hex!(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    ));
    let s = alloy_primitives::U256::from_be_slice(&low[32..]);
    let high = [&low[..32], &(order - s).to_be_bytes::<32>()].concat();
    let public = private.public("");
    assert!(public.verifies(b"sample", &low) && public.verifies(b"sample", &high));
    assert!(!public.verifies(b"simple", &high));
}

#[test]
fn sha256_of_abc() {
    assert_eq!(
        sha256(b"abc"),
        alloy_primitives::hex!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    );
}
