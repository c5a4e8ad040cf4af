use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use link::AgentClient;
use testkit::git::{Repository, git, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::agent::{CloneEvent, CloneRequest};

use crate::bench::{Bench, LIMIT, bench, connect, shell};
use crate::clone::{failed, request, run};

/// Stands in for the server: connects whatever `allow` names to `target`, and refuses all else.
fn stand_in(client: &AgentClient, allow: &'static str, target: String) -> Arc<AtomicBool> {
    let client = client.clone();
    let used = Arc::new(AtomicBool::new(false));
    let seen = used.clone();
    tokio::spawn(async move {
        let mut wishes = client.egress().await.unwrap();
        while let Some(Ok(wish)) = wishes.next().await {
            if wish.host != allow {
                client
                    .egress_refuse(wish.id, "`example` is not this workspace's forge (100 %)")
                    .await
                    .unwrap();
                continue;
            }
            seen.store(true, Ordering::Relaxed);
            let (client, target) = (client.clone(), target.clone());
            tokio::spawn(async move {
                let mut inside = client.egress_open(wish.id).await.unwrap();
                let mut outside = TcpStream::connect(target).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut inside, &mut outside).await);
            });
        }
    });
    used
}

fn address(url: &str) -> String {
    url.trim_start_matches("http://").to_owned()
}

fn proxied(bench: &Bench, url: &str) -> CloneRequest {
    CloneRequest { through_server: true, ..request(bench, url) }
}

/// The proxy's address, once a clone has needed it.
async fn proxy(bench: &Bench) -> String {
    drop(run(&bench.client, &proxied(bench, "http://refused.test/a.git")).await);
    let text = std::fs::read_to_string(bench.root.path().join("home/.config/hearth/gitconfig")).unwrap();
    address(text.lines().find_map(|line| line.trim().strip_prefix("proxy = ")).unwrap().trim_matches('"'))
}

