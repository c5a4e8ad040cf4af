//! What Kite clients can do in a workspace: files, processes, terminals, keys, events.
//!
//! One [`Service`] for all of an agent's clients. Each of them comes as a stream of its own from the server
//! ([`crate::kite_relay`]), which has verified who it is and says so in the connection's context: a connection
//! without that is refused. Method names, arguments and results are those of Koding's Klient, where it had them.

mod accounts;
mod answer;
mod bulks;
mod exec;
mod fs;
mod info;
mod log;
mod os;
mod pubsub;
mod sshkeys;
mod storage;
mod webterm;

use std::sync::Arc;

use async_trait::async_trait;
use kite::{Authenticator, Claim, Error, Kite, Limits, Linux, Service, Verified};
use wire::agent::{KITE_MESSAGE_MAX, KiteCaller};

use crate::agent::Parts;
pub(crate) use bulks::Bulks;

/// The agent's methods.
pub(crate) fn service(parts: &Arc<Parts>) -> Service {
    let (children, calls) = (os::Children::default(), info::Calls::default());
    let (noting, noted) = (calls.clone(), parts.clone());
    let mut builder = Service::builder(descriptor(parts))
        .authenticator(Arc::new(Relayed))
        .limits(limits())
        .system(Arc::new(machine(parts)))
        .before(move |request| {
            noting.note(request.method(), &noted);
            std::future::ready(Ok(()))
        });
    builder = exec::methods(builder, parts, &children);
    builder = os::methods(builder, parts, &children);
    builder = info::methods(builder, parts, &calls);
    builder = pubsub::methods(builder);
    for methods in [fs::methods, log::methods, storage::methods, webterm::methods, sshkeys::methods] {
        builder = methods(builder, parts);
    }
    builder.build()
}

/// Takes the server's word for who calls.
struct Relayed;

#[async_trait]
impl Authenticator for Relayed {
    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
        let caller = claim.context.get::<KiteCaller>().ok_or_else(|| {
            Error::authentication("this connection did not come through the server, which says who calls")
        })?;
        Ok(Verified::user(&caller.username).with(caller.clone()))
    }
}

/// What the agent says of itself when it calls a client. What the registry says of it is the server's matter.
fn descriptor(parts: &Parts) -> Kite {
    Kite {
        id: parts.workspace.clone(),
        username: accounts::current(&parts.environment).name,
        environment: "hearth".into(),
        name: "klient".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        region: "local".into(),
        hostname: parts.workspace.clone(),
    }
}

/// What `kite.systemInfo` looks at.
fn machine(parts: &Parts) -> Linux {
    Linux { disk: parts.environment.folder().to_owned(), home: parts.environment.home().to_owned() }
}

/// Small: the agent lives in the workspace's memory.
///
/// Of answers a client has at most a quarter of a mebibyte waiting to be sent, and the one message beyond it, so
/// that what somebody interrupts stops soon; two large ones more are made ([`bulks`]). Of requests it has at most
/// `pending_memory` under way and the one message beyond it, and as much again of content that was decoded.
fn limits() -> Limits {
    Limits {
        message_bytes: KITE_MESSAGE_MAX,
        sent_bytes: KITE_MESSAGE_MAX,
        message_memory: 32 << 20,
        pending_calls: 256,
        pending_memory: 16 << 20,
        functions: 4096,
        group_bytes: 1 << 20,
        queue_bytes: 256 << 10,
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use kite::Context;

    use super::*;

    async fn judge(context: &Context) -> Result<Verified, Error> {
        let claim = Claim { method: "exec", kite: &Kite::default(), authentication: None, context };
        Relayed.authenticate(&claim).await
    }

    #[tokio::test]
    async fn whom_the_server_does_not_stand_for_is_refused() {
        let caller = KiteCaller { user: "usr_1".into(), username: "ada".into(), is_owner: false };

        assert!(judge(&Context::default()).await.unwrap_err().is("authenticationError"));
        assert_eq!(judge(&Context::with(caller)).await.unwrap().username, "ada");
    }
}
