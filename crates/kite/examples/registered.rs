//! A kite that registers, verifies who calls it, and finds and calls itself; with `URL` it then serves others.
//!
//! ```sh
//! hearth kite key create math --output ~/.kite/kite.key
//! ADDRESS=0.0.0.0:3636 URL=http://math.example.com:3636/kite cargo run -p kite --example registered
//! hearth kite call math square 7      # from anywhere that reaches the URL
//! ```
//!
//! `ADDRESS` is where it listens, and `URL` where callers reach that; it serves until Ctrl-C. Without both it is on
//! this machine alone, and ends once it has called itself. The kite key is in `~/.kite/kite.key`, or in the folder
//! `KITE_HOME`.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;
use std::sync::Arc;

use kite::client::Dialer;
use kite::kontrol::{Credential, KeyFile, Kontrol, Now, Query, RegistryKeys, TokenAuthenticator};
use kite::server::{Endpoint, serve};
use kite::{Kite, Request, Service};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = KeyFile::usual(|name| std::env::var_os(name)).ok_or("neither KITE_HOME nor HOME is set")?;
    let key = file.read()?;
    let issuer = key.claims().issuer.clone();
    let registry = Dialer::new(&key.claims().kontrol_url)?;
    #[expect(clippy::disallowed_methods, reason = "a program's own clock")]
    let now: Now = Arc::new(jiff::Timestamp::now);

    let kite = Kite {
        id: format!("{:016x}", getrandom::u64()?),
        username: key.username(),
        environment: "production".into(),
        name: "math".into(),
        version: "1.0.0".into(),
        region: "local".into(),
        hostname: "localhost".into(),
    };
    let keys = RegistryKeys::default();
    let authenticator = TokenAuthenticator::new(issuer, &kite, keys.clone(), now.clone());
    let math = Service::builder(kite.clone())
        .authenticator(Arc::new(authenticator))
        .method("square", async |request: Request| {
            let number: f64 = request.arg()?;
            Ok(number * number)
        })
        .build();

    let address = std::env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:0".into());
    let listener = TcpListener::bind(&address).await?;
    let here = format!("http://{}/kite", listener.local_addr()?);
    let public = std::env::var("URL").ok();
    let url = public.as_ref().unwrap_or(&here);
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(listener, Endpoint::new(Arc::new(math.clone())), stop.clone()));

    // Registers again by itself after each reconnect, and keeps the next kite key in the file.
    let credential = Credential::KiteKey { key, file: Some(file) };
    let kontrol = Kontrol::connect(&math, registry, credential, keys, now);
    println!("registered at {}", kontrol.register(url).await?.url);

    let found = kontrol.get_kites(&Query::exactly(&kite)).await?;
    let remote = kontrol.connect_kite(found.first().ok_or("nobody found this kite")?).await?;
    match remote.call::<f64>("square", 7).await {
        Ok(squared) => println!("7 squared is {squared}"),
        // Others may reach it even if this machine does not.
        Err(error) => println!("it cannot be called from here: {error}"),
    }
    if public.is_some() {
        tokio::signal::ctrl_c().await?;
    }
    kontrol.close();
    stop.cancel();
    serving.await?;
    Ok(())
}
