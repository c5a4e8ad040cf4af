//! SSH keys against OpenSSH.

use std::os::unix::fs::OpenOptionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use sha2::{Digest, Sha512};
use vault::Secret;
use vault::ssh::{Algorithm, KeyError, KeyPair, PublicKey, SessionBind, SignError, SignatureRequest};

use crate::tool::{System, run, text};

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// `PROTOCOL.sshsig`: what is signed, and what the file is.
fn sign_like_git(key: &KeyPair, message: &[u8]) -> (Vec<u8>, String) {
    let hash = Sha512::digest(message);
    let data = [b"SSHSIG".to_vec(), string(b"git"), string(b""), string(b"sha512"), string(&hash)].concat();
    let signature = key.sign_agent(&data, 4).unwrap();
    let blob = [
        b"SSHSIG\x00\x00\x00\x01".to_vec(),
        string(key.public().blob()),
        string(b"git"),
        string(b""),
        string(b"sha512"),
        string(&signature),
    ]
    .concat();
    let body = STANDARD.encode(blob);
    (data, format!("-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----\n"))
}

fn pem(der: &Secret<Vec<u8>>) -> String {
    let body = STANDARD.encode(der.expose());
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

fn each() -> impl Iterator<Item = KeyPair> {
    Algorithm::ALL.into_iter().map(|algorithm| {
        let key = KeyPair::generate(algorithm, &System).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        key
    })
}

#[test]
fn openssh_believes_signatures_and_agrees_about_fingerprints() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for key in each() {
        let public = key.public().clone().with_comment("hearth:\nada");
        let (data, armoured) = sign_like_git(&key, b"commit\n");
        std::fs::write(file("signature"), armoured).unwrap();
        std::fs::write(file("public"), public.line()).unwrap();

        let (signature, line) = (file("signature"), file("public"));
        let check = ["-Y", "check-novalidate", "-n", "git", "-s", &signature];
        let Some(good) = run("ssh-keygen", &check, b"commit\n") else { return };
        assert!(text(&good).contains(&public.fingerprint().to_string()), "{}", public.line());
        assert!(!run("ssh-keygen", &check, b"forged\n").unwrap().status.success());
        let listed = text(&run("ssh-keygen", &["-l", "-f", &line], b"").unwrap());
        assert!(listed.contains(&format!("{} hearth:ada (", public.fingerprint())), "{listed}");
        let listed = text(&run("ssh-keygen", &["-l", "-E", "md5", "-f", &line], b"").unwrap());
        assert!(listed.contains(&format!("MD5:{} ", public.md5_fingerprint())), "{listed}");
        let kind = SignatureRequest::parse(&data);
        assert_eq!(
            kind,
            SignatureRequest::SshSig { namespace: "git".into(), hash_algorithm: "sha512".into() }
        );
    }
}

#[test]
fn openssh_verifies_a_commit_for_a_known_signer() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let key = KeyPair::generate(Algorithm::default(), &System).unwrap();
    std::fs::write(file("signature"), sign_like_git(&key, b"commit\n").1).unwrap();
    std::fs::write(file("signers"), format!("ada@example.com {}", key.public().line())).unwrap();

    let (signature, signers) = (file("signature"), file("signers"));
    let arguments = ["-Y", "verify", "-n", "git", "-I", "ada@example.com", "-f", &signers, "-s", &signature];
    let Some(output) = run("ssh-keygen", &arguments, b"commit\n") else { return };

    assert!(text(&output).contains("Good \"git\" signature for ada@example.com"));
}

#[test]
fn openssh_reads_the_stored_form_of_rsa_and_ecdsa() {
    let folder = tempfile::tempdir().unwrap();
    for key in each().filter(|key| key.algorithm() != Algorithm::Ed25519) {
        let path = folder.path().join(key.algorithm().to_string());
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        std::io::Write::write_all(&mut file, pem(&key.to_pkcs8().unwrap()).as_bytes()).unwrap();

        let Some(output) = run("ssh-keygen", &["-y", "-f", path.to_str().unwrap()], b"") else { return };

        assert_eq!(text(&output).trim(), key.public().line());
    }
}

#[test]
fn keys_of_openssh_are_read_and_their_fingerprints_agree() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, bits) in [("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "521"), ("rsa", "2048")] {
        let path = folder.path().join(format!("{kind}{bits}"));
        let path = path.to_str().unwrap();
        let arguments = ["-q", "-t", kind, "-b", bits, "-N", "", "-C", "ada and bob", "-f", path];
        let Some(made) = run("ssh-keygen", &arguments, b"") else { return };
        text(&made);
        let line = std::fs::read_to_string(format!("{path}.pub")).unwrap();

        let key = PublicKey::parse(&line).unwrap();

        let listed = text(&run("ssh-keygen", &["-l", "-f", path], b"").unwrap());
        let listed = listed.split(' ').nth(1).unwrap();
        assert_eq!(key.fingerprint().to_string(), listed);
        assert_eq!((key.line().as_str(), key.comment()), (line.trim(), "ada and bob"));
        assert_eq!(PublicKey::from_blob(key.blob()).unwrap(), key);
        for listed in [listed.to_owned(), format!("{listed}="), key.md5_fingerprint().to_uppercase()] {
            assert!(key.has_fingerprint(&listed), "{listed}");
        }
        assert!(!key.has_fingerprint("SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"));
    }
}

