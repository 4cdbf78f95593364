//! A payment as JSON, and the ways in which a hostile one differs.

use serde_json::Value;

/// An x402 payment payload.
#[derive(Debug, Clone, PartialEq)]
pub struct Payment(pub Value);

impl Payment {
    /// The same payment with another value at a path such as `accepted.network`.
    ///
    /// # Panics
    /// When there is nothing at the path.
    #[must_use]
    pub fn with(mut self, path: &str, value: impl Into<Value>) -> Self {
        *self.at(path) = value.into();
        self
    }

    /// The same payment under this id.
    #[must_use]
    pub fn named(self, id: &str) -> Self {
        self.with("extensions.payment-identifier.info.id", id)
    }

    /// The payment's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0["extensions"]["payment-identifier"]["info"]["id"]
            .as_str()
            .unwrap()
    }

    /// The same payment with this signature.
    #[must_use]
    pub fn signed(self, signature: &[u8]) -> Self {
        let text = alloy_primitives::hex::encode_prefixed(signature);
        self.with("payload.voucher.signature", text)
    }

    /// The same payment without what is at a path.
    ///
    /// # Panics
    /// When there is nothing at the path.
    #[must_use]
    pub fn without(mut self, path: &str) -> Self {
        let (parent, name) = path.rsplit_once('.').expect("a path of two names or more");
        self.at(parent)
            .as_object_mut()
            .unwrap()
            .remove(name)
            .unwrap();
        self
    }

    fn at(&mut self, path: &str) -> &mut Value {
        let pointer = format!("/{}", path.replace('.', "/"));
        self.0
            .pointer_mut(&pointer)
            .unwrap_or_else(|| panic!("nothing at {path}"))
    }
}
