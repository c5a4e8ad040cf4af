//! Calls over one connection, as fast as they go.

use std::time::Duration;

use kite::{Authentication, Peer};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::{Failure, dial, kite};

/// How long so many calls of `square` take, of which `window` are under way at any time. As many as a tenth of them
/// go before and do not count.
pub(crate) async fn pipelined(url: &str, count: u64, window: u64) -> Result<Duration, Failure> {
    let peer = dial(url, kite("caller", 0)).await?;
    run(&peer, count / 10, window).await?;
    let begun = Instant::now();
    run(&peer, count, window).await?;
    let time = begun.elapsed();
    peer.close();
    Ok(time)
}

async fn run(peer: &Peer, count: u64, window: u64) -> Result<(), Failure> {
    let mut callers = JoinSet::new();
    for caller in 0..window {
        let peer = peer.clone();
        // The first ones take what is left over.
        let share = count / window + u64::from(caller < count % window);
        callers.spawn(async move {
            for number in 0..share {
                let squared: u64 = peer.call("square", number).await?;
                if squared != number * number {
                    return Err(Failure::from(format!("{number} squared is not {squared}")));
                }
            }
            Ok(())
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    Ok(())
}

/// How long so many calls of a method take, one after the other. One goes before and does not count.
pub(crate) async fn one_by_one(
    url: &str,
    token: &str,
    method: &str,
    arguments: &[Value],
    count: u32,
) -> Result<Duration, Failure> {
    let peer = dial(url, kite("caller", 0)).await?;
    peer.set_authentication(Some(Authentication::token(token)));
    peer.call::<Value>(method, arguments).await?;
    let begun = Instant::now();
    for _ in 0..count {
        peer.call::<Value>(method, arguments).await?;
    }
    let time = begun.elapsed();
    peer.close();
    Ok(time)
}
