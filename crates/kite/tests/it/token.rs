//! Kite keys and tokens: what is taken, and every way of cheating that we know, one by one.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use kite::token::{
    Expected, KeyError, KeySet, KiteKeyClaims, LEEWAY, MAX_BYTES, PublicKey, Refusal, SignError, SigningKey,
    TokenClaims, Verified,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The kite that tokens of these tests are good at.
pub(crate) const AUDIENCE: &str = "/ada/hearth/klient/1.0.0/local/box/ws_1";
pub(crate) const ISSUER: &str = "hearth";
const REGISTRY: &str = "https://hearth.example/kite";

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn at(offset_s: i64) -> Timestamp {
    now() + SignedDuration::from_secs(offset_s)
}

/// Keys take a while to make: one for all tests of a process.
pub(crate) fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate().unwrap())
}

fn other_key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate().unwrap())
}

fn known() -> KeySet {
    KeySet::new([key().public().clone()])
}

fn expected<'a>() -> Expected<'a> {
    Expected { issuer: ISSUER, audience: AUDIENCE, now: now() }
}

fn token_claims() -> TokenClaims {
    TokenClaims {
        issuer: ISSUER.to_owned(),
        subject: "bob".to_owned(),
        audience: AUDIENCE.to_owned(),
        issued_at: at(-60),
        not_before: at(-60),
        expires_at: at(3600),
        id: "tok_1".to_owned(),
        credential: None,
    }
}

fn kite_key_claims() -> KiteKeyClaims {
    KiteKeyClaims {
        issuer: ISSUER.to_owned(),
        subject: "bob".to_owned(),
        audience: REGISTRY.to_owned(),
        issued_at: at(0),
        expires_at: at(30 * 86_400),
        id: "key_1".to_owned(),
        kontrol_url: REGISTRY.to_owned(),
        kontrol_key: key().public().to_pem().to_owned(),
    }
}

fn header() -> Value {
    json!({ "alg": "RS256", "typ": "JWT", "kid": key().id() })
}

