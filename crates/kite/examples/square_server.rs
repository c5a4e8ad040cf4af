//! A kite that squares numbers, for everybody: `cargo run -p kite --example square_server [ADDRESS]`.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;
use std::sync::Arc;

use kite::server::{Endpoint, serve};
use kite::{Kite, MethodOptions, Request, Service};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let kite = Kite { name: "math".into(), version: "1.0.0".into(), ..Kite::default() };
    let math = Service::builder(kite)
        .method_with("square", MethodOptions::default().open(), async |request: Request| {
            let number: f64 = request.arg()?;
            Ok(number * number)
        })
        .build();

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3636".into());
    let listener = TcpListener::bind(address).await?;
    println!("http://{}/kite", listener.local_addr()?);
    serve(listener, Endpoint::new(Arc::new(math)), CancellationToken::new()).await;
    Ok(())
}