#[test]
fn a_stored_key_is_the_same_key() {
    for key in each() {
        let again = KeyPair::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();

        assert_eq!(again.public(), key.public());
        assert_eq!(again.algorithm(), key.algorithm());
        again.public().verify(b"data", &key.sign_agent(b"data", 2).unwrap()).unwrap();
    }
}

#[test]
fn rsa_signs_with_sha_2_only() {
    let key = KeyPair::generate(Algorithm::Rsa4096, &System).unwrap();

    assert_eq!(key.sign_agent(b"data", 0), Err(SignError::Sha1));
    for (flags, name) in [(2, "rsa-sha2-256"), (4, "rsa-sha2-512"), (6, "rsa-sha2-256")] {
        let signature = key.sign_agent(b"data", flags).unwrap();
        assert!(signature.starts_with(&string(name.as_bytes())), "{flags}");
        key.public().verify(b"data", &signature).unwrap();
        assert!(key.public().verify(b"dato", &signature).is_err());
    }
}

#[test]
fn a_host_that_signed_the_session_is_believed_and_no_other() {
    let keys: Vec<KeyPair> = each().collect();
    for (host, other) in keys.iter().zip(keys.iter().cycle().skip(1)) {
        let signature = host.sign_agent(&[7; 32], 4).unwrap();
        let message = |key: &KeyPair, session: &[u8], signature: &[u8]| {
            [string(key.public().blob()), string(session), string(signature), vec![1]].concat()
        };

        let bind = SessionBind::parse(&message(host, &[7; 32], &signature)).unwrap();

        assert!(bind.is_forwarded);
        assert_eq!((&bind.host_key, bind.session_id.as_slice()), (host.public(), [7; 32].as_slice()));
        bind.verify().unwrap();
        let forged = SessionBind::parse(&message(host, &[8; 32], &signature)).unwrap();
        assert!(forged.verify().is_err());
        let forged = SessionBind::parse(&message(other, &[7; 32], &signature)).unwrap();
        assert!(forged.verify().is_err());
        let long = [message(host, &[7; 32], &signature), vec![0]].concat();
        assert!(SessionBind::parse(&long).is_err());
    }
}

#[test]
fn what_is_no_key_is_refused() {
    let ed = KeyPair::generate(Algorithm::Ed25519, &System).unwrap();
    let blob = STANDARD.encode(ed.public().blob());

    for line in [
        String::new(),
        "ssh-ed25519".into(),
        "ssh-ed25519 AAAA".into(),
        format!("ssh-rsa {blob}"),
        format!("ssh-ed25519 {}", &blob[..blob.len() - 8]),
        format!("ssh-ed25519 {}", STANDARD.encode([ed.public().blob(), b"more"].concat())),
        format!("ssh-ed25519 {blob} {}", "x".repeat(20_000)),
    ] {
        assert!(PublicKey::parse(&line).is_err(), "{line}");
    }
    assert_eq!(KeyPair::from_pkcs8(&Secret::new(b"hello".to_vec())).err(), Some(KeyError::Unreadable));
}

proptest! {
    #[test]
    fn any_bytes_are_a_key_a_bind_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), line in "(ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp256)? ?[A-Za-z0-9+/=]{0,80}( \\PC{0,20})?") {
        let prefixed = [string(b"ssh-ed25519"), bytes.clone()].concat();
        for bytes in [&bytes, &prefixed, &string(&prefixed)] {
            let _key = PublicKey::from_blob(bytes).is_ok();
            let _bind = SessionBind::parse(bytes).is_ok();
            let _pair = KeyPair::from_pkcs8(&Secret::new(bytes.clone())).is_ok();
        }
        let _key = PublicKey::parse(&line).is_ok();
    }

    #[test]
    fn any_signature_but_the_right_one_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..100), kind in 0..2_usize) {
        let key = KeyPair::generate(Algorithm::ALL[kind], &System).unwrap();
        let named = [string(key.public().algorithm().as_bytes()), string(&bytes)].concat();

        prop_assert!(key.public().verify(b"data", &bytes).is_err());
        prop_assert!(key.public().verify(b"data", &named).is_err());
    }
}
