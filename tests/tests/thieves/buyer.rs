//! A buyer that signs whatever it is told to, in any scheme.

use crate::street::{ANYBODY, AUTHORIZER, DELAY_SECS, Stall, Street};
use agent_core::json::{Json, Metadata};
use agent_core::money::BaseUnits;
use agent_core::voucher::{Domains, Funding, Lock, Salt};
use agent_core::x402::batch::{
    BATCH_SETTLEMENT, BatchPayload, ChannelConfig, Deposit, DepositAuthorization, Erc3009Deposit,
    SCHEME_BATCH_SETTLEMENT,
};
use agent_core::x402::{
    CreditToken, Eip3009Payment, ExactPayload, HexSalt, Mode, PAYMENT_IDENTIFIER,
    PaymentIdentifier, PaymentPayload, SCHEME_EXACT, SCHEME_Z402, TokenDomain,
    TransferAuthorization, Uint256, VoucherText, X402_VERSION, Z402Payload,
};
use agent_tests::{sign, world};
use alloy_primitives::{B256, U256, aliases::U40, aliases::U96, hex};

alloy_sol_types::sol! {
    struct Config {
        address payer;
        address payerAuthorizer;
        address receiver;
        address receiverAuthorizer;
        address token;
        uint40 withdrawDelay;
        bytes32 salt;
    }

    interface IChannels {
        function initiateWithdraw(Config config, uint128 amount) external;
        function finalizeWithdraw(Config config) external;
        function channels(bytes32 channelId) external view returns (uint128 balance, uint128 totalClaimed);
        function pendingWithdrawals(bytes32 channelId) external view returns (uint128 amount, uint40 initiatedAt);
    }
}

/// One account that pays.
#[derive(Clone, Copy)]
pub struct Buyer<'a> {
    street: &'a Street,
    pub account: usize,
}

impl<'a> Buyer<'a> {
    pub fn new(street: &'a Street, account: usize) -> Self {
        Self { street, account }
    }

    pub fn domains(&self) -> Domains {
        Domains::new(self.street.settings.domain())
    }

    pub fn sign(&self, digest: B256) -> [u8; 65] {
        sign::hash(&world::key(self.account), digest)
    }

    fn text(&self, digest: B256) -> String {
        hex::encode_prefixed(self.sign(digest))
    }

    /// Opens a lock on chain and shows it to its seller.
    pub fn lock(&self, stall: &Stall, salt: u64, amount: u128) -> Lock {
        let domain = self.street.settings.domain();
        let lock = Lock {
            payer: world::account(self.account),
            signer: world::account(self.account),
            payee: world::account(stall.account),
            token: self.street.settings.token.address,
            salt: Salt(U96::from(salt)),
        };
        let deadline = self.street.now() + 86_400;
        let key = world::key(self.account);
        let call = sign::open(&key, &domain, &lock, amount, deadline, salt);
        assert!(self.street.send(ANYBODY, domain.contract(), &call));
        stall.show(lock, lock.id(&domain));
        lock
    }

    /// A channel of `batch-settlement` for a seller; nothing is paid into it yet.
    pub fn channel(&self, stall: &Stall, salt: u8) -> ChannelConfig {
        ChannelConfig {
            payer: world::account(self.account),
            payer_authorizer: world::account(self.account),
            receiver: world::account(stall.account),
            receiver_authorizer: world::account(AUTHORIZER),
            token: self.street.settings.token.address,
            withdraw_delay: DELAY_SECS,
            salt: B256::repeat_byte(salt),
        }
    }

    /// A voucher for a channel, signed under the domain of another's scheme if need be.
    pub fn voucher(&self, funding: Funding, signed_as: Funding, ceiling: u128) -> VoucherText {
        let (domains, ceiling) = (self.domains(), BaseUnits::new(ceiling));
        let channel_id = funding.id(&domains);
        let digest = match signed_as {
            Funding::Batch(_) => domains.batch.voucher_digest(channel_id, ceiling),
            _ => domains.escrow.voucher_digest(channel_id, ceiling),
        };
        VoucherText {
            channel_id,
            max_claimable_amount: ceiling,
            signature: self.text(digest),
        }
    }

    /// A payment on a lock.
    pub fn on_lock(&self, stall: &Stall, lock: Lock, ceiling: u128, max: u128) -> PaymentPayload {
        let voucher = self.voucher(lock.into(), lock.into(), ceiling);
        let payload = Json::from_value(&Z402Payload::Voucher { lock, voucher }).unwrap();
        payment(stall, SCHEME_Z402, max, payload)
    }

