use domain::SshEndpoint;
use proptest::prelude::*;
use testkit::SeededEntropy;
use vault::ssh::{Algorithm, KeyPair};

use super::*;

fn pair(seed: u64) -> KeyPair {
    KeyPair::generate(Algorithm::Ed25519, &SeededEntropy::new(seed)).unwrap()
}

fn endpoint(user: &str, host_keys: &[&KeyPair]) -> SshEndpoint {
    SshEndpoint {
        host: "forge.test".into(),
        port: 22,
        user: user.into(),
        host_keys: host_keys.iter().map(|pair| pair.public().line()).collect(),
    }
}

const SESSION: &[u8] = b"a session";

fn sign_in(user: &str, key: &KeyPair) -> SignatureRequest {
    SignatureRequest::UserAuth {
        session_id: SESSION.to_vec(),
        user: user.into(),
        service: CONNECTION.into(),
        algorithm: "ssh-ed25519".into(),
        key_blob: key.public().blob().to_vec(),
        host_key: None,
    }
}

fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    to.extend(bytes);
}

fn bind(host: &KeyPair, session: &[u8], is_forwarded: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, host.public().blob());
    put(&mut bytes, session);
    put(&mut bytes, &host.sign_agent(session, 0).unwrap());
    bytes.push(u8::from(is_forwarded));
    bytes
}

/// Checks a sign-in as `git` to a forge whose host is known by `host_keys`.
fn check(
    request: &SignatureRequest,
    own: &KeyPair,
    host_keys: &[&KeyPair],
    binds: &[Vec<u8>],
) -> Result<(), Refusal> {
    check_at(true, request, own, host_keys, binds)
}

/// The same at a forge of the platform, or of a team only.
fn check_at(
    is_platforms: bool,
    request: &SignatureRequest,
    own: &KeyPair,
    host_keys: &[&KeyPair],
    binds: &[Vec<u8>],
) -> Result<(), Refusal> {
    let endpoint = endpoint("git", host_keys);
    let foreign_keys = [pair(66).public().line(), pair(67).public().line()];
    let reserved_keys = [pair(66).public().line()];
    let doors = [Door { endpoint: &endpoint, is_platforms }];
    let allowed = Allowed { doors: &doors, foreign_keys: &foreign_keys, reserved_keys: &reserved_keys };
    allowed.check(request, own.public().blob(), binds)
}

/// A sign-in that names its host, as OpenSSH makes it where the server knows how.
fn bound(own: &KeyPair, to: &KeyPair) -> SignatureRequest {
    let mut request = sign_in("git", own);
    if let SignatureRequest::UserAuth { host_key, .. } = &mut request {
        *host_key = Some(to.public().blob().to_vec());
    }
    request
}

#[test]
fn commits_are_signed_and_files_are_not() {
    let sig = |namespace: &str| SignatureRequest::SshSig {
        namespace: namespace.into(),
        hash_algorithm: "sha512".into(),
    };

    assert!(check(&sig("git"), &pair(1), &[], &[]).is_ok());
    assert!(check(&sig("file"), &pair(1), &[], &[]).unwrap_err().why.contains("not `file`"));
    assert!(check(&SignatureRequest::Other, &pair(1), &[], &[]).is_err());
}

#[test]
fn a_sign_in_goes_only_to_a_host_that_has_proven_itself() {
    let (own, host, other) = (pair(1), pair(2), pair(3));
    let request = sign_in("git", &own);

    assert!(check(&request, &own, &[&host], &[bind(&host, SESSION, false)]).is_ok());
    let refused: [(&str, Vec<Vec<u8>>); 6] = [
        ("not one of this workspace's forges", vec![bind(&other, SESSION, false)]),
        ("does not tell which host", vec![]),
        ("not passed on", vec![bind(&host, SESSION, true)]),
        ("not passed on", vec![bind(&other, b"before", true), bind(&host, SESSION, false)]),
        ("nothing that your SSH key", vec![bind(&host, b"another session", false)]),
        ("nothing that your SSH key", vec![b"nonsense".to_vec()]),
    ];
    for (why, binds) in refused {
        let refusal = check(&request, &own, &[&host], &binds).unwrap_err();
        assert!(refusal.why.contains(why), "{why}: {refusal:?}");
        assert!(!refusal.mend.is_empty());
    }
}

