//! The OAuth 1.0a key against OpenSSL.

use vault::{InvalidOAuth1Key, OAuth1Key, Secret};

use crate::tool::{System, run, text};

const BASE: &[u8] =
    b"POST&https%3A%2F%2Fgit.example%2Fplugins%2Fservlet%2Foauth%2Frequest-token&oauth_nonce%3D1";

#[test]
fn openssl_believes_the_signature() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let key = OAuth1Key::generate().unwrap();
    std::fs::write(file("public.pem"), key.public_pem().unwrap()).unwrap();

    let signature = key.sign_sha1(BASE, &System).unwrap();

    std::fs::write(file("signature"), signature).unwrap();
    let (public, signature) = (file("public.pem"), file("signature"));
    let arguments = ["dgst", "-sha1", "-verify", &public, "-signature", &signature];
    let Some(good) = run("openssl", &arguments, BASE) else { return };
    assert_eq!(text(&good), "Verified OK\n");
    let bad = run("openssl", &arguments, b"another request").unwrap();
    assert!(!bad.status.success());
}

#[test]
fn a_key_of_openssl_is_read_in_both_forms_and_signs_alike() {
    let mut signatures = Vec::new();
    let Some(generated) = run("openssl", &["genrsa", "2048"], b"") else { return };
    let pem = text(&generated);
    let traditional = text(&run("openssl", &["rsa", "-traditional"], pem.as_bytes()).unwrap());
    for pem in [pem, traditional] {
        let key = OAuth1Key::from_pem(&Secret::new(pem)).unwrap();
        signatures.push(key.sign_sha1(BASE, &System).unwrap());
        let again = OAuth1Key::from_pem(&key.to_pem().unwrap()).unwrap();
        signatures.push(again.sign_sha1(BASE, &System).unwrap());
    }

    // The blinding does not show.
    assert!(signatures.iter().all(|signature| *signature == signatures[0] && signature.len() == 256));
}

#[test]
fn what_is_no_key_or_a_small_one_is_refused() {
    for pem in ["", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert_eq!(OAuth1Key::from_pem(&Secret::new(pem.into())).err(), Some(InvalidOAuth1Key::NotAKey));
    }
    let Some(small) = run("openssl", &["genrsa", "1024"], b"") else { return };
    assert_eq!(OAuth1Key::from_pem(&Secret::new(text(&small))).err(), Some(InvalidOAuth1Key::Size(1024)));
}
