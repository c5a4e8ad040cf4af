//! Over TCP, with and without TLS, through a server that upgrades as the public one does.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kite::{Context, Kite, Service};
use link::handshake::{Hello, Way};
use link::{Agents, DialError, Io, accept_upgraded, dial};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use wire::agent::{AgentConfig, ExecRequest};

use crate::stand::{LIMIT, TOKEN, agent, config, workspace};

/// Takes agents below `/base`, as behind a proxy with a base path.
async fn listen(tls: Option<TlsAcceptor>) -> (SocketAddr, Agents) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let agents = Agents::new();
    agents.serve_kites(Service::client(Kite::default()), |_| Context::default());
    let found = agents.clone();
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let (tls, agents) = (tls.clone(), agents.clone());
            tokio::spawn(async move {
                let io: Box<dyn Io> = match tls {
                    Some(tls) => match tls.accept(tcp).await {
                        Ok(io) => Box::new(io),
                        Err(_) => return,
                    },
                    None => Box::new(tcp),
                };
                let service = service_fn(move |mut request| {
                    let answered = answer(&mut request, agents.clone());
                    async move { Ok::<_, std::convert::Infallible>(answered) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(io), service)
                    .with_upgrades();
                drop(connection.await);
            });
        }
    });
    (address, found)
}

fn answer(request: &mut Request<Incoming>, agents: Agents) -> Response<String> {
    let way = Way::of_path(request.uri().path().strip_prefix("/base").unwrap()).unwrap();
    let hello = Hello::read(way, request.headers()).unwrap();
    assert_eq!(hello.token, TOKEN);
    let (accepted, workspace, planes) = (hello.accept(), hello.workspace, hello.planes);
    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        accept_upgraded(TokioIo::new(upgrade.await.unwrap()), workspace, planes, agents).await;
    });
    accepted
}

/// A certificate for `127.0.0.1` that is its own authority; `None` where it cannot be made.
fn certificate(folder: &Path) -> Option<(String, String)> {
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        return None;
    }
    Some((std::fs::read_to_string(key).unwrap(), std::fs::read_to_string(certificate).unwrap()))
}

async fn call_through(config: AgentConfig, agents: &Agents) {
    let agent = agent(&config);
    tokio::spawn(async move { agent.run(&config).await });
    let client = tokio::time::timeout(LIMIT, agents.wait_for(workspace(1))).await.unwrap();
    let text = "x".repeat(1 << 20);
    let request =
        ExecRequest { command: vec!["cat".into()], stdin: Some(text.clone()), ..Default::default() };
    assert!(client.exec(&request).await.unwrap().stdout == text);
}

#[tokio::test]
async fn an_agent_on_another_machine_dials_over_tcp() {
    let folder = tempfile::tempdir().unwrap();
    let (address, agents) = listen(None).await;

    call_through(config(format!("ws://{address}/base/"), workspace(1), folder.path()), &agents).await;
}

#[tokio::test]
async fn over_tls_only_a_server_of_a_trusted_authority_is_spoken_to() {
    let folder = tempfile::tempdir().unwrap();
    let Some((key, certificate)) = certificate(folder.path()) else {
        println!("skipped: openssl is not installed here, so there is no certificate to test with");
        return;
    };
    let server =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
    let (address, agents) = listen(Some(TlsAcceptor::from(Arc::new(server)))).await;
    let distrustful = config(format!("wss://{address}/base"), workspace(1), folder.path());
    let trusting = AgentConfig { ca_pem: Some(certificate), ..distrustful.clone() };
    let confused =
        AgentConfig { ca_pem: Some("-----BEGIN CERTIFICATE-----\n!".into()), ..distrustful.clone() };

    let refused = dial(&distrustful).await.err().unwrap();
    assert!(matches!(refused, DialError::Connect { .. }), "{refused:?}");
    let unusable = dial(&confused).await.err().unwrap();
    assert!(matches!(unusable, DialError::Config(_)), "{unusable:?}");
    call_through(trusting, &agents).await;
}