fn claims() -> Value {
    serde_json::to_value(token_claims()).unwrap()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Signs whatever it is given, as no registry would.
fn forge(header: &Value, claims: &Value, by: &SigningKey) -> String {
    forge_parts(&part(header), &part(claims), by)
}

fn forge_parts(header: &str, claims: &str, by: &SigningKey) -> String {
    use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

    let pem = pem::parse(by.to_pem().unwrap().as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(pem.contents()).unwrap();
    let message = format!("{header}.{claims}");
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &aws_lc_rs::rand::SystemRandom::new(), message.as_bytes(), &mut signature)
        .unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[track_caller]
fn check(text: &str, wanted: Refusal) {
    assert_eq!(known().verify::<TokenClaims>(text, &expected()), Err(wanted));
}

#[track_caller]
fn check_claims(change: Value, wanted: Refusal) {
    let mut claims = claims();
    let Value::Object(change) = change else { panic!("an object") };
    for (name, value) in change {
        claims[name] = value;
    }
    check(&forge(&header(), &claims, key()), wanted);
}

#[track_caller]
fn check_header(change: Value, wanted: Refusal) {
    let mut header = header();
    let Value::Object(change) = change else { panic!("an object") };
    for (name, value) in change {
        header[name] = value;
    }
    check(&forge(&header, &claims(), key()), wanted);
}

#[test]
fn what_was_signed_is_taken_and_says_what_it_said() {
    let token = key().sign(&token_claims()).unwrap();
    let kite_key = key().sign(&kite_key_claims()).unwrap();

    let verified = known().verify::<TokenClaims>(token.expose(), &expected()).unwrap();
    assert_eq!(verified, Verified { claims: token_claims(), key: key().id().to_owned() });

    let at_registry = Expected { audience: REGISTRY, ..expected() };
    let verified = known().verify::<KiteKeyClaims>(kite_key.expose(), &at_registry).unwrap();
    assert_eq!(verified.claims, kite_key_claims());
}

#[test]
fn what_is_forged_by_these_tests_would_be_taken_if_nothing_were_changed() {
    let token = forge(&header(), &claims(), key());

    assert!(known().verify::<TokenClaims>(&token, &expected()).is_ok());
}

#[test]
fn the_wire_form_has_the_names_of_the_protocol_and_whole_seconds() {
    let token = key().sign(&token_claims()).unwrap();
    let kite_key = key().sign(&kite_key_claims()).unwrap();

    let read = |text: &str, index: usize| -> Value {
        let part = text.split('.').nth(index).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(read(token.expose(), 0), header());
    assert_eq!(
        read(token.expose(), 1),
        json!({
            "iss": "hearth", "sub": "bob", "aud": AUDIENCE, "jti": "tok_1",
            "iat": at(-60).as_second(), "nbf": at(-60).as_second(), "exp": at(3600).as_second(),
        })
    );
    assert_eq!(
        read(kite_key.expose(), 1),
        json!({
            "iss": "hearth", "sub": "bob", "aud": REGISTRY, "jti": "key_1",
            "iat": at(0).as_second(), "exp": at(30 * 86_400).as_second(),
            "kontrolURL": REGISTRY, "kontrolKey": key().public().to_pem(),
        })
    );
}

#[test]
fn an_unsigned_token_is_refused_whatever_it_calls_its_algorithm() {
    for algorithm in ["none", "None", "NONE", "nOnE", ""] {
        let header = part(&json!({ "alg": algorithm, "typ": "JWT", "kid": key().id() }));

        check(&format!("{header}.{}.", part(&claims())), Refusal::Algorithm);
        check(&format!("{header}.{}.AAAA", part(&claims())), Refusal::Algorithm);
    }
    check(&format!("{}.{}.", part(&header()), part(&claims())), Refusal::Signature);
}

#[test]
fn the_public_key_is_no_secret_to_sign_with() {
    use aws_lc_rs::hmac;

    let header = part(&json!({ "alg": "HS256", "typ": "JWT", "kid": key().id() }));
    let message = format!("{header}.{}", part(&claims()));
    for secret in [key().public().to_pem(), key().public().to_pem().trim_end()] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), message.as_bytes());

        check(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag)), Refusal::Algorithm);
    }
}

#[test]
fn other_algorithms_are_refused_even_with_a_good_signature() {
    for algorithm in ["RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256", "RS256 "] {
        check_header(json!({ "alg": algorithm }), Refusal::Algorithm);
    }
    check_header(json!({ "alg": null }), Refusal::Malformed);
    check_header(json!({ "alg": ["RS256"] }), Refusal::Malformed);
}

#[test]
fn the_key_is_chosen_among_the_known_ones_by_its_name() {
    check_header(json!({ "kid": null }), Refusal::NoKeyId);
    check_header(json!({ "kid": 7 }), Refusal::Malformed);
    for kid in ["", "0000000000000000", "../../etc/passwd", "' OR 1=1", &key().id().to_uppercase()[1..]] {
        check_header(json!({ "kid": kid }), Refusal::UnknownKey);
    }
    check(other_key().sign(&token_claims()).unwrap().expose(), Refusal::UnknownKey);
    // Another's signature under our name, and ours under another's, both of them known.
    check(&forge(&header(), &claims(), other_key()), Refusal::Signature);
    let both = known().with(other_key().public().clone());
    let crossed = forge(&json!({ "alg": "RS256", "kid": other_key().id() }), &claims(), key());
    assert_eq!(both.verify::<TokenClaims>(&crossed, &expected()), Err(Refusal::Signature));
    let sound = other_key().sign(&token_claims()).unwrap();
    assert_eq!(both.verify::<TokenClaims>(sound.expose(), &expected()).unwrap().key, other_key().id());
    assert_eq!(
        KeySet::default().verify::<TokenClaims>(sound.expose(), &expected()),
        Err(Refusal::UnknownKey)
    );
}

