//! The relay: how Kite clients reach the agents in workspaces.
//!
//! A client's connection ends here, where its calls are verified, and goes on as a stream of the agent's byte plane
//! of its own. No credential goes on with it: the agent is told who calls, by the server that it trusts anyway. The
//! connection lasts as long as the right to call, and as what that was proved with.

mod envelope;
mod gate;
mod places;
mod proof;
mod session;

use std::net::IpAddr;

use kite::transport::BoxTransport;
use tokio_util::sync::CancellationToken;
use wire::agent::KITE_MESSAGE_MAX;

use crate::control::Control;

pub(super) use places::Places;
pub use places::{RelayFull, RelayVisit};
use session::Ended;

impl Control {
    /// Longest message that a transport of the relay must take, 8 MiB: twice what an agent takes, so that whoever
    /// sends too much is usually told so, and not cut off.
    pub const RELAY_MESSAGE_BYTES: usize = 2 * KITE_MESSAGE_MAX;

    /// Takes in somebody who has not said who it is: to be asked before a connection becomes one of the relay's.
    /// `address` is where they come from, `None` where that says nothing, as of a proxy on this machine.
    ///
    /// # Errors
    ///
    /// When too many are there already that have not authenticated.
    pub fn visit_kite_relay(&self, address: Option<IpAddr>) -> Result<RelayVisit, RelayFull> {
        self.inner.kites.relays.visit(address).inspect_err(|full| {
            tracing::debug!(client.address = ?address, "a Kite client is turned away at the relay: {full}");
        })
    }

    /// Serves a Kite client that came for the agent's kite of this id, until the client or the agent goes away, the
    /// right to call or what it was proved with ends, or the server closes. Of a kite that is not there it learns as
    /// little as of one that it may not call.
    pub async fn relay_kite(
        &self,
        kite: &str,
        visit: RelayVisit,
        client: BoxTransport,
        closing: CancellationToken,
    ) {
        let gate = gate::RelayGate::new(self.clone(), kite, visit);
        match session::serve(client, &gate, closing.cancelled_owned()).await {
            Ended::Right(why) => tracing::info!(kite.id = kite, "a Kite client's connection ends: {why}"),
            Ended::Nonsense => tracing::info!(kite.id = kite, "a Kite client sent what are no messages"),
            ended @ (Ended::Client | Ended::Agent | Ended::Stranger | Ended::Closing) => {
                tracing::debug!(kite.id = kite, ?ended, "a Kite client's connection ended");
            }
        }
    }
}
