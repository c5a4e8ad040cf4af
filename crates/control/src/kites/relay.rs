//! The relay: how Kite clients reach the agents in workspaces.
//!
//! A client's connection ends here, where its calls are verified, and goes on as a stream of the agent's byte plane
//! of its own. No credential goes on with it: the agent is told who calls, by the server that it trusts anyway. The
//! connection lasts as long as the right to call.

mod envelope;
mod gate;
mod places;
mod session;

use kite::transport::BoxTransport;
use tokio_util::sync::CancellationToken;
use wire::agent::KITE_MESSAGE_MAX;

use crate::control::Control;

pub(super) use places::Places;
use session::Ended;

impl Control {
    /// Longest message that a transport of the relay must take, 8 MiB: twice what an agent takes, so that whoever
    /// sends too much is usually told so, and not cut off.
    pub const RELAY_MESSAGE_BYTES: usize = 2 * KITE_MESSAGE_MAX;

    /// Serves a Kite client that came for the agent's kite of this id, until the client or the agent goes away, the
    /// right to call ends, or the server closes. Of a kite that is not there it learns as little as of one that it
    /// may not call.
    pub async fn relay_kite(&self, kite: &str, client: BoxTransport, closing: CancellationToken) {
        let Some(visit) = self.inner.kites.relays.visit() else {
            tracing::warn!("too many Kite clients at the relay that have not authenticated");
            return;
        };
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