#[test]
fn a_key_inside_the_token_is_never_trusted() {
    let embedded = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": other_key().id() });
    for change in [
        json!({ "kid": other_key().id(), "jwk": embedded }),
        json!({ "kid": other_key().id(), "jku": "https://evil.example/keys" }),
        json!({ "kid": other_key().id(), "x5u": "https://evil.example/keys", "x5c": ["AAAA"] }),
    ] {
        let mut header = header();
        for (name, value) in change.as_object().unwrap() {
            header[name] = value.clone();
        }
        check(&forge(&header, &claims(), other_key()), Refusal::UnknownKey);
    }
    // The original took the key of a kite key out of the kite key.
    let own = KiteKeyClaims { kontrol_key: other_key().public().to_pem().to_owned(), ..kite_key_claims() };
    let at_registry = Expected { audience: REGISTRY, ..expected() };
    let signed = other_key().sign(&own).unwrap();
    assert_eq!(known().verify::<KiteKeyClaims>(signed.expose(), &at_registry), Err(Refusal::UnknownKey));
    let renamed = forge(&header(), &serde_json::to_value(&own).unwrap(), other_key());
    assert_eq!(known().verify::<KiteKeyClaims>(&renamed, &at_registry), Err(Refusal::Signature));
}

#[test]
fn extensions_that_must_be_understood_are_refused() {
    check_header(json!({ "crit": ["b64"], "b64": false }), Refusal::Critical);
    check_header(json!({ "crit": [] }), Refusal::Critical);
}

#[test]
fn a_token_is_good_at_exactly_one_kite() {
    let elsewhere = Expected { audience: "/ada/hearth/klient/1.0.0/local/box/ws_2", ..expected() };
    let token = key().sign(&token_claims()).unwrap();
    assert_eq!(known().verify::<TokenClaims>(token.expose(), &elsewhere), Err(Refusal::Audience));

    for audience in [
        "/",
        "",
        "*",
        "/ada",
        "/ada/hearth/klient",
        "/ada/hearth/klient/1.0.0/local/box",
        "/ada/hearth/klient/1.0.0/local/box/",
        "/ada/hearth/klient/1.0.0/local/box/ws_1/",
        "/ada/hearth/klient/1.0.0/local/box/ws_1/more",
        "//hearth/klient/1.0.0/local/box/ws_1",
        "ada/hearth/klient/1.0.0/local/box/ws_1",
        "/ada/hearth/klient/1.0.0/local/box/WS_1",
        " /ada/hearth/klient/1.0.0/local/box/ws_1",
        "/ada/hearth/klient/1.0.0/local/box/ws_1\0",
        "/ada/hearth/klient/1.0.0/local/box/ws_2",
        "/ada/hearth/klient/1.0.1/local/box/ws_1",
        "/eve/hearth/klient/1.0.0/local/box/ws_1",
    ] {
        check_claims(json!({ "aud": audience }), Refusal::Audience);
    }
    // Even where somebody asked for it by mistake.
    let everything = Expected { audience: "/", ..expected() };
    let mut wide = claims();
    wide["aud"] = json!("/");
    let wide = forge(&header(), &wide, key());
    assert_eq!(known().verify::<TokenClaims>(&wide, &everything), Err(Refusal::Audience));

    check_claims(json!({ "aud": [AUDIENCE] }), Refusal::Malformed);
    check_claims(json!({ "aud": [AUDIENCE, "/eve/a/b/c/d/e/f"] }), Refusal::Malformed);
    check_claims(json!({ "aud": null }), Refusal::Malformed);
}

