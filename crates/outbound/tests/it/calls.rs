//! Calls to an API: what is sent, where it stays, and how answers are read.

use http::{HeaderName, Method};
use outbound::{Client, Error, Policy};
use vault::Secret;

use crate::server::{Server, ok, redirect};

fn json(content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn token() -> Secret<String> {
    Secret::new("s3cret".into())
}

#[tokio::test]
async fn every_method_is_sent_once_as_it_is_called() {
    let busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let server = Server::start([busy.into()]).await;
    let client = Client::new(Policy::with_loopback());

    client.put(server.url("/a")).send().await.unwrap();
    client.patch(server.url("/b")).send().await.unwrap();
    client.delete(server.url("/c")).send().await.unwrap();
    client.request(Method::OPTIONS, server.url("/d")).send().await.unwrap();

    let requests = server.requests();
    let lines: Vec<&str> = requests.iter().map(|request| request.lines().next().unwrap()).collect();
    assert_eq!(lines, ["PUT /a HTTP/1.1", "PATCH /b HTTP/1.1", "DELETE /c HTTP/1.1", "OPTIONS /d HTTP/1.1"]);
}

#[tokio::test]
async fn tokens_and_bodies_are_sent_in_their_form_and_not_shown() {
    let server = Server::start([ok("")]).await;
    let client = Client::new(Policy::with_loopback());

    let bearer = client.post(server.url("/")).bearer(&token()).form(&[("a b", "c&d"), ("e", "ü")]);
    let basic = client.post(server.url("/")).basic("ada", &token()).json(&serde_json::json!({"a": 1}));
    let private =
        client.get(server.url("/")).secret_header(HeaderName::from_static("private-token"), &token());
    for request in [bearer, basic, private] {
        assert!(!format!("{request:?}").contains("s3cret"), "{request:?}");
        request.send().await.unwrap();
    }

    let requests = server.requests();
    assert!(requests[0].contains("\r\nauthorization: Bearer s3cret\r\n"), "{}", requests[0]);
    assert!(
        requests[0].contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"),
        "{}",
        requests[0]
    );
    assert!(requests[0].ends_with("\r\n\r\na+b=c%26d&e=%C3%BC"), "{}", requests[0]);
    assert!(requests[1].contains("\r\nauthorization: Basic YWRhOnMzY3JldA==\r\n"), "{}", requests[1]);
    assert!(requests[1].contains("\r\ncontent-type: application/json\r\n"), "{}", requests[1]);
    assert!(requests[1].ends_with("\r\n\r\n{\"a\":1}"), "{}", requests[1]);
    assert!(requests[2].contains("\r\nprivate-token: s3cret\r\n"), "{}", requests[2]);
}

#[tokio::test]
async fn a_token_that_would_add_a_header_is_refused() {
    let server = Server::start([ok("")]).await;
    let client = Client::new(Policy::with_loopback());
    let token = Secret::new("s3cret\r\nX-Admin: yes".to_owned());

    let error = client.get(server.url("/")).bearer(&token).send().await.unwrap_err();

    assert!(matches!(&error, Error::Refused { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("s3cret"));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_to_another_origin_gets_neither_request_nor_token() {
    let other = Server::start([ok("")]).await;
    let server = Server::start([redirect(other.url("/").as_str())]).await;
    let client = Client::builder(Policy::with_loopback()).same_origin_redirects().build().unwrap();

    let error = client.get(server.url("/")).bearer(&token()).send().await.unwrap_err();

    assert!(matches!(&error, Error::Refused { why, .. } if why.contains("another origin")), "{error:?}");
    assert_eq!((server.requests().len(), other.requests().len()), (1, 0));
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_with_the_token_when_nothing_changes() {
    let server = Server::start([redirect("/there"), ok("there"), redirect("/there")]).await;
    let client = Client::builder(Policy::with_loopback()).same_origin_redirects().build().unwrap();

    let followed = client.get(server.url("/")).bearer(&token()).send().await.unwrap();
    let changing = client.post(server.url("/")).bearer(&token()).send().await.unwrap();

    assert_eq!(followed.text_limited().await.unwrap(), "there");
    assert!(server.requests()[1].contains("Bearer s3cret"));
    assert_eq!(changing.status(), 302);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn without_redirects_one_is_an_answer() {
    let server = Server::start([redirect("/there")]).await;
    let client = Client::builder(Policy::with_loopback()).no_redirects().build().unwrap();

    let response = client.get(server.url("/")).bearer(&token()).send().await.unwrap();

    assert_eq!(response.status(), 302);
    assert_eq!(response.headers()["location"], "/there");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn json_is_read_whatever_kind_it_says_it_is() {
    for kind in ["application/json", "application/json; charset=utf-8", "Application/Problem+JSON"] {
        let server = Server::start([json(kind, "[1, 2]")]).await;

        let response = Client::new(Policy::with_loopback()).get(server.url("/")).send().await.unwrap();

        assert_eq!(response.json::<Vec<u8>>().await.unwrap(), [1, 2], "{kind}");
    }
}

#[tokio::test]
async fn what_is_not_json_is_named_without_its_body() {
    for (answer, named) in [
        (json("text/html; charset=utf-8", "<p>s3cret</p>"), "`text/html`"),
        (ok("s3cret"), "without a content type"),
        (json("application/json", "{\"s3cret\""), "line 1"),
        (json("application/json", "[\"s3cret\"]"), "line 1"),
        (json("application/json-seq", "[1]"), "`application/json-seq`"),
    ] {
        let server = Server::start([answer]).await;

        let response = Client::new(Policy::with_loopback()).get(server.url("/")).send().await.unwrap();
        let error = response.json::<Vec<u8>>().await.unwrap_err();

        assert!(matches!(&error, Error::NotJson { status: 200, .. }), "{error:?}");
        assert!(error.to_string().contains(named), "{error}");
        assert!(!format!("{error:?} {error} {}", error.mend()).contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_with_more_than_a_hundred_headers_is_refused() {
    let headers = "X-Many: a\r\n".repeat(101);
    let server = Server::start([format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\n\r\n")]).await;

    let error = Client::new(Policy::with_loopback()).post(server.url("/")).send().await.unwrap_err();

    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
}
