//! A redirect is a new request to a host somebody else chose.

use std::sync::Arc;

use http::HeaderValue;
use http::header::AUTHORIZATION;
use outbound::{Client, Error, Policy};

use crate::server::{Names, Server, ok, redirect};

#[tokio::test]
async fn a_redirect_is_followed() {
    let target = Server::start([ok("there")]).await;
    let server = Server::start([redirect(target.url("/there").as_str())]).await;
    let client = Client::new(Policy::with_loopback());

    let response = client.get(server.url("/")).send().await.unwrap();

    assert_eq!(*response.url(), target.url("/there"));
    assert_eq!(response.bytes().await.unwrap(), "there");
}

#[tokio::test]
async fn a_redirect_inside_is_refused_by_address_and_by_name() {
    let names = Arc::new(Names::default().name("inside.test", &[&["10.0.0.7"]]));
    for inside in [
        "http://10.0.0.7/",
        "http://0xa.7/",
        "http://[::ffff:10.0.0.7]/",
        "http://inside.test/",
        "http://169.254.169.254/latest/",
    ] {
        let server = Server::start([redirect(inside)]).await;
        let client = Client::builder(Policy::with_loopback()).resolver(names.clone()).build().unwrap();

        let result = client.get(server.url("/")).send().await;

        assert!(matches!(result, Err(Error::Refused { .. })), "{inside}: {result:?}");
    }
}

#[tokio::test]
async fn a_redirect_to_another_scheme_is_refused() {
    for target in ["ftp://127.0.0.1/", "file:///etc/passwd", "http://me:secret@127.0.0.1/"] {
        let server = Server::start([redirect(target)]).await;

        let result = Client::new(Policy::with_loopback()).get(server.url("/")).send().await;

        assert!(
            matches!(&result, Err(Error::Refused { .. }))
                || matches!(&result, Ok(answer) if answer.status() == 302),
            "{target}: {result:?}"
        );
    }
}

#[tokio::test]
async fn a_redirect_in_circles_comes_to_an_end() {
    let server = Server::start([redirect("/again")]).await;

    let error = Client::new(Policy::with_loopback()).get(server.url("/")).send().await.unwrap_err();

    assert!(matches!(&error, Error::Refused { why, .. } if why.contains("redirects more than")), "{error:?}");
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn credentials_do_not_travel_to_another_host() {
    let target = Server::start([ok("")]).await;
    let server = Server::start([redirect(target.url("/").as_str())]).await;
    let client = Client::new(Policy::with_loopback());

    let request =
        client.get(server.url("/")).header(AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
    request.send().await.unwrap();

    assert!(server.requests()[0].contains("Bearer secret"));
    assert!(!target.requests()[0].contains("secret"));
}