#[test]
fn a_kite_key_is_no_token_and_a_token_no_kite_key() {
    let kite_key = key().sign(&kite_key_claims()).unwrap();
    let token = key().sign(&token_claims()).unwrap();

    let at_registry = Expected { audience: REGISTRY, ..expected() };
    // It lacks `nbf`, and its audience is no kite.
    assert_eq!(known().verify::<TokenClaims>(kite_key.expose(), &expected()), Err(Refusal::Malformed));
    assert_eq!(known().verify::<KiteKeyClaims>(token.expose(), &at_registry), Err(Refusal::Malformed));

    let mut both = serde_json::to_value(kite_key_claims()).unwrap();
    both["nbf"] = both["iat"].clone();
    both["exp"] = json!(at(3600).as_second());
    let both = forge(&header(), &both, key());
    assert_eq!(known().verify::<TokenClaims>(&both, &expected()), Err(Refusal::Audience));
    assert_eq!(known().verify::<TokenClaims>(&both, &at_registry), Err(Refusal::Audience));
}

#[test]
fn another_registry_s_tokens_are_refused_even_with_our_key() {
    check_claims(json!({ "iss": "kontrol" }), Refusal::Issuer);
    check_claims(json!({ "iss": "Hearth" }), Refusal::Issuer);
    check_claims(json!({ "iss": "" }), Refusal::Empty);
    check_claims(json!({ "iss": ["hearth"] }), Refusal::Malformed);
    check_claims(json!({ "sub": "" }), Refusal::Empty);
    check_claims(json!({ "sub": null }), Refusal::Malformed);
    check_claims(json!({ "sub": ["bob", "ada"] }), Refusal::Malformed);
    check_claims(json!({ "jti": "" }), Refusal::Empty);
}

#[test]
fn clocks_may_differ_by_a_minute_and_no_more() {
    let leeway = LEEWAY.as_secs();
    let token = key().sign(&token_claims()).unwrap();
    let verify = |seconds: i64| {
        let then = Expected { now: at(seconds), ..expected() };
        known().verify::<TokenClaims>(token.expose(), &then).map(|_| ())
    };

    assert_eq!(verify(-60 - leeway), Ok(()));
    assert_eq!(verify(-60 - leeway - 1), Err(Refusal::Times));
    assert_eq!(verify(3600 + leeway - 1), Ok(()));
    assert_eq!(verify(3600 + leeway), Err(Refusal::Expired));
    assert_eq!(verify(86_400 * 365), Err(Refusal::Expired));
    check_claims(json!({ "nbf": at(leeway).as_second() + 1 }), Refusal::NotYet);
    // The far ends of what a timestamp can be overflow nothing.
    for edge in [Timestamp::MIN, Timestamp::MAX] {
        let then = Expected { now: edge, ..expected() };
        assert!(known().verify::<TokenClaims>(token.expose(), &then).is_err());
    }
}

#[test]
fn absurd_times_are_refused() {
    check_claims(json!({ "iat": at(61).as_second() }), Refusal::Times);
    check_claims(json!({ "iat": at(61).as_second(), "nbf": at(61).as_second() }), Refusal::Times);
    check_claims(json!({ "iat": 0, "nbf": 0 }), Refusal::Times);
    check_claims(json!({ "iat": -5 }), Refusal::Times);
    check_claims(json!({ "exp": at(-60).as_second() }), Refusal::Times);
    check_claims(json!({ "exp": at(86_400).as_second() }), Refusal::Times);
    check_claims(json!({ "iat": 1, "nbf": 1 }), Refusal::Times);
    check_claims(json!({ "nbf": at(-61).as_second() }), Refusal::Times);
    for time in [json!(i64::MAX), json!(u64::MAX), json!(1e300), json!("soon"), json!(null), json!(true)] {
        check_claims(json!({ "exp": time.clone() }), Refusal::Malformed);
        check_claims(json!({ "iat": time.clone() }), Refusal::Malformed);
        check_claims(json!({ "nbf": time }), Refusal::Malformed);
    }
    let mut endless = serde_json::to_value(kite_key_claims()).unwrap();
    endless.as_object_mut().unwrap().remove("exp");
    let at_registry = Expected { audience: REGISTRY, ..expected() };
    let endless = forge(&header(), &endless, key());
    assert_eq!(known().verify::<KiteKeyClaims>(&endless, &at_registry), Err(Refusal::Malformed));
}

