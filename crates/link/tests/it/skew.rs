//! One version of difference: who speaks Kite meets who does not.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kite::{Kite, Service};
use link::handshake::{Hello, Planes, Way};
use link::{AgentClient, Agents, accept_upgraded, dial};
use tokio::net::{TcpListener, UnixStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;
use wire::agent::{CONNECT_PATH, KITE_PATH, PROTOCOL, PROTOCOL_HEADER, WORKSPACE_HEADER};

use crate::stand::{Door, LIMIT, TOKEN, agent, config, workspace};

/// A server as the one before: knows one path, and answers any other with a page of its own, or nothing.
async fn server_of_protocol_1(elsewhere: StatusCode) -> (SocketAddr, Agents, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (agents, asked) = (Agents::new(), Arc::new(Mutex::new(vec![])));
    let (found, seen) = (agents.clone(), asked.clone());
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let (agents, asked) = (agents.clone(), asked.clone());
            let service = service_fn(move |mut request: Request<Incoming>| {
                let protocol = request.headers()[PROTOCOL_HEADER].to_str().unwrap();
                asked.lock().unwrap().push(format!("{} as {protocol}", request.uri().path()));
                let mut response = Response::new(String::from("<!doctype html>"));
                *response.status_mut() = elsewhere;
                if request.uri().path() == CONNECT_PATH {
                    let hello = Hello::read(Way::Old, request.headers()).unwrap();
                    response = hello.accept();
                    let (upgrade, agents) = (hyper::upgrade::on(&mut request), agents.clone());
                    tokio::spawn(async move {
                        let io = TokioIo::new(upgrade.await.unwrap());
                        accept_upgraded(io, hello.workspace, Planes::Bytes, agents).await;
                    });
                }
                async move { Ok::<_, std::convert::Infallible>(response) }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(tcp), service)
                    .with_upgrades(),
            );
        }
    });
    (address, found, seen)
}

#[tokio::test]
async fn an_agent_of_today_serves_a_server_of_protocol_1() {
    for elsewhere in [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::UPGRADE_REQUIRED] {
        let folder = tempfile::tempdir().unwrap();
        let (address, agents, asked) = server_of_protocol_1(elsewhere).await;
        let config = config(format!("ws://{address}"), workspace(1), folder.path());
        let agent = agent(&config);
        tokio::spawn(async move { agent.run(&config).await });

        let client = tokio::time::timeout(LIMIT, agents.wait_for(workspace(1))).await.unwrap();

        assert_eq!(client.info().await.unwrap().protocol, 1, "what it speaks on this connection");
        let expected = [format!("{KITE_PATH} as {PROTOCOL}"), format!("{CONNECT_PATH} as 1")];
        assert_eq!(*asked.lock().unwrap(), expected);
    }
}

#[tokio::test]
async fn a_refused_credential_is_not_tried_the_old_way() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _agents, asked) = server_of_protocol_1(StatusCode::UNAUTHORIZED).await;
    let config = config(format!("ws://{address}"), workspace(1), folder.path());

    let refused = dial(&config).await.err().unwrap();

    assert!(matches!(refused, link::DialError::Refused(401)), "{refused}");
    assert_eq!(asked.lock().unwrap().len(), 1);
}

/// A socket as an agent of that protocol opens it.
async fn dial_as(
    socket: &std::path::Path,
    path: &str,
    protocol: u32,
) -> tokio_tungstenite::WebSocketStream<UnixStream> {
    let mut request = format!("ws://localhost{path}").into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    headers.insert(WORKSPACE_HEADER, workspace(1).to_string().parse().unwrap());
    headers.insert(PROTOCOL_HEADER, protocol.into());
    let io = UnixStream::connect(socket).await.unwrap();
    tokio_tungstenite::client_async(request, io).await.unwrap().0
}

#[tokio::test]
async fn a_server_of_today_never_sends_text_to_an_agent_of_protocol_1_nor_takes_any() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let (agents, cancel) = (Agents::new(), CancellationToken::new());
    // Has something to say to everybody who comes.
    let service = Service::builder(Kite::default()).build();
    agents.serve_kites(service, |_| kite::Context::default());
    let door = Arc::new(Door::default());
    tokio::spawn(link::listen_unix(&socket, workspace(1), agents.clone(), door, cancel.clone()).unwrap());

    for (path, protocol) in [(CONNECT_PATH, 1), (KITE_PATH, 1), (CONNECT_PATH, 2)] {
        let mut far = dial_as(&socket, path, protocol).await;
        // HTTP/2's preface is the first that comes, and all is bytes.
        let first = tokio::time::timeout(LIMIT, far.next()).await.unwrap().unwrap().unwrap();
        assert!(
            matches!(&first, Message::Binary(bytes) if bytes.starts_with(b"PRI * HTTP/2.0")),
            "{first:?}"
        );
        far.send(Message::text(r#"{"method":"kite.ping","arguments":[{"responseCallback":"[Function]"}],"callbacks":{"0":["0","responseCallback"]}}"#)).await.unwrap();
        loop {
            match tokio::time::timeout(LIMIT, far.next()).await.unwrap() {
                Some(Ok(Message::Binary(_))) => {}
                None | Some(Ok(Message::Close(_)) | Err(Error::Protocol(_) | Error::Io(_))) => break,
                other => panic!("{path} as {protocol}: {other:?}"),
            }
        }
    }
    cancel.cancel();
}

#[tokio::test]
async fn an_agent_of_protocol_1_is_served_by_a_server_of_today() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let (agents, cancel) = (Agents::new(), CancellationToken::new());
    agents.serve_kites(Service::builder(Kite::default()).build(), |_| kite::Context::default());
    let door = Arc::new(Door::default());
    tokio::spawn(link::listen_unix(&socket, workspace(1), agents.clone(), door, cancel.clone()).unwrap());
    let far = dial_as(&socket, CONNECT_PATH, 1).await;
    let agent = agent(&config("unix:/nowhere".into(), workspace(1), folder.path()));

    tokio::spawn(async move { agent.serve(link::ByteStream::new(far)).await });

    let client: AgentClient = tokio::time::timeout(LIMIT, agents.wait_for(workspace(1))).await.unwrap();
    client.info().await.unwrap();
    cancel.cancel();
}
