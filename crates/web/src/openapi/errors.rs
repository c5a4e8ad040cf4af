//! The errors an operation can answer, as sets to put into its documentation.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use wire::api::PROBLEM_MEDIA_TYPE;

fn problems(list: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = |what: &str| {
        ResponseBuilder::new().description(what).content(PROBLEM_MEDIA_TYPE, content.clone()).build()
    };
    list.iter().map(|(status, what)| ((*status).to_owned(), RefOr::T(response(what)))).collect()
}

/// Declares one set of documented errors. A macro because a set is a type that holds nothing.
macro_rules! error_sets {
    ($($(#[$doc:meta])* $name:ident = $list:expr;)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                problems(&$list)
            }
        }
    )+};
}

error_sets! {
    /// What any operation can answer.
    Always = [
        ("400", "The request is malformed."),
        ("500", "The server is at fault; the request id finds the reason in its log."),
        ("503", "Something the server needs is not there at the moment."),
    ];
    /// What an operation for signed-in callers can answer.
    Guarded = [
        ("401", "Nobody is signed in, or the credential has ended."),
        ("403", "The caller may not do this, the token lacks the scope, or another site's page asked."),
    ];
    /// What an operation that anybody may ask for, from this server's own pages, can answer.
    Open = [("403", "Another site's page asked.")];
    /// What an operation on one resource can answer.
    Named = [("404", "No such resource, or none that the caller may know of.")];
    /// What an operation with a JSON body can answer.
    WithBody = [
        ("413", "The body is too large."),
        ("415", "The body is not `application/json`."),
        ("422", "A field is missing, unknown or not acceptable; `field` names it."),
    ];
    /// What an operation with a body of bytes can answer.
    WithBytes = [
        ("413", "The body is too large."),
        ("422", "The bytes are not acceptable."),
    ];
    /// What an operation that depends on the state of things can answer.
    Timely = [("409", "The state of the resource does not allow this now; `mend` says what would.")];
    /// What an operation that guards a password can answer.
    Paced = [("429", "Too many tries; wait for the seconds in `Retry-After`.")];
    /// What an operation on an agent's answers can answer.
    Relayed = [("502", "The workspace's agent is gone or answered nonsense.")];
    /// What an operation that asks a forge can answer.
    ByForge = [("502", "The forge did not do what was asked; `mend` says what helps.")];
    /// What a WebSocket can answer.
    Upgraded = [("426", "The request does not ask for a WebSocket.")];
}
