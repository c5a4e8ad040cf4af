//! Has a kite square a number: `cargo run -p kite --example square_client [URL [NUMBER]]`.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;

use kite::client::{Client, Dialer};
use kite::{Kite, Service};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:3636/kite".into());
    let number: f64 = arguments.next().map_or(Ok(7.0), |number| number.parse())?;

    let us = Service::client(Kite { name: "calculator".into(), ..Kite::default() });
    let math = Client::builder(Dialer::new(&url)?, us).start();
    let squared: f64 = math.call("square", number).await?;
    println!("{number} squared is {squared}");
    Ok(())
}
