//! kite.js against our server by every transport that it has on Node, and our client against its servers.

mod client;
mod server;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use kite::client::{Dialer, Transports};
use kite::server::{Endpoint, serve};
use kite::{
    Authenticator, Callback, Claim, Context, Error, Functions, Kite, MethodOptions, Peer, RateLimit, Request,
    Service, Verified,
};
use serde::{Deserialize, Serialize};
use testkit::kite_js::Driver;
use testkit::peers;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ends::soon;

/// kite.js's ways to connect: the scheme, and the transport of sockjs-client; raw WebSocket where that is empty.
const WAYS: [(&str, &str); 5] = [
    ("ws", ""),
    ("http", "websocket"),
    ("http", "xhr-streaming"),
    ("http", "eventsource"),
    ("http", "xhr-polling"),
];

/// One driver, if kite.js is there.
fn driver() -> Option<Driver> {
    peers::or_skip(Driver::start())
}

fn a_kite(name: &str) -> Kite {
    Kite {
        id: format!("{name}-1"),
        username: "alice".into(),
        environment: "dev".into(),
        name: name.into(),
        version: "1.2.3".into(),
        region: "eu".into(),
        hostname: "vm".into(),
    }
}

/// Takes the tokens `bob` and `carol` as their holders' names.
struct ByName;

#[async_trait]
impl Authenticator for ByName {
    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
        let authentication = claim
            .authentication
            .ok_or_else(|| Error::authentication("No authentication information is provided"))?;
        if authentication.kind() != "token" {
            let kind = authentication.kind();
            return Err(Error::authentication(format!("Unknown authentication type: {kind}")));
        }
        match authentication.expose() {
            name @ ("bob" | "carol") => Ok(Verified::user(name)),
            _ => Err(Error::authentication("token is not valid")),
        }
    }
}

/// A server for kite.js, and what its handlers tell the test.
struct Stand {
    url: String,
    address: std::net::SocketAddr,
    told: UnboundedReceiver<String>,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stream {
    n: u64,
    on_item: Callback,
}

#[derive(Deserialize)]
struct Stoppable {
    stop: Callback,
}

#[derive(Serialize)]
struct Streamed {
    n: u64,
    stop: kite::Function,
}

impl Stand {
    async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    async fn at(address: std::net::SocketAddr) -> Self {
        let (tell, told) = unbounded_channel();
        let open = || MethodOptions::new().open();
        let limit = RateLimit { burst: 2, per_second: 0.000_1 };
        let service = Service::builder(a_kite("math"))
            .authenticator(Arc::new(ByName))
            .method_with("square", open(), async |request: Request| {
                let number: f64 = request.arg()?;
                Ok(number * number)
            })
            .method_with("sum", open(), async |request: Request| {
                let (one, other): (f64, f64) = request.args()?;
                Ok(one + other)
            })
            .method_with("mirror", open(), async |request: Request| Ok(request.raw().to_vec()))
            .method_with("nothing", open(), async |_: Request| Ok(()))
            .method_with("boom", open(), async |_: Request| {
                Err::<(), _>(Error::custom("customType", "boom happened", "42"))
            })
            .method_with("panic", open(), async |_: Request| -> Result<(), Error> { panic!("a secret") })
            .method_with("stream", open(), move |request: Request| {
                let tell = tell.clone();
                async move {
                    let Stream { n, on_item } = request.arg()?;
                    for n in 1..=n {
                        on_item.call((serde_json::json!({"n": n}), "and more")).await?;
                    }
                    let functions = Functions::new();
                    let stop = functions.add(move |arguments| {
                        tell.send(serde_json::to_string(arguments.raw()).unwrap()).unwrap();
                        std::future::ready(())
                    });
                    request.keep(functions);
                    Ok(Streamed { n, stop })
                }
            })
            .method_with("askBack", open(), async |request: Request| {
                let (method, argument): (String, serde_json::Value) = request.args()?;
                request.peer().call::<serde_json::Value>(&method, (argument,)).await
            })
            .method_with("askTwice", open(), async |request: Request| {
                let first: String = request.peer().call("twice", ()).await?;
                let next: u64 = request.peer().call("square", 3).await?;
                Ok((first, next))
            })
            .method_with("askStop", open(), async |request: Request| {
                let Stoppable { stop } = request.peer().call("stoppable", ()).await?;
                stop.call(("bye", 1)).await
            })
            .method_with("goAway", open(), async |request: Request| {
                request.peer().close();
                Ok(())
            })
            .method("who", async |request: Request| Ok(request.caller().kite.username.clone()))
            .method_with("seldom", MethodOptions::new().rate(limit), async |_: Request| Ok(true))
            .build();
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, Endpoint::new(Arc::new(service)), stop.clone()));
        Self { url: format!("{address}/kite"), address, told, stop, served }
    }

    /// Ends it, and waits until it has.
    async fn end(self) {
        self.stop.cancel();
        self.served.await.unwrap();
    }
}
