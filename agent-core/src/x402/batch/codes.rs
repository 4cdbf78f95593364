//! The error codes of the scheme, as its specification and the stock packages spell them.
//!
//! What the pure checks find has its code in [`super::BatchError::code`]; the others are for who
//! talks to the chain.

/// The payment or the requirements are of another scheme.
pub const SCHEME: &str = "invalid_batch_settlement_evm_scheme";
/// Payment and requirements name different chains.
pub const NETWORK_MISMATCH: &str = "invalid_batch_settlement_evm_network_mismatch";
/// `extra` lacks the token's signing domain.
pub const MISSING_EIP712_DOMAIN: &str = "invalid_batch_settlement_evm_missing_eip712_domain";
/// The payload's `type` is none of the scheme's.
pub const PAYLOAD_TYPE: &str = "invalid_batch_settlement_evm_payload_type";
/// A voucher payload is malformed.
pub const VOUCHER_PAYLOAD: &str = "invalid_batch_settlement_evm_voucher_payload";
/// A deposit payload is malformed.
pub const DEPOSIT_PAYLOAD: &str = "invalid_batch_settlement_evm_deposit_payload";
/// A claim is malformed.
pub const CLAIM_PAYLOAD: &str = "invalid_batch_settlement_evm_claim_payload";
/// A refund payload is malformed.
pub const REFUND_PAYLOAD: &str = "invalid_batch_settlement_evm_refund_payload";
/// The channel id is not 32 bytes.
pub const CHANNEL_ID_INVALID: &str = "invalid_batch_settlement_evm_channel_id_invalid";
/// The configuration does not hash to the channel id.
pub const CHANNEL_ID_MISMATCH: &str = "invalid_batch_settlement_evm_channel_id_mismatch";
/// The channel pays somebody else.
pub const RECEIVER_MISMATCH: &str = "invalid_batch_settlement_evm_receiver_mismatch";
/// The channel is claimed by somebody else.
pub const RECEIVER_AUTHORIZER_MISMATCH: &str =
    "invalid_batch_settlement_evm_receiver_authorizer_mismatch";
/// The channel holds another token.
pub const TOKEN_MISMATCH: &str = "invalid_batch_settlement_evm_token_mismatch";
/// Another delay than asked for.
pub const WITHDRAW_DELAY_MISMATCH: &str = "invalid_batch_settlement_evm_withdraw_delay_mismatch";
/// A delay that the contract refuses.
pub const WITHDRAW_DELAY_OUT_OF_RANGE: &str =
    "invalid_batch_settlement_evm_withdraw_delay_out_of_range";
/// The voucher is not signed by whom it must be.
pub const VOUCHER_SIGNATURE: &str = "invalid_batch_settlement_evm_voucher_signature";
/// No channel with money under this id.
pub const CHANNEL_NOT_FOUND: &str = "invalid_batch_settlement_evm_channel_not_found";
/// The chain could not be read (Go and Python).
pub const CHANNEL_STATE_READ_FAILED: &str =
    "invalid_batch_settlement_evm_channel_state_read_failed";
/// The chain could not be read (TypeScript).
pub const RPC_READ_FAILED: &str = "invalid_batch_settlement_evm_rpc_read_failed";
/// What is needed to verify is not at hand.
pub const VERIFICATION_STATE_UNAVAILABLE: &str =
    "invalid_batch_settlement_evm_verification_state_unavailable";
/// The payer has less than it would deposit.
pub const INSUFFICIENT_BALANCE: &str = "invalid_batch_settlement_evm_insufficient_balance";
/// The ceiling does not continue the seller's count; comes with a correction.
pub const CUMULATIVE_AMOUNT_MISMATCH: &str =
    "invalid_batch_settlement_evm_cumulative_amount_mismatch";
/// The ceiling is above what the channel holds.
pub const CUMULATIVE_EXCEEDS_BALANCE: &str =
    "invalid_batch_settlement_evm_cumulative_exceeds_balance";
/// The ceiling is not above what was claimed.
pub const CUMULATIVE_BELOW_CLAIMED: &str = "invalid_batch_settlement_evm_cumulative_below_claimed";
/// The charge would pass the ceiling.
pub const CHARGE_EXCEEDS_SIGNED_CUMULATIVE: &str =
    "invalid_batch_settlement_evm_charge_exceeds_signed_cumulative";
/// Another request holds the channel; try again shortly.
pub const CHANNEL_BUSY: &str = "invalid_batch_settlement_evm_channel_busy";
/// The seller has no record of the channel.
pub const MISSING_CHANNEL: &str = "invalid_batch_settlement_evm_missing_channel";
/// The deposit is below the seller's minimum.
pub const DEPOSIT_BELOW_MIN_DEPOSIT: &str =
    "invalid_batch_settlement_evm_deposit_below_min_deposit";