#[test]
fn the_text_must_be_three_parts_of_base64_without_padding() {
    let token = forge(&header(), &claims(), key());
    let [first, second, third] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };

    for text in ["", ".", "a.b", &token[..token.len() - third.len() - 1]] {
        check(text, Refusal::Parts);
    }
    check(&format!("{token}."), Refusal::Parts);
    check(&format!("{token}.{third}"), Refusal::Parts);
    check(&format!(".{token}"), Refusal::Parts);
    check("..", Refusal::Malformed);
    check("a.b.c", Refusal::Malformed);
    check(&format!("{first}=.{second}.{third}"), Refusal::Malformed);
    check(&format!(" {token}"), Refusal::Malformed);
    check(&format!("{token}\n"), Refusal::Malformed);
    check(&format!("{token}="), Refusal::Malformed);
    check(&format!("{first}.{second}.{third}!"), Refusal::Malformed);
    check(&format!("{first}.{second}.{}", &third[..third.len() - 2]), Refusal::Signature);
    check(&format!("{first}.{}.{third}", part(&json!({ "sub": "root" }))), Refusal::Signature);
    check(&forge_parts(&part(&json!([])), second, key()), Refusal::Malformed);
    check(&forge_parts(first, &URL_SAFE_NO_PAD.encode(b"{\"iss\":"), key()), Refusal::Malformed);
    check(&forge_parts(first, &URL_SAFE_NO_PAD.encode([0xff; 40]), key()), Refusal::Malformed);
    // What is said twice has no one meaning.
    let twice = URL_SAFE_NO_PAD.encode(format!(
        "{{\"alg\":\"RS256\",\"kid\":\"{}\",\"kid\":\"{}\"}}",
        key().id(),
        other_key().id()
    ));
    check(&forge_parts(&twice, second, key()), Refusal::Malformed);
    let text = claims().to_string();
    let twice = URL_SAFE_NO_PAD.encode(format!("{},\"sub\":\"root\"}}", &text[..text.len() - 1]));
    check(&forge_parts(first, &twice, key()), Refusal::Malformed);
}

#[test]
fn long_and_deep_texts_cost_nothing() {
    check(&"a".repeat(MAX_BYTES + 1), Refusal::TooLong);
    check(&".".repeat(MAX_BYTES), Refusal::Parts);
    let mut long = claims();
    long["sub"] = json!("b".repeat(MAX_BYTES));
    check(&forge(&header(), &long, key()), Refusal::TooLong);
    let deep = format!("{{\"alg\":\"RS256\",\"x\":{}", "[".repeat(4000));
    check(&format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(deep)), Refusal::Malformed);
}

#[test]
fn strangers_learn_only_whether_to_fetch_anew() {
    let said = |refusal: Refusal| kite::Error::from(refusal);

    for refusal in [Refusal::Expired, Refusal::Signature, Refusal::UnknownKey] {
        assert_eq!(said(refusal).kind, "authenticationError");
        assert_eq!(said(refusal).message, "token is expired");
    }
    for refusal in [Refusal::Audience, Refusal::Issuer, Refusal::Algorithm, Refusal::Times, Refusal::Parts] {
        assert_eq!(said(refusal).message, "token is not valid");
    }
}

