//! Verifying who calls: a service whose callers come with tokens.

use std::sync::Arc;
use std::time::Duration;

use kite::kontrol::{Kontrol, RegistryKeys, TokenAuthenticator};
use kite::token::{KeySet, SigningKey, TokenText};
use kite::transport::pair;
use kite::{
    Authentication, Authenticator, Claim, Context, Error, MethodOptions, Peer, Request, Service, Verified,
};

use super::double::{Double, kite, kite_key, token};
use super::{credential, plain};
use crate::token::{ISSUER, key};

/// A service that says who calls, and a connection to it.
struct Called {
    service: Service,
    caller: Peer,
    double: Double,
    kontrol: Kontrol,
}

fn whoami(double: &Double, keys: RegistryKeys) -> Service {
    let kite = kite("who", "w1");
    let authenticator = TokenAuthenticator::new(ISSUER, &kite, keys, double.now());
    let answer = |request: Request| async move { Ok(request.caller().username.clone()) };
    Service::builder(kite).authenticator(Arc::new(authenticator)).method("whoami", answer).build()
}

fn dial(service: &Service) -> Peer {
    let (near, far) = pair(64);
    let (_, connection) = service.serve(far, Context::default());
    tokio::spawn(connection);
    let (caller, connection) = Service::client(kite("cli", "c1")).serve(near, Context::default());
    tokio::spawn(connection);
    caller
}

fn called() -> Called {
    let double = Double::new();
    let keys = RegistryKeys::default();
    let service = whoami(&double, keys.clone());
    let kontrol = double.client_with(&service, credential("key_1"), keys);
    double.connect(&service);
    let caller = dial(&service);
    Called { service, caller, double, kontrol }
}

impl Called {
    async fn with(&self, authentication: Option<Authentication>) -> Result<String, Error> {
        self.caller.set_authentication(authentication);
        self.caller.call("whoami", ()).await
    }

    async fn with_token(&self, token: &TokenText) -> Result<String, Error> {
        self.with(Some(token.to_authentication())).await
    }

    fn token(&self, signing: &SigningKey, id: usize) -> TokenText {
        token(signing, self.double.clock.now(), "bob", &kite("who", "w1"), id)
    }
}

fn refused(message: &str) -> Result<String, Error> {
    Err(Error::authentication(message))
}

