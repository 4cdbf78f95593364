//! Errors as gRPC tells them (A2A §10.6).

use crate::bind::door::Refused;
use agent_core::a2a::A2aError;
use agent_core::a2a::proto::GrpcStatus;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

/// The status of an error, with its details.
pub(super) fn of_error(error: &A2aError) -> Status {
    let GrpcStatus {
        code,
        message,
        details,
    } = GrpcStatus::from(error);
    Status::with_details(Code::from_i32(code), message, details.into())
}

/// The same, with what goes with a refusal: a challenge, or when to come again.
pub(super) fn of_refusal(refused: Refused) -> Status {
    let mut status = of_error(&refused.error);
    *status.metadata_mut() = MetadataMap::from_headers(refused.headers);
    status
}
