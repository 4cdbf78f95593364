//! Objects of every kind, with anything in them.

use agent_core::json::Json;
use agent_core::money::BaseUnits;
use agent_core::voucher::ChannelId;
use agent_core::x402::batch::{
    BatchPayload, BatchSettlePayload, ChannelConfig, ClaimVoucher, Deposit, DepositAuthorization,
    Erc3009Deposit, Permit2Deposit, VoucherClaim,
};
use agent_core::x402::{
    DepositWitness, HexSalt, PaymentRequirements, Permit2Authorization, TokenPermissions,
    TransferAuthorization, Uint256, VoucherText,
};
use alloy_primitives::{Address, B256, U256};
use proptest::prelude::*;
use std::fmt::Debug;

pub(crate) fn addresses() -> impl Strategy<Value = Address> {
    any::<[u8; 20]>().prop_map(Address::from)
}

pub(crate) fn words() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256::from)
}

pub(crate) fn numbers() -> impl Strategy<Value = Uint256> {
    any::<[u8; 32]>().prop_map(|bytes| Uint256(U256::from_be_bytes(bytes)))
}

pub(crate) fn amounts() -> impl Strategy<Value = BaseUnits> {
    any::<u128>().prop_map(BaseUnits::new)
}

prop_compose! {
    pub(crate) fn configs()(
        (payer, payer_authorizer, receiver) in (addresses(), addresses(), addresses()),
        (receiver_authorizer, token) in (addresses(), addresses()),
        withdraw_delay in any::<u64>(),
        salt in words(),
    ) -> ChannelConfig {
        ChannelConfig {
            payer, payer_authorizer, receiver, receiver_authorizer, token, withdraw_delay, salt,
        }
    }
}

prop_compose! {
    pub(crate) fn vouchers()(
        channel_id in words(),
        max_claimable_amount in amounts(),
        signature in "0x[0-9a-f]{130}",
    ) -> VoucherText {
        VoucherText { channel_id: ChannelId(channel_id), max_claimable_amount, signature }
    }
}

prop_compose! {
    pub(crate) fn transfers()(
        (from, to, nonce) in (addresses(), addresses(), words()),
        (value, valid_after, valid_before) in (amounts(), numbers(), numbers()),
    ) -> TransferAuthorization {
        TransferAuthorization { from, to, value, valid_after, valid_before, nonce }
    }
}

pub(crate) fn permits<W: Debug + Clone>(
    witness: impl Strategy<Value = W>,
) -> impl Strategy<Value = Permit2Authorization<W>> {
    let people = (addresses(), addresses(), addresses());
    (people, amounts(), numbers(), numbers(), witness).prop_map(
        |((from, token, spender), amount, nonce, deadline, witness)| Permit2Authorization {
            from,
            permitted: TokenPermissions { token, amount },
            spender,
            nonce,
            deadline,
            witness,
        },
    )
}

pub(crate) fn deposits() -> impl Strategy<Value = Deposit> {
    let token = (numbers(), numbers(), numbers(), "0x[0-9a-f]{130}").prop_map(
        |(valid_after, valid_before, salt, signature)| {
            DepositAuthorization::Erc3009Authorization(Erc3009Deposit {
                valid_after,
                valid_before,
                salt: HexSalt(salt.0),
                signature,
            })
        },
    );
    let witness = words().prop_map(|id| DepositWitness {
        channel_id: ChannelId(id),
    });
    let permit = (permits(witness), "0x[0-9a-f]{130}").prop_map(|(authorization, signature)| {
        DepositAuthorization::Permit2Authorization(Permit2Deposit {
            authorization,
            signature,
        })
    });
    (amounts(), prop_oneof![token, permit]).prop_map(|(amount, authorization)| Deposit {
        amount,
        authorization,
    })
}

prop_compose! {
    pub(crate) fn claims()(
        channel in configs(),
        (max_claimable_amount, total_claimed) in (amounts(), amounts()),
        signature in "0x[0-9a-f]{130}",
    ) -> VoucherClaim {
        let voucher = ClaimVoucher { channel, max_claimable_amount };
        VoucherClaim { voucher, signature, total_claimed }
    }
}

pub(crate) fn payloads() -> impl Strategy<Value = BatchPayload> {
    let refund = (configs(), vouchers(), proptest::option::of(amounts())).prop_map(
        |(channel_config, voucher, amount)| BatchPayload::Refund {
            channel_config,
            voucher,
            amount,
        },
    );
    let voucher =
        (configs(), vouchers()).prop_map(|(channel_config, voucher)| BatchPayload::Voucher {
            channel_config,
            voucher,
        });
    let deposit =
        (configs(), vouchers(), deposits()).prop_map(|(channel_config, voucher, deposit)| {
            BatchPayload::Deposit {
                channel_config,
                voucher,
                deposit: Box::new(deposit),
            }
        });
    prop_oneof![refund, voucher, deposit]
}

pub(crate) fn settlements() -> impl Strategy<Value = BatchSettlePayload> {
    let rows = || proptest::collection::vec(claims(), 0..4);
    let signature = || proptest::option::of("0x[0-9a-f]{130}");
    let claim = (rows(), signature()).prop_map(|(claims, claim_authorizer_signature)| {
        BatchSettlePayload::Claim {
            claims,
            claim_authorizer_signature,
        }
    });
    let settle = (addresses(), addresses())
        .prop_map(|(receiver, token)| BatchSettlePayload::Settle { receiver, token });
    let refund = (
        (configs(), vouchers(), amounts(), numbers()),
        (rows(), signature(), signature()),
    )
        .prop_map(
            |((channel_config, voucher, amount, refund_nonce), (claims, refund, claim))| {
                BatchSettlePayload::Refund {
                    channel_config,
                    voucher,
                    amount,
                    refund_nonce,
                    claims,
                    refund_authorizer_signature: refund,
                    claim_authorizer_signature: claim,
                }
            },
        );
    prop_oneof![claim, settle, refund]
}

prop_compose! {
    pub(crate) fn requirements()(
        (scheme, network, asset, pay_to) in ("[a-z0-9-]{1,20}", "[a-z]{3,8}:[0-9]{1,9}", ".*", ".*"),
        amount in amounts(),
        max_timeout_seconds in any::<u64>(),
        extra in proptest::collection::btree_map(".{0,8}", any::<i64>(), 0..4),
    ) -> PaymentRequirements {
        let extra = extra
            .into_iter()
            .map(|(name, value)| (name, Json::from_value(&value).unwrap()))
            .collect();
        PaymentRequirements {
            scheme, network, amount, asset, pay_to, max_timeout_seconds, extra,
        }
    }
}