#[tokio::test(start_paused = true)]
async fn a_caller_with_a_token_for_this_kite_is_known_by_name() {
    let called = called();

    assert_eq!(called.with_token(&called.token(key(), 1)).await.as_deref(), Ok("bob"));
    assert_eq!(called.double.count("getKey"), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_else_is_taken_and_every_refusal_says_what_to_do() {
    let called = called();
    let other = token(key(), called.double.clock.now(), "bob", &kite("who", "w2"), 1);
    let text = called.token(key(), 2).expose().to_owned();
    let bad = format!("{}AAAA", &text[..text.len() - 4]);

    assert_eq!(plain(called.with(None).await), refused("No authentication information is provided"));
    // A token for another kite, replayed here by that kite.
    assert_eq!(plain(called.with_token(&other).await), refused("token is not valid"));
    assert_eq!(plain(called.with_token(&TokenText::new(bad)).await), refused("token is expired"));
    assert_eq!(plain(called.with_token(&TokenText::new("hearth_x")).await), refused("token is not valid"));
    assert_eq!(
        plain(called.with(Some(Authentication::new("sessionID", "1"))).await),
        refused("Unknown authentication type: sessionID")
    );
    let key = Authentication::kite_key(kite_key("ada", "key_1").expose());
    let answer = plain(called.with(Some(key)).await).unwrap_err();
    assert!(answer.is("authenticationError") && answer.message.contains("get a token for this kite"));
    // Nor is a kite key under another label.
    assert_eq!(plain(called.with_token(&kite_key("ada", "key_1")).await), refused("token is not valid"));
}

#[tokio::test(start_paused = true)]
async fn a_verdict_lasts_no_longer_than_its_token() {
    let called = called();
    let token = called.token(key(), 1);
    assert!(called.with_token(&token).await.is_ok());

    called.double.clock.advance(3600 + 59);
    assert!(called.with_token(&token).await.is_ok());
    called.double.clock.advance(1);

    assert_eq!(plain(called.with_token(&token).await), refused("token is expired"));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_makes_it_ask_at_most_once_a_minute() {
    let called = called();
    let stranger = SigningKey::generate().unwrap();
    let fresh = Arc::new(SigningKey::generate().unwrap());
    assert!(called.with_token(&called.token(key(), 1)).await.is_ok());

    for id in 0..50 {
        let answer = called.with_token(&called.token(&stranger, id)).await;
        assert_eq!(plain(answer), refused("token is expired"));
    }
    assert_eq!(called.double.count("getKey"), 2);

    called.double.state.lock().unwrap().signing = Some(Arc::clone(&fresh));
    assert_eq!(plain(called.with_token(&called.token(&fresh, 1)).await), refused("token is expired"));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(called.with_token(&called.token(&fresh, 2)).await.as_deref(), Ok("bob"));
    assert_eq!(called.double.count("getKey"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_rotated_key_s_tokens_are_good_for_an_hour_more_and_then_given_up() {
    let called = called();
    let fresh = Arc::new(SigningKey::generate().unwrap());
    assert!(called.with_token(&called.token(key(), 1)).await.is_ok());
    called.double.state.lock().unwrap().signing = Some(Arc::clone(&fresh));

    // Nobody with the new key needs to come by.
    tokio::time::sleep(Duration::from_secs(700)).await;
    let old = called.token(key(), 2);
    assert!(called.with_token(&old).await.is_ok());
    assert!(called.with_token(&called.token(&fresh, 3)).await.is_ok());
    tokio::time::sleep(Duration::from_secs(3700)).await;

    // Its verdict was kept, and is good no more.
    assert_eq!(plain(called.with_token(&old).await), refused("token is expired"));
    assert!(called.with_token(&called.token(&fresh, 4)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_came_with_the_registration_is_given_up_too() {
    let called = called();
    called.double.state.lock().unwrap().tells_key = true;
    called.kontrol.register(super::URL).await.unwrap();
    let old = called.token(key(), 1);
    assert!(called.with_token(&old).await.is_ok());
    assert_eq!(called.double.count("getKey"), 0);
    called.double.state.lock().unwrap().signing = Some(Arc::new(SigningKey::generate().unwrap()));

    // Only tokens of the key that was given up come by.
    tokio::time::sleep(Duration::from_mins(11)).await;
    assert!(called.with_token(&old).await.is_ok());
    tokio::time::sleep(Duration::from_mins(61)).await;

    assert_eq!(plain(called.with_token(&old).await), refused("token is expired"));
    assert_eq!(plain(called.with_token(&called.token(key(), 2)).await), refused("token is expired"));
}

#[tokio::test(start_paused = true)]
async fn the_registry_s_key_is_got_with_a_kite_key_that_is_void() {
    struct Strict;

    #[async_trait::async_trait]
    impl Authenticator for Strict {
        async fn authenticate(&self, _: &Claim<'_>) -> Result<Verified, Error> {
            Err(Error::authentication("token is expired"))
        }
    }

    let mut double = Double::new();
    let open = MethodOptions::default().open();
    double.service = Service::builder(kite("kontrol", "registry"))
        .authenticator(Arc::new(Strict))
        .method_with("getKey", open, async |_: Request| Ok(key().public().to_pem().to_owned()))
        .build();
    let keys = RegistryKeys::default();
    let service = whoami(&double, keys.clone());
    let kontrol = double.client_with(&service, credential("key_1"), keys);
    double.connect(&service);
    assert!(kontrol.register(super::URL).await.is_err());
    let caller = dial(&service);
    let token = token(key(), double.clock.now(), "bob", &kite("who", "w1"), 1);
    caller.set_authentication(Some(token.to_authentication()));

    assert_eq!(caller.call::<String>("whoami", ()).await.as_deref(), Ok("bob"));
}

#[tokio::test(start_paused = true)]
async fn while_the_registry_is_away_known_callers_are_served_and_others_refused_in_time() {
    let called = called();
    let known = called.token(key(), 1);
    assert!(called.with_token(&known).await.is_ok());
    called.double.break_off().await;
    let stranger = SigningKey::generate().unwrap();

    let refusals = (0..20).map(|id| {
        let peer = dial(&called.service);
        peer.set_authentication(Some(called.token(&stranger, id).to_authentication()));
        async move { peer.request("whoami").timeout(Duration::from_secs(30)).send::<String>().await }
    });
    for answer in futures_util::future::join_all(refusals).await {
        assert_eq!(plain(answer), refused("token is expired"));
    }

    assert!(called.with_token(&called.token(key(), 2)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn pinned_keys_ask_nobody() {
    let double = Double::new();
    let keys = RegistryKeys::pinned(KeySet::new([key().public().clone()]));
    let service = whoami(&double, keys);
    let caller = dial(&service);
    let now = double.clock.now();
    caller.set_authentication(Some(token(key(), now, "bob", &kite("who", "w1"), 1).to_authentication()));
    assert_eq!(caller.call::<String>("whoami", ()).await.as_deref(), Ok("bob"));

    let stranger = SigningKey::generate().unwrap();
    caller.set_authentication(Some(token(&stranger, now, "bob", &kite("who", "w1"), 1).to_authentication()));
    let began = tokio::time::Instant::now();
    assert!(caller.call::<String>("whoami", ()).await.is_err());
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn more_tokens_than_verdicts_are_kept_are_verified_all_the_same() {
    let called = called();
    let first = called.token(key(), 0);

    for round in 0..2 {
        assert_eq!(called.with_token(&first).await.as_deref(), Ok("bob"), "round {round}");
        for id in 1..20 {
            assert!(called.with_token(&called.token(key(), id)).await.is_ok());
        }
    }
}