    /// A payment on a channel of `batch-settlement`.
    pub fn on_channel(
        &self,
        stall: &Stall,
        channel_config: ChannelConfig,
        ceiling: u128,
        max: u128,
    ) -> PaymentPayload {
        let funding = channel_config.into();
        let voucher = self.voucher(funding, funding, ceiling);
        let payload = BatchPayload::Voucher {
            channel_config,
            voucher,
        };
        let payload = Json::from_value(&payload).unwrap();
        payment(stall, SCHEME_BATCH_SETTLEMENT, max, payload)
    }

    /// A payment on a channel that pays into it first.
    pub fn deposit(
        &self,
        stall: &Stall,
        channel_config: ChannelConfig,
        amount: u128,
        ceiling: u128,
    ) -> PaymentPayload {
        let funding = channel_config.into();
        let voucher = self.voucher(funding, funding, ceiling);
        let mut erc3009 = Erc3009Deposit {
            valid_after: Uint256::default(),
            valid_before: Uint256::of(self.street.now() + 600),
            salt: HexSalt(U256::from(amount)),
            signature: String::new(),
        };
        let amount = BaseUnits::new(amount);
        let signed = erc3009.authorization(channel_config.payer, amount, voucher.channel_id);
        erc3009.signature = self.text(signed.receive_digest(&self.token()));
        let payload = BatchPayload::Deposit {
            channel_config,
            voucher,
            deposit: Box::new(Deposit {
                amount,
                authorization: DepositAuthorization::Erc3009Authorization(erc3009),
            }),
        };
        let payload = Json::from_value(&payload).unwrap();
        payment(stall, SCHEME_BATCH_SETTLEMENT, ceiling, payload)
    }

    /// A transfer of its own.
    pub fn transfer(&self, stall: &Stall, nonce: u8, value: u128) -> PaymentPayload {
        let authorization = TransferAuthorization {
            from: world::account(self.account),
            to: world::account(stall.account),
            value: BaseUnits::new(value),
            valid_after: Uint256::default(),
            valid_before: Uint256::of(self.street.now() + 600),
            nonce: B256::repeat_byte(nonce),
        };
        let signature = self.text(authorization.transfer_digest(&self.token()));
        let payload = ExactPayload::Eip3009(Eip3009Payment {
            signature,
            authorization,
        });
        let payload = Json::from_value(&payload).unwrap();
        payment(stall, SCHEME_EXACT, value, payload)
    }

    fn token(&self) -> TokenDomain {
        TokenDomain::of(&self.street.settings.asset())
    }

    /// Gives notice that it wants its money back.
    pub fn gives_notice(&self, channel: &ChannelConfig, amount: u128) -> bool {
        let call = IChannels::initiateWithdrawCall {
            config: config(channel),
            amount,
        };
        self.street.send(self.account, BATCH_SETTLEMENT, &call)
    }

    /// Takes back what it gave notice of.
    pub fn withdraws(&self, channel: &ChannelConfig) -> bool {
        let call = IChannels::finalizeWithdrawCall {
            config: config(channel),
        };
        self.street.send(self.account, BATCH_SETTLEMENT, &call)
    }
}

fn config(channel: &ChannelConfig) -> Config {
    Config {
        payer: channel.payer,
        payerAuthorizer: channel.payer_authorizer,
        receiver: channel.receiver,
        receiverAuthorizer: channel.receiver_authorizer,
        token: channel.token,
        withdrawDelay: U40::from(channel.withdraw_delay),
        salt: channel.salt,
    }
}

/// Whatever somebody holds, as a payment to a seller.
pub fn payment(stall: &Stall, scheme: &str, max: u128, payload: Json) -> PaymentPayload {
    let terms = stall.gate.terms();
    let accepted = terms.requirements_of(scheme, BaseUnits::new(max));
    let mode = match scheme {
        SCHEME_Z402 => Mode::Z,
        _ => Mode::X,
    };
    PaymentPayload {
        x402_version: X402_VERSION,
        mode,
        resource: None,
        accepted: accepted.unwrap().unwrap(),
        payload,
        extensions: Metadata::new(),
    }
}

/// The same payment under this name.
pub fn named(name: &str, mut payment: PaymentPayload) -> PaymentPayload {
    let id = PaymentIdentifier::of(format!("{name:_>16}"));
    payment.extensions.set(PAYMENT_IDENTIFIER, &id).unwrap();
    payment
}

/// A payment with what a receipt left over.
pub fn credit(stall: &Stall, name: &str, max: u128, token: CreditToken) -> PaymentPayload {
    let payload = Json::from_value(&Z402Payload::Credit(token)).unwrap();
    named(name, payment(stall, SCHEME_Z402, max, payload))
}
