//! Where an answer may lead a request.

use std::sync::Arc;

use reqwest::redirect;
use url::Url;

use crate::client::check_url;
use crate::{Error, Policy};

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirects {
    /// Those to any host the policy permits.
    Permitted,
    /// Those of `GET` and `HEAD` within the origin (scheme, host, port) first asked.
    SameOrigin,
    /// None: a redirect is an answer like others.
    Nowhere,
}

/// A host five hops away is not the one the user named any more; real registries and forges need three.
const MOST_REDIRECTS: usize = 5;

/// The rule as the HTTP client takes it.
pub(crate) fn rule(redirects: Redirects, policy: Arc<Policy>) -> redirect::Policy {
    if redirects == Redirects::Nowhere {
        return redirect::Policy::none();
    }
    redirect::Policy::custom(move |attempt| {
        match check(redirects, &policy, attempt.previous(), attempt.url()) {
            Ok(()) => attempt.follow(),
            Err(refusal) => attempt.error(refusal),
        }
    })
}

fn check(redirects: Redirects, policy: &Policy, previous: &[Url], next: &Url) -> Result<(), Error> {
    let from = previous.last().and_then(Url::host_str).unwrap_or_default();
    let refuse =
        |why| Err(Error::Refused { why, mend: "use the address it leads to, if you trust it".into() });
    if previous.len() > MOST_REDIRECTS {
        return refuse(format!("`{from}` redirects more than {MOST_REDIRECTS} times"));
    }
    if next.scheme() != "https" && previous.iter().any(|url| url.scheme() == "https") {
        return refuse(format!("`{from}` redirects from https to {}", next.scheme()));
    }
    let leaves = |url: &Url| url.origin() != next.origin();
    if redirects == Redirects::SameOrigin && previous.first().is_none_or(leaves) {
        return refuse(format!(
            "`{from}` redirects to `{}`, another origin",
            next.origin().ascii_serialization()
        ));
    }
    check_url(policy, next)
}