/// The deposit would revert.
pub const DEPOSIT_SIMULATION_FAILED: &str =
    "invalid_batch_settlement_evm_deposit_simulation_failed";
/// The deposit reverted.
pub const DEPOSIT_TRANSACTION_FAILED: &str =
    "invalid_batch_settlement_evm_deposit_transaction_failed";
/// The EIP-3009 authorization is missing.
pub const ERC3009_AUTHORIZATION_REQUIRED: &str =
    "invalid_batch_settlement_evm_erc3009_authorization_required";
/// The EIP-3009 authorization is not the payer's.
pub const RECEIVE_AUTHORIZATION_SIGNATURE: &str =
    "invalid_batch_settlement_evm_receive_authorization_signature";
/// The authorization expires too soon.
pub const PAYLOAD_AUTHORIZATION_VALID_BEFORE: &str =
    "invalid_batch_settlement_evm_payload_authorization_valid_before";
/// The authorization is not valid yet.
pub const PAYLOAD_AUTHORIZATION_VALID_AFTER: &str =
    "invalid_batch_settlement_evm_payload_authorization_valid_after";
/// The factory of a smart account is not allowed.
pub const EIP6492_FACTORY_NOT_ALLOWED: &str =
    "invalid_batch_settlement_evm_eip6492_factory_not_allowed";
/// A smart account could not be deployed.
pub const SMART_WALLET_DEPLOYMENT_FAILED: &str =
    "invalid_batch_settlement_evm_smart_wallet_deployment_failed";
/// The Permit2 authorization is missing.
pub const PERMIT2_AUTHORIZATION_REQUIRED: &str =
    "invalid_batch_settlement_evm_permit2_authorization_required";
/// The permit is not for the collector.
pub const PERMIT2_INVALID_SPENDER: &str = "invalid_batch_settlement_evm_permit2_invalid_spender";
/// The permit is not for the deposit's amount.
pub const PERMIT2_AMOUNT_MISMATCH: &str = "invalid_batch_settlement_evm_permit2_amount_mismatch";
/// The permit's deadline is too near.
pub const PERMIT2_DEADLINE_EXPIRED: &str = "invalid_batch_settlement_evm_permit2_deadline_expired";
/// The permit is not the payer's.
pub const PERMIT2_INVALID_SIGNATURE: &str =
    "invalid_batch_settlement_evm_permit2_invalid_signature";
/// The payer has not approved Permit2.
pub const PERMIT2_ALLOWANCE_REQUIRED: &str =
    "invalid_batch_settlement_evm_permit2_allowance_required";
/// The EIP-2612 permit is malformed.
pub const EIP2612_INVALID_FORMAT: &str = "invalid_batch_settlement_evm_eip2612_invalid_format";
/// The EIP-2612 permit is not the payer's.
pub const EIP2612_INVALID_SIGNATURE: &str =
    "invalid_batch_settlement_evm_eip2612_invalid_signature";
/// The EIP-2612 permit is for another amount.
pub const EIP2612_AMOUNT_MISMATCH: &str = "invalid_batch_settlement_evm_eip2612_amount_mismatch";
/// The EIP-2612 permit is for another token.
pub const EIP2612_ASSET_MISMATCH: &str = "invalid_batch_settlement_evm_eip2612_asset_mismatch";
/// The EIP-2612 permit is of somebody else.
pub const EIP2612_OWNER_MISMATCH: &str = "invalid_batch_settlement_evm_eip2612_owner_mismatch";
/// The EIP-2612 permit is not for Permit2.
pub const EIP2612_SPENDER_MISMATCH: &str = "invalid_batch_settlement_evm_eip2612_spender_mismatch";
/// The EIP-2612 permit is over.
pub const EIP2612_DEADLINE_EXPIRED: &str = "invalid_batch_settlement_evm_eip2612_deadline_expired";
/// Approvals are not sponsored here.
pub const ERC20_APPROVAL_UNAVAILABLE: &str =
    "invalid_batch_settlement_evm_erc20_approval_unavailable";
/// A claim is for another receiver authorizer than ours.
pub const AUTHORIZER_ADDRESS_MISMATCH: &str =
    "invalid_batch_settlement_evm_authorizer_address_mismatch";
/// The facilitator lends no receiver authorizer.
pub const AUTHORIZER_NOT_CONFIGURED: &str =
    "invalid_batch_settlement_evm_authorizer_not_configured";
/// The claim would revert.
pub const CLAIM_SIMULATION_FAILED: &str = "invalid_batch_settlement_evm_claim_simulation_failed";
/// The claim reverted.
pub const CLAIM_TRANSACTION_FAILED: &str = "invalid_batch_settlement_evm_claim_transaction_failed";
/// All that was claimed was paid out.
pub const NOTHING_TO_SETTLE: &str = "invalid_batch_settlement_evm_nothing_to_settle";
/// The payout would revert.
pub const SETTLE_SIMULATION_FAILED: &str = "invalid_batch_settlement_evm_settle_simulation_failed";
/// The payout reverted.
pub const SETTLE_TRANSACTION_FAILED: &str =
    "invalid_batch_settlement_evm_settle_transaction_failed";
