//! Where connections may lead, and that the address checked is the address dialled.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use outbound::{Client, Error, Policy};
use tokio::io::AsyncReadExt;
use url::Url;

use crate::server::{Names, Server, ok};

#[tokio::test]
async fn every_spelling_of_this_machine_is_refused() {
    let server = Server::start([ok("secret")]).await;
    let client = Client::new(Policy::public_only());

    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0x7f000001",
        "0",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "[::127.0.0.1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "%31%32%37.0.0.1",
        "127。0。0。1",
    ] {
        let url = server.named(host, "/");
        let result = client.get(url.clone()).send().await;

        assert!(
            matches!(result, Err(Error::Refused { .. } | Error::UnknownHost { .. })),
            "{url}: {result:?}"
        );
    }
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn every_spelling_of_this_machine_is_refused_for_plain_connections_too() {
    let server = Server::start([ok("secret")]).await;
    let client = Client::new(Policy::public_only());

    for host in
        ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0", "::1", "[::1]", "::ffff:127.0.0.1", "localhost"]
    {
        let result = client.connect(host, server.port()).await;

        assert!(
            matches!(result, Err(Error::Refused { .. } | Error::UnknownHost { .. })),
            "{host}: {result:?}"
        );
    }
}

#[tokio::test]
async fn the_metadata_service_is_reached_in_no_form_whatever_is_allowed() {
    let everything = Policy::public_only().allow("0.0.0.0/0".parse().unwrap()).allow("::/0".parse().unwrap());
    let client = Client::new(everything);

    for host in [
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[::ffff:0:a9fe:a9fe]",
        "[::a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[2001:0:1:2:3:4:5601:5601]",
        "[2606:4700::5efe:a9fe:a9fe]",
        "[fe80::a9fe:a9fe]",
        "[fd00:ec2::254]",
        "[fd20:ce::254]",
        "100.100.100.200",
        "[::ffff:100.100.100.200]",
        "168.63.129.16",
        "[64:ff9b::168.63.129.16]",
    ] {
        let asked = client.get(Url::parse(&format!("http://{host}/latest/")).unwrap()).send().await;
        let dialled = client.connect(host, 80).await;

        for result in [asked.map(drop), dialled.map(drop)] {
            assert!(
                matches!(&result, Err(Error::Refused { why, .. }) if why.contains("metadata")),
                "{host}: {result:?}"
            );
        }
    }
}

#[tokio::test]
async fn who_is_refused_a_private_address_learns_which_setting_opens_it() {
    let client = Client::new(Policy::public_only());

    let error = client.get(Url::parse("http://10.0.0.7/").unwrap()).send().await.unwrap_err();

    assert!(error.mend().contains("`outbound.allow` in hearth.toml"), "{}", error.mend());
}

#[tokio::test]
async fn what_is_allowed_is_reached() {
    let server = Server::start([ok("hello")]).await;
    let client = Client::new(Policy::with_loopback());

    let response = client.get(server.url("/a?b=c")).send().await.unwrap();

    assert_eq!(response.status(), 200);
    assert_eq!(response.bytes().await.unwrap(), "hello");
    assert!(server.requests()[0].starts_with("GET /a?b=c HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_plain_connection_reaches_what_is_allowed() {
    let server = Server::start([ok("")]).await;
    let client = Client::new(Policy::with_loopback());

    let mut stream = client.connect("127.0.0.1", server.port()).await.unwrap();

    tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused() {
    let names = Names::default().name("inside.test", &[&["10.0.0.7", "fd00::7"]]);
    let client = Client::builder(Policy::public_only()).resolver(Arc::new(names)).build().unwrap();

    let error = client.get(Url::parse("https://inside.test/").unwrap()).send().await.unwrap_err();

    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("`inside.test`"), "{error}");
    assert!(matches!(client.connect("inside.test", 443).await, Err(Error::Refused { .. })));
}

#[tokio::test]
async fn of_a_mixed_answer_only_what_is_permitted_is_dialled() {
    let server = Server::start([ok("hello")]).await;
    let names = Names::default().name("mixed.test", &[&["10.0.0.7", "169.254.169.254", "127.0.0.1"]]);
    let client = Client::builder(Policy::with_loopback()).resolver(Arc::new(names)).build().unwrap();

    let response = client.get(server.named("mixed.test", "/")).send().await.unwrap();

    assert_eq!(response.status(), 200);
    client.connect("mixed.test", server.port()).await.unwrap();
}

#[tokio::test]
async fn a_name_is_looked_up_once_per_connection_and_checked_each_time() {
    let server = Server::start([ok("hello")]).await;
    let names = Arc::new(Names::default().name("rebind.test", &[&["127.0.0.1"], &["10.0.0.7"]]));
    let client = Client::builder(Policy::with_loopback()).resolver(names.clone()).build().unwrap();

    let first = client.get(server.named("rebind.test", "/")).send().await;
    let looked_up = names.asked.load(Ordering::SeqCst);
    let second = client.get(server.named("rebind.test", "/")).send().await;

    assert_eq!(first.unwrap().status(), 200);
    assert_eq!(looked_up, 1);
    assert!(matches!(second, Err(Error::Refused { .. })), "{second:?}");
}

#[tokio::test]
async fn an_unknown_name_is_told_apart() {
    let client = Client::builder(Policy::public_only()).resolver(Arc::new(Names::default())).build().unwrap();

    let asked = client.get(Url::parse("https://nowhere.test/").unwrap()).send().await;
    let dialled = client.connect("nowhere.test", 443).await;

    assert!(matches!(asked, Err(Error::UnknownHost { host, .. }) if host == "nowhere.test"));
    assert!(matches!(dialled, Err(Error::UnknownHost { host, .. }) if host == "nowhere.test"));
}

#[tokio::test]
async fn a_name_without_addresses_is_unknown() {
    let names = Names::default().name("empty.test", &[&[]]);
    let client = Client::builder(Policy::public_only()).resolver(Arc::new(names)).build().unwrap();

    assert!(matches!(client.connect("empty.test", 443).await, Err(Error::UnknownHost { .. })));
}

#[tokio::test]
async fn other_schemes_and_credentials_in_addresses_are_refused() {
    let client = Client::new(Policy::with_loopback());

    for url in [
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com/",
        "https://me:secret@example.com/",
    ] {
        let error = client.get(Url::parse(url).unwrap()).send().await.unwrap_err();

        assert!(matches!(error, Error::Refused { .. }), "{url}: {error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn hosts_that_are_none_are_refused() {
    let client = Client::new(Policy::with_loopback());

    for host in ["", "a b", "fe80::1%eth0", "user@example.com", "example.com/path", "[::1", "256.0.0.1"] {
        let result = client.connect(host, 80).await;
        assert!(matches!(result, Err(Error::Refused { .. })), "{host}: {result:?}");
    }
}

/// The proxy variables are read when a client is made, so a process of its own needs to have them.
#[tokio::test]
async fn the_environment_cannot_put_a_proxy_in_between() {
    const MARK: &str = "OUTBOUND_TEST_BEHIND_PROXY";
    if std::env::var_os(MARK).is_none() {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "guard::the_environment_cannot_put_a_proxy_in_between"]).env(MARK, "1");
        for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"] {
            again.env(variable, "http://127.0.0.1:9");
        }
        assert!(again.env_remove("NO_PROXY").env_remove("no_proxy").status().unwrap().success());
        return;
    }
    let server = Server::start([ok("direct")]).await;

    let response = Client::new(Policy::with_loopback()).get(server.url("/")).send().await.unwrap();

    assert_eq!(response.bytes().await.unwrap(), "direct");
}
