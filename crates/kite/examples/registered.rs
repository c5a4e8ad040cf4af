//! A kite that registers, and is found and called through its registry.
//!
//! Put a kite key into `~/.kite/kite.key` or `$KITE_HOME/kite.key`, then: `cargo run -p kite --example registered`.
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
        environment: "dev".into(),
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
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/kite", listener.local_addr()?);
    tokio::spawn(serve(listener, Endpoint::new(Arc::new(math.clone())), CancellationToken::new()));

    let credential = Credential::KiteKey { key, file: Some(file) };
    let kontrol = Kontrol::connect(&math, registry, credential, keys, now);
    println!("registered at {}", kontrol.register(&url).await?.url);

    let found = kontrol.get_kites(&Query::exactly(&kite)).await?;
    let remote = kontrol.connect_kite(found.first().ok_or("nobody found this kite")?).await?;
    let squared: f64 = remote.call("square", 7).await?;
    println!("7 squared is {squared}");
    Ok(())
}