/// There is nothing to give back.
pub const REFUND_NO_BALANCE: &str = "invalid_batch_settlement_evm_refund_no_balance";
/// The amount to give back is zero or too much.
pub const REFUND_AMOUNT_INVALID: &str = "invalid_batch_settlement_evm_refund_amount_invalid";
/// The refund would revert.
pub const REFUND_SIMULATION_FAILED: &str = "invalid_batch_settlement_evm_refund_simulation_failed";
/// The refund reverted.
pub const REFUND_TRANSACTION_FAILED: &str =
    "invalid_batch_settlement_evm_refund_transaction_failed";
/// A transaction reverted.
pub const TRANSACTION_REVERTED: &str = "invalid_batch_settlement_evm_transaction_reverted";
/// No receipt came in time; the outcome is unknown.
pub const WAIT_FOR_RECEIPT_FAILED: &str = "invalid_batch_settlement_evm_wait_for_receipt_failed";
/// `/settle` was asked for something that it does not do.
pub const UNKNOWN_SETTLE_ACTION: &str = "invalid_batch_settlement_evm_unknown_settle_action";

/// All of them.
pub const ALL: [&str; 64] = [
    SCHEME,
    NETWORK_MISMATCH,
    MISSING_EIP712_DOMAIN,
    PAYLOAD_TYPE,
    VOUCHER_PAYLOAD,
    DEPOSIT_PAYLOAD,
    CLAIM_PAYLOAD,
    REFUND_PAYLOAD,
    CHANNEL_ID_INVALID,
    CHANNEL_ID_MISMATCH,
    RECEIVER_MISMATCH,
    RECEIVER_AUTHORIZER_MISMATCH,
    TOKEN_MISMATCH,
    WITHDRAW_DELAY_MISMATCH,
    WITHDRAW_DELAY_OUT_OF_RANGE,
    VOUCHER_SIGNATURE,
    CHANNEL_NOT_FOUND,
    CHANNEL_STATE_READ_FAILED,
    RPC_READ_FAILED,
    VERIFICATION_STATE_UNAVAILABLE,
    INSUFFICIENT_BALANCE,
    CUMULATIVE_AMOUNT_MISMATCH,
    CUMULATIVE_EXCEEDS_BALANCE,
    CUMULATIVE_BELOW_CLAIMED,
    CHARGE_EXCEEDS_SIGNED_CUMULATIVE,
    CHANNEL_BUSY,
    MISSING_CHANNEL,
    DEPOSIT_BELOW_MIN_DEPOSIT,
    DEPOSIT_SIMULATION_FAILED,
    DEPOSIT_TRANSACTION_FAILED,
    ERC3009_AUTHORIZATION_REQUIRED,
    RECEIVE_AUTHORIZATION_SIGNATURE,
    PAYLOAD_AUTHORIZATION_VALID_BEFORE,
    PAYLOAD_AUTHORIZATION_VALID_AFTER,
    EIP6492_FACTORY_NOT_ALLOWED,
    SMART_WALLET_DEPLOYMENT_FAILED,
    PERMIT2_AUTHORIZATION_REQUIRED,
    PERMIT2_INVALID_SPENDER,
    PERMIT2_AMOUNT_MISMATCH,
    PERMIT2_DEADLINE_EXPIRED,
    PERMIT2_INVALID_SIGNATURE,
    PERMIT2_ALLOWANCE_REQUIRED,
    EIP2612_INVALID_FORMAT,
    EIP2612_INVALID_SIGNATURE,
    EIP2612_AMOUNT_MISMATCH,
    EIP2612_ASSET_MISMATCH,
    EIP2612_OWNER_MISMATCH,
    EIP2612_SPENDER_MISMATCH,
    EIP2612_DEADLINE_EXPIRED,
    ERC20_APPROVAL_UNAVAILABLE,
    AUTHORIZER_ADDRESS_MISMATCH,
    AUTHORIZER_NOT_CONFIGURED,
    CLAIM_SIMULATION_FAILED,
    CLAIM_TRANSACTION_FAILED,
    NOTHING_TO_SETTLE,
    SETTLE_SIMULATION_FAILED,
    SETTLE_TRANSACTION_FAILED,
    REFUND_NO_BALANCE,
    REFUND_AMOUNT_INVALID,
    REFUND_SIMULATION_FAILED,
    REFUND_TRANSACTION_FAILED,
    TRANSACTION_REVERTED,
    WAIT_FOR_RECEIPT_FAILED,
    UNKNOWN_SETTLE_ACTION,
];