#[test]
fn what_nobody_would_take_is_not_signed() {
    let check = |claims: TokenClaims, wanted: Refusal| {
        assert_eq!(key().sign(&claims).err(), Some(SignError::Claims(wanted)));
    };
    let sound = token_claims();

    check(TokenClaims { audience: "/".to_owned(), ..sound.clone() }, Refusal::Audience);
    check(TokenClaims { audience: "/ada/hearth/klient".to_owned(), ..sound.clone() }, Refusal::Audience);
    check(TokenClaims { subject: String::new(), ..sound.clone() }, Refusal::Empty);
    check(TokenClaims { expires_at: at(86_400 * 2), ..sound.clone() }, Refusal::Times);
    check(TokenClaims { subject: "b".repeat(MAX_BYTES), ..sound }, Refusal::TooLong);
    let key_for_ever = KiteKeyClaims { expires_at: at(366 * 86_400), ..kite_key_claims() };
    assert_eq!(key().sign(&key_for_ever).err(), Some(SignError::Claims(Refusal::Times)));
    let path = KiteKeyClaims { audience: AUDIENCE.to_owned(), ..kite_key_claims() };
    assert_eq!(key().sign(&path).err(), Some(SignError::Claims(Refusal::Audience)));
}

#[test]
fn keys_survive_being_written_and_read() {
    let again = SigningKey::from_pem(&key().to_pem().unwrap()).unwrap();
    assert_eq!(again.id(), key().id());
    assert_eq!(again.public(), key().public());
    let token = again.sign(&token_claims()).unwrap();
    assert!(known().verify::<TokenClaims>(token.expose(), &expected()).is_ok());

    assert_eq!(&PublicKey::from_pem(key().public().to_pem()).unwrap(), key().public());
    assert_eq!(key().id().len(), 16);
    assert!(key().public().to_pem().starts_with("-----BEGIN PUBLIC KEY-----\n"));
    assert!(!format!("{:?}", key().public()).contains("BEGIN"));
}

/// Made with `openssl rsa -RSAPublicKey_out`; the id is what `openssl rsa -pubin -outform DER | sha256sum` begins with.
#[test]
fn a_key_in_the_original_s_form_has_the_same_name_as_in_the_usual_form() {
    let pkcs1 = PublicKey::from_pem(PKCS1).unwrap();
    let spki = PublicKey::from_pem(SPKI).unwrap();

    assert_eq!(pkcs1, spki);
    assert_eq!(pkcs1.id(), ID);
    assert_eq!(pkcs1.to_pem(), SPKI);
}

#[test]
fn keys_of_other_kinds_are_refused() {
    let private = key().to_pem().unwrap();
    let public = key().public().to_pem();

    assert_eq!(PublicKey::from_pem(&private).err(), Some(KeyError::WrongLabel));
    assert_eq!(SigningKey::from_pem(public).err(), Some(KeyError::WrongLabel));
    assert_eq!(PublicKey::from_pem(&format!("{public}{public}")).err(), Some(KeyError::NotPem));
    assert_eq!(PublicKey::from_pem("").err(), Some(KeyError::NotPem));
    assert_eq!(PublicKey::from_pem(&"-".repeat(20_000)).err(), Some(KeyError::NotPem));
    assert_eq!(PublicKey::from_pem(SHORT).err(), Some(KeyError::Length { bits: 1024 }));
    assert_eq!(PublicKey::from_pem(CURVE).err(), Some(KeyError::NotRsa));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        prop_assert!(known().verify::<TokenClaims>(&text, &expected()).is_err());
        prop_assert!(PublicKey::from_pem(&text).is_err());
        prop_assert!(SigningKey::from_pem(&text).is_err());
    }

    #[test]
    fn no_parts_make_it_panic(
        header in prop::collection::vec(any::<u8>(), 0..60),
        claims in prop::collection::vec(any::<u8>(), 0..60),
        signature in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let parts = [header, claims, signature].map(|part| URL_SAFE_NO_PAD.encode(part));
        prop_assert!(known().verify::<TokenClaims>(&parts.join("."), &expected()).is_err());
    }

    #[test]
    fn a_signature_covers_every_bit(place in any::<prop::sample::Index>(), bit in 0_u8..7) {
        static TOKEN: OnceLock<String> = OnceLock::new();
        let token = TOKEN.get_or_init(|| key().sign(&token_claims()).unwrap().expose().to_owned());

        let mut bytes = token.clone().into_bytes();
        *place.get_mut(&mut bytes) ^= 1 << bit;
        let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };

        prop_assert!(known().verify::<TokenClaims>(&changed, &expected()).is_err());
    }

}