#[test]
fn a_bind_that_another_key_signed_proves_nothing() {
    let (own, host, other) = (pair(1), pair(2), pair(3));
    let mut forged = Vec::new();
    put(&mut forged, host.public().blob());
    put(&mut forged, SESSION);
    put(&mut forged, &other.sign_agent(SESSION, 0).unwrap());
    forged.push(0);

    let refusal = check(&sign_in("git", &own), &own, &[&host], &[forged]).unwrap_err();

    assert_eq!(refusal.why, "the host did not prove who it is");
}

#[test]
fn a_host_key_within_the_request_will_do() {
    let (own, host, other) = (pair(1), pair(2), pair(3));
    let bound = |to: &KeyPair| bound(&own, to);

    assert!(check(&bound(&host), &own, &[&host], &[]).is_ok());
    assert!(check(&bound(&other), &own, &[&host], &[]).is_err());
    assert!(check(&bound(&other), &own, &[&host], &[bind(&host, SESSION, false)]).is_err());
}

#[test]
fn without_confirmed_host_keys_only_a_sign_in_that_names_its_host_is_signed() {
    let (own, any) = (pair(1), pair(9));
    let plain = sign_in("git", &own);

    assert!(check(&bound(&own, &any), &own, &[], &[bind(&any, SESSION, false)]).is_ok());
    // Whoever is inside can sign for a host made up there and mean another.
    let refusal = check(&plain, &own, &[], &[bind(&any, SESSION, false)]).unwrap_err();
    assert!(refusal.why.contains("does not bind a sign-in to itself"), "{refusal:?}");
    assert!(check(&plain, &own, &[], &[]).unwrap_err().why.contains("does not tell which host"));
    assert!(check(&bound(&own, &pair(66)), &own, &[], &[]).is_err(), "the host of another forge");
    assert!(check(&bound(&own, &pair(67)), &own, &[], &[]).is_err(), "the host of another forge");
}

#[test]
fn a_host_that_only_a_team_vouches_for_cannot_lend_its_name_to_a_sign_in_elsewhere() {
    let (own, host) = (pair(1), pair(2));
    let at_team = |request: &SignatureRequest, keys: &[&KeyPair], binds: &[Vec<u8>]| {
        check_at(false, request, &own, keys, binds)
    };

    // The host would sign whatever session it is asked to.
    let refusal = at_team(&sign_in("git", &own), &[&host], &[bind(&host, SESSION, false)]).unwrap_err();
    assert!(refusal.why.contains("does not bind a sign-in to itself"), "{refusal:?}");
    assert!(at_team(&bound(&own, &host), &[&host], &[bind(&host, SESSION, false)]).is_ok());
}

#[test]
fn a_team_cannot_claim_the_host_keys_of_a_forge_of_the_platform() {
    let (own, platforms) = (pair(1), pair(66));
    let binds = [bind(&platforms, SESSION, false)];

    for request in [bound(&own, &platforms), sign_in("git", &own)] {
        let refusal = check_at(false, &request, &own, &[&platforms], &binds).unwrap_err();
        assert!(refusal.why.contains("not one of this workspace's forges"), "{refusal:?}");
        // Two forges of the platform on one machine are its administrators' business.
        assert!(check_at(true, &request, &own, &[&platforms], &binds).is_ok());
    }
}

#[test]
fn another_user_service_or_key_is_refused() {
    let (own, host) = (pair(1), pair(2));
    let binds = [bind(&host, SESSION, false)];

    assert!(check(&sign_in("root", &own), &own, &[&host], &binds).unwrap_err().why.contains("as `root`"));
    assert!(check(&sign_in("git", &pair(5)), &own, &[&host], &binds).is_err());
    let mut request = sign_in("git", &own);
    if let SignatureRequest::UserAuth { service, .. } = &mut request {
        *service = "ssh-userauth".into();
    }
    assert!(check(&request, &own, &[&host], &binds).is_err());
    let allowed = Allowed { doors: &[], foreign_keys: &[], reserved_keys: &[] };
    assert!(allowed.check(&sign_in("git", &own), own.public().blob(), &binds).is_err());
}

proptest! {
    #[test]
    fn no_bytes_are_signed_by_accident(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        let request = SignatureRequest::parse(&data);
        prop_assert!(check(&request, &pair(1), &[&pair(2)], std::slice::from_ref(&data)).is_err());
    }
}
