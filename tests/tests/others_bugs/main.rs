//! What went wrong in other implementations of A2A, tried here.
//!
//! Names like `a2a-python#1188` are issues of those projects, `PR#` their pull requests; what has no
//! number was seen when they were run. Some is tested where the rest of its subject is:
//!
//! | bug | test |
//! |---|---|
//! | events lost on reconnecting: `A2A#1986`, `A2A#1635`, `A2A#1942`, `a2a-python#832` | `a2a::turns::a_stream_that_was_cut_goes_on_after_any_number`, `client::resume::a_stream_that_is_cut_anywhere_brings_every_event_once` |
//! | a stale task is shown while it runs: `a2a-python#1188`, `a2a-js PR#343`, `a2a-go#123` | `a2a::lists::a_running_task_is_listed_with_the_pieces_it_has_so_far`, and [`streams`] |
//! | webhooks reach private networks: `a2a-python#786`, `a2a-js#584`, `a2a-go#373`, `a2a-java PR#1096` | `a2a::push::what_may_not_be_called_is_refused_when_it_is_named_and_no_name_is_resolved`, `a2a::push_endings::a_name_that_leads_into_a_private_network_is_not_called`, `a2a::push_endings::a_name_that_turns_to_a_forbidden_address_is_called_no_more`, `a2a::push_delivery::a_redirect_is_not_followed` |
//! | others' tasks can be read, cancelled and followed, and the secrets of their webhooks read: `a2a-go#351`, `a2a-python#1159`, `a2a-dotnet PR#450` | `auth::owners::for_a_foreign_caller_a_task_is_as_if_it_were_not_there`, `auth::grpc::a_foreign_task_is_as_one_that_is_not_there`, `a2a::push::a_task_that_is_not_there_or_not_ones_own_has_no_webhooks`, `a2a::push_endings::secrets_are_in_no_log_and_in_no_debug_form` |
//! | 0.3 and 1.0 exclude each other: `a2a-python#742`, `a2a-dotnet#331`, `a2a-js#601`, `litellm#30795`, `mezmo/aura PR#509`, `a2a-samples#599` | `a2a::v03`, `a2a::grpc::v03` |
//! | bodies without bounds: `a2a-rs#201` | `hostile::bodies` |
//! | webhooks are not authenticated to, or not told everything in order: `a2a-python#585`, `a2a-python#210`, `a2a-java#307`, `a2a-java#594`, `a2a-java#617`, `A2A#1372`, `A2A#1428` | `a2a::push_delivery::three_hundred_quick_pieces_arrive_in_order_and_authenticated`, `a2a::push_delivery::what_fails_is_tried_again_before_anything_else_is_told` |
//! | deleting a webhook answers nothing, not `{}` | `a2a::push::a_webhook_is_made_read_listed_and_deleted_over_both_bindings` |
//! | signatures that only their own SDK can check: `a2a-js#627`, `a2a-python PR#1193`, `a2a-tck#187` | `agent-client/tests/card_trust.rs`, `agent-server/tests/signed_card.rs` |
//! | traces end at the agent: `a2a-python#168`, `a2a-java#698`, `a2a-java#388` | `auth::front::a_trace_reaches_the_skill_and_a_malformed_one_does_not` |
//! | routes of tenants are missing: `a2a-dotnet#368`, `A2A PR#1848` | `a2a::rest::paths_may_begin_with_a_tenant_and_must_agree_with_the_body`, `auth::owners::path_and_body_name_one_tenant_and_a_configured_one` |
//! | cards behind proxies name an address that nobody reaches: `a2a-python#398`, `mcp-gateway-registry#1724`, `aisix#913` | `auth::front::the_card_names_the_address_that_a_trusted_proxy_was_asked_at`, `auth::front::a_configured_public_address_is_what_the_card_says` |
//! | anybody may call by default: `agno#10052`, `adk-js PR#529` | `auth::keys::anonymous_callers_are_let_in_only_where_that_is_said_and_never_with_a_bad_key`, `auth::keys::a_configuration_that_would_let_in_too_many_is_refused_and_none_shows_its_secrets` |
//! | credentials go to whatever address a card names: `langflow PR#13859`, `codex-a2a#342`, `a2a-python#445` | `agent-client/tests/call_intercept.rs`, `agent-client/tests/egress.rs` |
//! | a list is oldest first, or its pages shift | `a2a::lists::pages_give_every_task_once_the_newest_status_first`, `a2a::lists::tasks_of_one_millisecond_are_not_lost_between_pages` |
//! | errors over HTTP are of another media type | `a2a::rest::errors_are_a_status_with_the_reason_in_it` |
//! | bindings differ in their answers: `a2a-rs#275` | `a2a::bindings` |
//! | a question ends the task, or its answer begins another: `adk-python#3393`, `strands#1371`, `A2A#902`, `A2A#1992` | `e2e::turns`, and [`tasks`] |
//! | who lost the answer to a payment pays again: `solana pay PR#454`, `x402#1062` | `hostile::repeats`, `crash::killed` |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

#[path = "../a2a/grpc/caller.rs"]
#[allow(dead_code, reason = "shared with the tests of the operations")]
mod caller;
#[path = "../a2a/house.rs"]
#[allow(dead_code, reason = "shared with the tests of the operations")]
mod house;
#[path = "../a2a/http.rs"]
#[allow(dead_code, reason = "shared with the tests of the operations")]
mod http;
mod streams;
mod tasks;
mod wires;
mod work;
