//! Many kites that do nothing but stay registered.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use kite::{Authentication, Peer};
use serde_json::{Value, json};

use crate::{Failure, dial, kite};

/// Kites that connect at the same time.
const AT_ONCE: usize = 32;

/// Registers so many kites, the owners of the tokens taking turns, and keeps them. Says how many there are once all
/// have registered, and then every second how many are still connected, until the process is ended.
///
/// The first one is called `special`, all others `worker`.
pub(crate) async fn stand(url: &str, tokens: &[&str], count: usize) -> Result<(), Failure> {
    let peers: Vec<Peer> = stream::iter((0..count).zip(tokens.iter().cycle()))
        .map(|(number, token)| join(url, token, number))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    println!("registered {}", peers.len());
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        println!("connected {}", peers.iter().filter(|peer| !peer.is_closed()).count());
    }
}

async fn join(url: &str, token: &str, number: usize) -> Result<Peer, Failure> {
    let name = if number == 0 { "special" } else { "worker" };
    let peer = dial(url, kite(name, number)).await?;
    peer.set_authentication(Some(Authentication::token(token)));
    let registered = json!({"url": format!("http://127.0.0.1:9/{number}")});
    let call = peer.request("register").args(registered).timeout(Duration::from_mins(1));
    call.send::<Value>().await?;
    Ok(peer)
}
