//! Our kite keys and tokens in the hands of others: kite.js, its verifier jwt-simple, and PyJWT; and theirs in ours.

use std::io::Write as _;
use std::process::{Command, Stdio};

use jiff::{SignedDuration, Timestamp};
use kite::token::{Expected, KeySet, KiteKeyClaims, TokenClaims};
use serde_json::{Value, json};
use testkit::peers::{self, Skip};

use crate::token::{AUDIENCE, ISSUER, key};

const REGISTRY: &str = "https://hearth.example/kite";

/// Verifies a token as a kite of kite.js does, with the registry's key out of that kite's own kite key.
const KITE_JS: &str = "
const input = JSON.parse(require('fs').readFileSync(0))
const jwt = require('jwt-simple')
const verify = require('kite.js/lib/kite/token')
let broken
try { jwt.decode(input.broken, input.pem); broken = 'taken' } catch (error) { broken = error.message }
const signed = jwt.encode(input.claims, input.private, 'RS256', { header: { kid: input.kid } })
const token = verify(input.token, input.kiteKey).claims
console.log(JSON.stringify({ token, kiteKey: jwt.decode(input.kiteKey, input.pem), broken, signed }))
";

const PY_JWT: &str = "
import json, jwt, sys
given = json.load(sys.stdin)
def read(text, audience):
    return jwt.decode(text, given['pem'], algorithms=['RS256'], audience=audience, issuer=given['issuer'],
                      options={'require': ['iss', 'sub', 'aud', 'iat', 'exp', 'jti']})
try:
    broken = read(given['broken'], given['audience']) and 'taken'
except jwt.InvalidTokenError as error:
    broken = str(error)
print(json.dumps({
    'token': read(given['token'], given['audience']),
    'kiteKey': read(given['kiteKey'], given['registry']),
    'kid': jwt.get_unverified_header(given['token'])['kid'],
    'broken': broken,
    'signed': jwt.encode(given['claims'], given['private'], algorithm='RS256', headers={'kid': given['kid']}),
}))
";

#[expect(clippy::disallowed_methods, reason = "the peers ask the real clock, so their tokens must be of now")]
fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap()
}

struct Ours {
    token: TokenClaims,
    kite_key: KiteKeyClaims,
    now: Timestamp,
}

fn ours() -> Ours {
    let now = now();
    let minute = SignedDuration::from_mins(1);
    let token = TokenClaims {
        issuer: ISSUER.to_owned(),
        subject: "bob".to_owned(),
        audience: AUDIENCE.to_owned(),
        issued_at: now - minute,
        not_before: now - minute,
        expires_at: now + SignedDuration::from_hours(1),
        id: "tok_1".to_owned(),
        credential: Some("kkey_1".to_owned()),
    };
    let kite_key = KiteKeyClaims {
        issuer: ISSUER.to_owned(),
        subject: "ada".to_owned(),
        audience: REGISTRY.to_owned(),
        issued_at: now - minute,
        expires_at: now + SignedDuration::from_hours(24),
        id: "key_1".to_owned(),
        kontrol_url: REGISTRY.to_owned(),
        kontrol_key: key().public().to_pem().to_owned(),
    };
    Ours { token, kite_key, now }
}

/// Has the peer verify and sign, and checks what it says.
fn check(ours: &Ours, command: Command) {
    let token = key().sign(&ours.token).unwrap();
    let kite_key = key().sign(&ours.kite_key).unwrap();
    let (head, _) = token.expose().rsplit_once('.').unwrap();
    let (_, other) = kite_key.expose().rsplit_once('.').unwrap();
    let answer = ask(
        command,
        &json!({
            "token": token.expose(), "kiteKey": kite_key.expose(), "pem": key().public().to_pem(),
            "broken": format!("{head}.{other}"),
            "issuer": ISSUER, "audience": AUDIENCE, "registry": REGISTRY, "kid": key().id(),
            "claims": ours.token, "private": key().to_pem().unwrap().as_str(),
        }),
    );

    assert_eq!(answer["token"], serde_json::to_value(&ours.token).unwrap());
    assert_eq!(answer["kiteKey"], serde_json::to_value(&ours.kite_key).unwrap());
    assert_eq!(answer["broken"], "Signature verification failed");
    let expected = Expected { issuer: ISSUER, audience: AUDIENCE, now: ours.now };
    let known = KeySet::new([key().public().clone()]);
    let verified = known.verify::<TokenClaims>(answer["signed"].as_str().unwrap(), &expected).unwrap();
    assert_eq!(verified.claims, ours.token);
}

fn ask(mut command: Command, question: &Value) -> Value {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the peer failed: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn kite_js_takes_our_tokens_with_the_key_out_of_our_kite_key() {
    let modules = peers::node_modules().filter(|modules| modules.join("kite.js").is_dir());
    let Some(modules) = peers::or_skip(modules.ok_or_else(|| Skip::missing("kite.js"))) else { return };

    let mut command = Command::new(peers::node());
    command.args(["-e", KITE_JS]).env("NODE_PATH", modules);
    check(&ours(), command);
}

#[test]
fn py_jwt_takes_our_tokens_and_kite_keys() {
    let Some(python) = peers::or_skip(peers::python().ok_or_else(|| Skip::missing("PyJWT"))) else { return };

    let mut command = Command::new(python);
    command.args(["-c", PY_JWT]);
    check(&ours(), command);
}