proptest! {
    // Each signs twice.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn signed_claims_of_any_shape_never_panic(
        number in any::<i64>(), text in "\\PC{0,40}",
        name in prop::sample::select(vec!["iss", "sub", "aud", "iat", "nbf", "exp", "jti"]),
    ) {
        let mut changed = claims();
        changed[name] = json!(number);
        let verified = known().verify::<TokenClaims>(&forge(&header(), &changed, key()), &expected());
        prop_assert!(verified.is_err() || matches!(name, "iat" | "nbf" | "exp"));
        changed[name] = json!(text);
        if let Ok(verified) = known().verify::<TokenClaims>(&forge(&header(), &changed, key()), &expected()) {
            prop_assert_eq!(verified.claims.audience, AUDIENCE);
            prop_assert_eq!(verified.claims.issuer, ISSUER);
        }
    }
}

const PKCS1: &str = "\
-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAohL9kps0GZQkK0ZO26gMLTvSrAQWaBKueDN7/MXp7MIojxmGPPzw
ytkhPTN8uMb+AJjvmtX1PMoRg9prDNf4j1OROnZqAOT0HRpLIXDU2vjGTXVHImaX
9kiGVw3iQhXk3Yk8/8cU7xbuvPo48/psRuV7IkrRLIZW5L+Rl3wn63huypxKfrl6
9s/uH0VgryFqC/FqQ0oYzX+i2Hvb2VGUytHYv9gpiabmn9qArLcgFjcrwDxQrWUt
qMg4z9AJxKBT+we9+cYJIx9cguyQohV+WBQG5HvuEzR052Rt2q0gZi9qZynK6Wui
2jkhvy7vpw0+xc3IFdc2RAELMdghHlxIwwIDAQAB
-----END RSA PUBLIC KEY-----
";
const SPKI: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAohL9kps0GZQkK0ZO26gM
LTvSrAQWaBKueDN7/MXp7MIojxmGPPzwytkhPTN8uMb+AJjvmtX1PMoRg9prDNf4
j1OROnZqAOT0HRpLIXDU2vjGTXVHImaX9kiGVw3iQhXk3Yk8/8cU7xbuvPo48/ps
RuV7IkrRLIZW5L+Rl3wn63huypxKfrl69s/uH0VgryFqC/FqQ0oYzX+i2Hvb2VGU
ytHYv9gpiabmn9qArLcgFjcrwDxQrWUtqMg4z9AJxKBT+we9+cYJIx9cguyQohV+
WBQG5HvuEzR052Rt2q0gZi9qZynK6Wui2jkhvy7vpw0+xc3IFdc2RAELMdghHlxI
wwIDAQAB
-----END PUBLIC KEY-----
";
const SHORT: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDfDpKmZruBiFqUWtN/E8kTsB4y
cvZXP7kHqQzhDggu+hmZD/opHXJkcLh3nRGGj7AAYEBZCkCK07Fik7ytfGxPXdZm
sbEKMur+NIhK46ZBpVquFjHETCAL6TWoUI9Yt+aISahOXUcp6sq1h7gHmRm0Zh7H
L1HaxtY554CVduyy3QIDAQAB
-----END PUBLIC KEY-----
";
const CURVE: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEW/sPQd+7PK5CKjdhFVLWMu8EJZhz
LPDQ7EaweJ2WsXg0DBq3I6kMvEKOHYCn6MWZy+MNjXMLHbtfm2NZNnOAkA==
-----END PUBLIC KEY-----
";
const ID: &str = "e66c7f8fd73b6d2a";
