//! Bitbucket's application link with OAuth 1.0a: every signature is verified by an implementation that is not ours.

use std::sync::Arc;

use domain::{Forge, ForgeAuth, ForgeKind, LinkMethod, SignedDuration};
use forge::{
    AddKey, Begin, CommitState, CommitStatus, Credential, Fault, ForgeSecrets, Grant, LinkFault, Outside,
    PathKind, Provider, Purpose, Revoked,
};
use testkit::SeededEntropy;
use testkit::forge_double::{Answer, commit};
use testkit::oauthlib::BitbucketOauth1;
use testkit::peers::or_skip;
use vault::{OAuth1Key, Secret};

use crate::forge_row::{REDIRECT, callback, outside_at, row};

const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hearth";
const CONSUMER: &str = "Hearth & co.";
const BEGIN: Begin<'_> =
    Begin { redirect_uri: REDIRECT, state: "state/of this", scopes: &[], purpose: Purpose::Link };

struct World {
    server: BitbucketOauth1,
    key: OAuth1Key,
}

async fn world() -> Option<World> {
    let key = OAuth1Key::generate().unwrap();
    let server = or_skip(BitbucketOauth1::start(CONSUMER, &key.public_pem().unwrap()).await)?;
    Some(World { server, key })
}

impl World {
    fn row(&self, consumer: &str) -> Forge {
        let auth = ForgeAuth::Oauth1 { consumer_key: consumer.into(), public_key: String::new() };
        Forge { auth, ..row(ForgeKind::BitbucketServer, self.server.url(), "", &[]) }
    }

    fn provider(&self) -> Arc<dyn Provider> {
        open(&self.row(CONSUMER), &self.key, &outside(1, SignedDuration::ZERO))
    }

    async fn grant(&self, provider: &dyn Provider) -> Grant {
        let begun = provider.begin(BEGIN).await.map_err(|error| error.to_string()).ok().unwrap();
        let back = self.server.consent(begun.authorize_url.as_str(), REDIRECT, "developer").await.unwrap();
        let grant = provider.complete(&callback(&back), REDIRECT, &begun.private).await;
        grant.map_err(|error| error.to_string()).ok().unwrap()
    }
}

/// A world of its own: no two may draw the same nonces.
fn outside(seed: u64, skew: SignedDuration) -> Outside {
    Outside { entropy: Arc::new(SeededEntropy::new(seed)), ..outside_at(skew) }
}

fn open(row: &Forge, key: &OAuth1Key, outside: &Outside) -> Arc<dyn Provider> {
    let secrets = ForgeSecrets { consumer_key: Some(key.to_pem().unwrap()), ..ForgeSecrets::default() };
    forge::open(row, secrets, outside).ok().unwrap()
}

#[tokio::test]
async fn an_account_is_linked_and_every_request_is_signed() {
    let Some(world) = world().await else { return };
    let provider = world.provider();

    let begun = provider.begin(BEGIN).await.ok().unwrap();
    let back = world.server.consent(begun.authorize_url.as_str(), REDIRECT, "developer").await.unwrap();
    let answer = callback(&back);
    assert_eq!(answer.state.as_deref(), Some("state/of this"));
    let Grant { tokens, account } = provider.complete(&answer, REDIRECT, &begun.private).await.ok().unwrap();

    assert_eq!((account.login.as_str(), account.subject.as_str()), ("developer", "1"));
    assert_eq!(tokens.method, LinkMethod::Oauth1);
    assert_eq!(tokens.expires_in, Some(SignedDuration::from_secs(157_680_000)));
    assert!(tokens.refresh.is_none());
    let credential = &tokens.credential();
    let shop = provider.repository(credential, "ACME/shop").await.unwrap().unwrap().repository;
    let fork = provider.repository(credential, "~developer/shop").await.unwrap().unwrap().repository;
    assert_eq!((shop.owner.as_str(), fork.owner.as_str()), ("ACME", "~developer"));
    let found = provider.find_ref(credential, &shop, "feat/über", None).await.unwrap().unwrap();
    assert_eq!(found.sha, commit("feat/über"));
    let listed = provider.repositories(credential, Some("a+b & c=ü%20"), 1).await.unwrap();
    assert!(!listed.repositories.is_empty());
    let kind = provider.path_kind(credential, &shop, "feature/one", "docs/guide/start.md").await.unwrap();
    assert_eq!(kind, Some(PathKind::File));
    let pull = provider.merge_request(credential, &shop, 2).await.unwrap().unwrap();
    assert_eq!(pull.title, "Mend a typo");
    let added = provider.add_key(credential, "Hearth", LINE).await.unwrap();
    let AddKey::Added { id } = added else { panic!("{added:?}") };
    assert_eq!(
        provider.add_key(credential, "x", LINE).await.unwrap(),
        AddKey::AlreadyThere { id: id.clone() }
    );
    provider.remove_key(credential, &id).await.unwrap();
    let status = CommitStatus {
        state: CommitState::Success,
        name: "hearth".into(),
        description: "ready".into(),
        target_url: None,
    };
    provider.set_commit_status(credential, &shop, &commit("main"), &status).await.unwrap();
    assert_eq!(world.server.double().statuses().len(), 1);
    assert!(provider.git_login(credential, &account).is_none(), "Git cannot sign: it uses SSH");
    assert_eq!(provider.revoke(credential, None).await.unwrap(), Revoked::NotPossible);
    assert_eq!(world.server.refusals().await, Vec::<String>::new(), "{}", world.server.log());

    world.server.revoke_tokens().await;
    let revoked = provider.who(credential).await.unwrap_err();
    assert!(matches!(revoked.fault(), Fault::Link(_)), "{revoked}");
}