/// Says something to the proxy and reads all it answers.
async fn ask(proxy: &str, text: &str) -> String {
    let mut stream = TcpStream::connect(proxy).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_clone_goes_through_the_server_and_so_does_what_the_user_does_later() {
    let (bench, repository) = (bench().await, Repository::sample());
    let server = serve(repository.parent());
    // A host that nobody could look up: only the server knows where it is.
    let used = stand_in(&bench.client, "forge.test", address(&server.url));

    let events = run(&bench.client, &proxied(&bench, "http://forge.test/sample.git")).await;

    assert!(matches!(events.last(), Some(CloneEvent::Done { .. })), "{events:?}");
    assert!(used.load(Ordering::Relaxed));
    assert_eq!(git(&bench.folder().join("sample"), &["rev-parse", "HEAD"]), repository.head());

    let script = "cd sample && git config user.name T && git config user.email t@example.com && \
        echo more >> README.md && git commit -qam More && git push -q origin main && git fetch -q && git rev-parse HEAD";
    let pushed = bench.client.exec(&shell(script)).await.unwrap();
    assert_eq!(pushed.exit_code, 0, "{}", pushed.stderr);
    assert_eq!(pushed.stdout.trim(), repository.head());
}

#[tokio::test]
async fn a_tunnel_carries_bytes_both_ways() {
    let bench = bench().await;
    let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
    stand_in(&bench.client, "forge.test", echo.local_addr().unwrap().to_string());
    tokio::spawn(async move {
        let (mut stream, _) = echo.accept().await.unwrap();
        let (mut reader, mut writer) = stream.split();
        tokio::io::copy(&mut reader, &mut writer).await.unwrap();
    });
    let proxy = proxy(&bench).await;

    let mut stream = TcpStream::connect(proxy).await.unwrap();
    stream.write_all(b"CONNECT forge.test:443 HTTP/1.1\r\nHost: forge.test:443\r\n\r\n").await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    let sent: Vec<u8> = (0..2_000_000_u32).map(|i| u8::try_from(i % 249).unwrap()).collect();
    let (mut reader, mut writer) = stream.into_split();
    let copy = sent.clone();
    tokio::spawn(async move {
        writer.write_all(&copy).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut back = Vec::new();
    tokio::time::timeout(LIMIT, reader.read_to_end(&mut back)).await.unwrap().unwrap();

    assert!(back == sent);
}

#[tokio::test]
async fn a_refusal_reaches_git_and_the_log() {
    let bench = bench().await;
    stand_in(&bench.client, "forge.test", "127.0.0.1:1".into());

    for url in ["http://other.test/a.git", "https://other.test/a.git"] {
        let (reason, mend) = failed(&run(&bench.client, &proxied(&bench, url)).await);
        assert!(reason.contains("`example` is not this workspace's forge (100 %)"), "{reason}");
        assert!(!mend.is_empty());
    }
    let by_hand = bench.client.exec(&shell("git ls-remote http://other.test/a.git")).await.unwrap();
    assert!(by_hand.stderr.contains("403"), "{}", by_hand.stderr);
}

#[tokio::test]
async fn only_git_gets_out() {
    let bench = bench().await;
    let used = stand_in(&bench.client, "forge.test", "127.0.0.1:1".into());
    let proxy = proxy(&bench).await;

    for path in ["/", "/api/v4/projects", "/a.git/info/refs", "/a.git/info/lfs/../../api"] {
        let text = format!("GET http://forge.test{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = ask(&proxy, &text).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
        assert!(answer.contains("only git's own requests"), "{path}: {answer}");
    }
    let answer = ask(&proxy, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(!used.load(Ordering::Relaxed));
}

#[tokio::test]
async fn the_host_that_was_allowed_is_the_host_that_is_asked() {
    let bench = bench().await;
    let forge = TcpListener::bind("127.0.0.1:0").await.unwrap();
    stand_in(&bench.client, "forge.test", forge.local_addr().unwrap().to_string());
    let proxy = proxy(&bench).await;
    let heard = tokio::spawn(async move {
        let (mut stream, _) = forge.accept().await.unwrap();
        let mut heard = vec![0; 4096];
        let count = stream.read(&mut heard).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
        String::from_utf8_lossy(&heard[..count]).to_lowercase()
    });

    let answer = ask(
        &proxy,
        "GET http://forge.test/a/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: internal.test\r\n\
         Proxy-Authorization: Basic c2VjcmV0\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\n\r\n",
    )
    .await;

    let heard = heard.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hi"), "{answer}");
    assert!(heard.starts_with("get /a/info/refs?service=git-upload-pack http/1.1"), "{heard}");
    assert!(heard.contains("host: forge.test\r\n"), "{heard}");
    for hidden in ["internal.test", "proxy-authorization", "x-mine"] {
        assert!(!heard.contains(hidden), "{heard}");
    }
}

#[tokio::test]
async fn a_wish_waits_for_a_server_that_comes_back() {
    let (bench, repository) = (bench().await, Repository::sample());
    let server = serve(repository.parent());
    let request = proxied(&bench, "http://forge.test/sample.git");

    // Asked for while nobody listens for wishes.
    let client = bench.client.clone();
    let cloning = tokio::spawn(async move { run(&client, &request).await });
    crate::bench::until("the proxy is told to git", || async {
        bench.root.path().join("home/.gitconfig").exists()
    })
    .await;
    let later = connect(&bench.agent).await;
    stand_in(&later, "forge.test", address(&server.url));

    let events = cloning.await.unwrap();
    assert!(matches!(events.last(), Some(CloneEvent::Done { .. })), "{events:?}");
}

#[tokio::test]
async fn a_connection_nobody_wants_any_more_is_unknown() {
    let bench = bench().await;

    assert!(bench.client.egress_open(7).await.err().unwrap().is_not_found());
    assert!(bench.client.egress_refuse(7, "why").await.unwrap_err().is_not_found());
}
