use proptest::prelude::*;

use super::*;
use crate::ssh::reader::put_string;

fn strings(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        put_string(&mut bytes, part);
    }
    bytes
}

fn auth(method: &str, host_key: Option<&[u8]>) -> Vec<u8> {
    let mut data = strings(&[&[7; 32]]);
    data.push(USERAUTH_REQUEST);
    data.extend(strings(&[b"git", b"ssh-connection", method.as_bytes()]));
    data.push(1);
    data.extend(strings(&[b"ssh-ed25519", b"blob"]));
    if let Some(key) = host_key {
        data.extend(strings(&[key]));
    }
    data
}

fn sig(namespace: &str, hash: &str, digest: &[u8]) -> Vec<u8> {
    [SSHSIG.to_vec(), strings(&[namespace.as_bytes(), b"", hash.as_bytes(), digest])].concat()
}

#[test]
fn signing_in_is_recognised_with_and_without_the_host_key() {
    for (method, key) in [("publickey", None), (HOST_BOUND, Some(b"host".as_slice()))] {
        let request = SignatureRequest::parse(&auth(method, key));

        let expected = SignatureRequest::UserAuth {
            session_id: vec![7; 32],
            user: "git".into(),
            service: "ssh-connection".into(),
            algorithm: "ssh-ed25519".into(),
            key_blob: b"blob".to_vec(),
            host_key: key.map(<[u8]>::to_vec),
        };
        assert_eq!(request, expected);
    }
}

#[test]
fn signing_a_commit_is_recognised() {
    let request = SignatureRequest::parse(&sig("git", "sha512", &[1; 64]));

    assert_eq!(
        request,
        SignatureRequest::SshSig { namespace: "git".into(), hash_algorithm: "sha512".into() }
    );
}

#[test]
fn what_is_nearly_a_known_request_is_none() {
    for data in [
        auth("publickey", Some(b"left over")),
        auth(HOST_BOUND, None),
        auth("password", None),
        sig("", "sha512", &[1; 64]),
        sig("git", "sha512", &[1; 32]),
        sig("git", "md5", &[1; 16]),
        [sig("git", "sha256", &[1; 32]), vec![0]].concat(),
        Vec::new(),
    ] {
        assert_eq!(SignatureRequest::parse(&data), SignatureRequest::Other, "{data:?}");
    }
}

#[test]
fn a_request_cut_short_anywhere_is_none() {
    for whole in [auth("publickey", None), auth(HOST_BOUND, Some(b"host")), sig("git", "sha256", &[1; 32])] {
        for length in 0..whole.len() {
            assert_eq!(SignatureRequest::parse(&whole[..length]), SignatureRequest::Other, "{length}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_understood_or_not(data in prop::collection::vec(any::<u8>(), 0..300)) {
        let _request = SignatureRequest::parse(&data);
        let _request = SignatureRequest::parse(&[SSHSIG, &data].concat());
    }
}