#[tokio::test]
async fn a_request_token_is_bound_to_its_attempt_and_used_once() {
    let Some(world) = world().await else { return };
    let provider = world.provider();
    let own = provider.begin(BEGIN).await.ok().unwrap();
    let strangers = provider.begin(BEGIN).await.ok().unwrap();
    let back = world.server.consent(strangers.authorize_url.as_str(), REDIRECT, "stranger").await.unwrap();

    let slipped_in = provider.complete(&callback(&back), REDIRECT, &own.private).await.err().unwrap();

    assert_eq!(*slipped_in.fault(), Fault::Protocol, "{slipped_in}");
    // It was not even exchanged: its own attempt still can.
    let grant = provider.complete(&callback(&back), REDIRECT, &strangers.private).await.ok().unwrap();
    assert_eq!(grant.account.login, "stranger");
    let replayed = provider.complete(&callback(&back), REDIRECT, &strangers.private).await.err().unwrap();
    assert_eq!(*replayed.fault(), Fault::Link(LinkFault::Grant), "{replayed}");
    for private in ["", "oauth1 ", "nonsense"] {
        let unread = provider.complete(&callback(&back), REDIRECT, &Secret::new(private.to_owned())).await;
        assert_eq!(*unread.err().unwrap().fault(), Fault::Request, "{private}");
    }
    let empty = provider.complete(&forge::Callback::default(), REDIRECT, &own.private).await;
    assert_eq!(*empty.err().unwrap().fault(), Fault::Protocol);
}

#[tokio::test]
async fn who_said_no_a_wrong_key_and_a_wrong_clock_are_told_apart() {
    let Some(world) = world().await else { return };
    let provider = world.provider();
    let begun = provider.begin(BEGIN).await.ok().unwrap();
    let back = world.server.deny(begun.authorize_url.as_str(), REDIRECT).await.unwrap();
    let denied = provider.complete(&callback(&back), REDIRECT, &begun.private).await.err().unwrap();
    assert_eq!(*denied.fault(), Fault::Denied);

    let another = OAuth1Key::generate().unwrap();
    let wrong_key = open(&world.row(CONSUMER), &another, &outside(2, SignedDuration::ZERO));
    let wrong_name = open(&world.row("nobody"), &world.key, &outside(3, SignedDuration::ZERO));
    let no_name = open(&world.row(""), &world.key, &outside(4, SignedDuration::ZERO));
    for provider in [&wrong_key, &wrong_name, &no_name] {
        let error = provider.begin(BEGIN).await.err().unwrap();
        assert_eq!(*error.fault(), Fault::Application, "{error}");
    }
    let grant = world.grant(provider.as_ref()).await;
    let refused = wrong_key.who(&grant.tokens.credential()).await.unwrap_err();
    assert_eq!(*refused.fault(), Fault::Application, "{refused}");

    let late = open(&world.row(CONSUMER), &world.key, &outside(5, SignedDuration::from_hours(-1)));
    for error in
        [late.begin(BEGIN).await.err().unwrap(), late.who(&grant.tokens.credential()).await.unwrap_err()]
    {
        assert_eq!(*error.fault(), Fault::Protocol, "{error}");
        assert!(error.mend().contains("clocks"), "{}", error.mend());
    }
}

#[tokio::test]
async fn a_repeated_request_is_signed_anew() {
    let Some(world) = world().await else { return };
    let provider = world.provider();
    let grant = world.grant(provider.as_ref()).await;
    // The client asks again by itself, and the forge knows the nonce already.
    world.server.double().answer_next(Answer::html(503, "busy"));

    let account = provider.who(&grant.tokens.credential()).await.unwrap();

    assert_eq!(account.login, "developer");
    assert_eq!(world.server.refusals().await, ["nonce_used"]);
}

#[tokio::test]
async fn a_key_that_is_none_is_named_at_once() {
    let auth = ForgeAuth::Oauth1 { consumer_key: "hearth".into(), public_key: String::new() };
    let row = Forge { auth, ..row(ForgeKind::BitbucketServer, "https://bitbucket.example.com", "", &[]) };
    let with = |pem: Option<&str>| ForgeSecrets {
        consumer_key: pem.map(|pem| Secret::new(pem.to_owned())),
        ..ForgeSecrets::default()
    };
    for pem in [None, Some("nonsense")] {
        let error = forge::open(&row, with(pem), &outside(1, SignedDuration::ZERO)).err().unwrap();
        assert_eq!(*error.fault(), Fault::Refused, "{error}");
        assert!(!error.mend().is_empty());
    }
}

#[tokio::test]
async fn without_the_application_link_a_signed_credential_says_so() {
    let row = row(ForgeKind::BitbucketServer, "http://127.0.0.1:9", "id", &[]);
    let provider =
        forge::open(&row, ForgeSecrets::default(), &outside(1, SignedDuration::ZERO)).ok().unwrap();
    let credential = Credential::Oauth1(Secret::new("token".to_owned()).into());

    let error = provider.repository(&credential, "ACME/shop").await.unwrap_err();

    assert_eq!(*error.fault(), Fault::Application, "{error}");
}
