//! A kite that everybody may call.

use std::sync::Arc;

use kite::server::{Endpoint, serve as serve_endpoint};
use kite::{MethodOptions, Request, Service};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Failure, kite};

/// Serves `square` until the process is ended, and says where.
pub(crate) async fn serve() -> Result<(), Failure> {
    let service = Service::builder(kite("square", 0))
        .method_with("square", MethodOptions::new().open(), async |request: Request| {
            let number: u64 = request.arg()?;
            Ok(number.wrapping_mul(number))
        })
        .build();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    serve_endpoint(listener, Endpoint::new(Arc::new(service)), CancellationToken::new()).await;
    Ok(())
}
