//! Whose certificates are believed, and what is said about those that are not.

use std::sync::Arc;

use outbound::{Builder, Client, Error, Policy, TlsReason};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use vault::Secret;

use crate::secure::{Authority, Secure, Validity, url};
use crate::server::{Names, Server, ok, redirect};

fn builder() -> Builder {
    let names = Names::default().name("secure.test", &[&["127.0.0.1"]]).name("other.test", &[&["127.0.0.1"]]);
    Client::builder(Policy::with_loopback()).resolver(Arc::new(names))
}

fn reason(error: &Error) -> TlsReason {
    let Error::Tls { reason, .. } = error else { unreachable!("{error:?}") };
    *reason
}

#[tokio::test]
async fn an_authority_nobody_knows_is_not_believed_until_it_is_added() {
    let authority = Authority::new("Corporate CA");
    let port = Secure::new(&authority, ok("secure")).start().await;

    let client = builder().build().unwrap();
    let error = client.get(url("secure.test", port)).send().await.unwrap_err();
    let looked = client.certificate("secure.test", port).await.unwrap_err();
    let trusting = builder().authorities(authority.pem()).build().unwrap();

    assert_eq!(reason(&error), TlsReason::UnknownAuthority);
    assert!(error.mend().contains("authority") && error.mend().contains("`ca`"), "{}", error.mend());
    assert_eq!(reason(&looked), TlsReason::UnknownAuthority);
    assert!(looked.to_string().contains("CN=Corporate CA"), "{looked}");
    let response = trusting.get(url("secure.test", port)).send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), "secure");
}

#[tokio::test]
async fn an_added_authority_is_believed_for_its_names_only() {
    let authority = Authority::new("CA");
    let port = Secure::new(&authority, ok("secure")).start().await;
    let client = builder().authorities(authority.pem()).build().unwrap();

    let asked = client.get(url("other.test", port)).send().await.unwrap_err();
    let looked = client.certificate("other.test", port).await.unwrap_err();

    assert_eq!(reason(&asked), TlsReason::WrongName);
    assert_eq!(reason(&looked), TlsReason::WrongName);
    assert!(looked.mend().contains("`other.test`"), "{}", looked.mend());
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_told_apart() {
    let authority = Authority::new("CA");
    for (validity, expected) in
        [(Validity::Past, TlsReason::Expired), (Validity::Future, TlsReason::NotYetValid)]
    {
        let port = Secure { validity, ..Secure::new(&authority, ok("")) }.start().await;
        let client = builder().authorities(authority.pem()).build().unwrap();

        let asked = client.get(url("secure.test", port)).send().await.unwrap_err();
        let looked = client.certificate("secure.test", port).await.unwrap_err();

        assert_eq!(reason(&asked), expected);
        assert_eq!(reason(&looked), expected);
    }
}

#[tokio::test]
async fn a_good_certificate_is_described() {
    let authority = Authority::new("Corporate CA");
    let port = Secure::new(&authority, ok("")).start().await;
    let client = builder().authorities(authority.pem()).build().unwrap();

    let found = client.certificate("secure.test", port).await.unwrap();

    assert_eq!((found.subject.as_str(), found.issuer.as_str()), ("CN=a server", "CN=Corporate CA"));
    assert_eq!(found.names, ["secure.test"]);
    assert!(found.not_before < found.not_after);
}

#[tokio::test]
async fn what_has_no_tls_has_no_certificate() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH\r\n").await.unwrap();
        let _length = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    });

    let error = builder().build().unwrap().certificate("127.0.0.1", port).await.unwrap_err();

    assert_eq!(reason(&error), TlsReason::Other);
}

#[tokio::test]
async fn a_host_that_demands_a_client_certificate_gets_it() {
    let (authority, staff) = (Authority::new("CA"), Authority::new("Staff CA"));
    let port = Secure { clients: Some(&staff), ..Secure::new(&authority, ok("come in")) }.start().await;

    let nobody = builder().authorities(authority.pem()).build().unwrap();
    let stranger = builder().authorities(authority.pem()).client_certificate(authority.client());
    let stranger = stranger.build().unwrap();
    let staff = builder().authorities(authority.pem()).client_certificate(staff.client()).build().unwrap();

    for client in [nobody, stranger] {
        let error = client.post(url("secure.test", port)).send().await.unwrap_err();
        assert_eq!(reason(&error), TlsReason::ClientCertificate);
        assert!(error.mend().contains("client certificate"), "{}", error.mend());
    }
    let response = staff.get(url("secure.test", port)).send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), "come in");
}

#[test]
fn a_client_certificate_that_is_none_is_refused_and_not_shown() {
    let good = Authority::new("CA").client();
    let other = Authority::new("CA").client();
    let certificate = good.expose().split("-----BEGIN PRIVATE").next().unwrap().to_owned();
    let key = other.expose().split("-----END CERTIFICATE-----\n").nth(1).unwrap().trim().to_owned();

    for pem in [String::new(), "c2VjcmV0".into(), certificate.clone(), format!("{certificate}{key}"), key] {
        let error = builder().client_certificate(Secret::new(pem.clone())).build().unwrap_err();
        assert!(matches!(&error, Error::Refused { .. }), "{error:?}");
        assert!(!error.to_string().contains("c2VjcmV0"), "{error}");
    }
    assert!(builder().client_certificate(good).build().is_ok());
}

#[tokio::test]
async fn no_redirect_leads_from_encrypted_to_open() {
    let plain = Server::start([ok("open")]).await;
    let authority = Authority::new("CA");
    let port = Secure::new(&authority, redirect(plain.url("/").as_str())).start().await;
    let client = builder().authorities(authority.pem()).build().unwrap();

    let error = client.get(url("secure.test", port)).send().await.unwrap_err();

    assert!(matches!(&error, Error::Refused { why, .. } if why.contains("from https to http")), "{error:?}");
    assert_eq!(plain.requests().len(), 0);
}

#[test]
fn authorities_that_are_none_are_refused() {
    for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let result = Client::builder(Policy::public_only()).authorities(pem).build();
        assert!(matches!(result, Err(Error::Refused { .. })), "{pem}");
    }
}
