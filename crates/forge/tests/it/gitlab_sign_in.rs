//! Linking an account against GitLab's real OAuth server.

use domain::{ForgeKind, SignedDuration};
use forge::{Begin, Begun, Credential, Fault, Grant, LinkFault, Provider, Purpose, Revoked, Sent};
use testkit::doorkeeper::{Application, Doorkeeper, Profile};
use testkit::peers::or_skip;
use vault::Secret;

use crate::forge_row::{REDIRECT, callback, open, open_in, outside, outside_at, row};

const SCOPES: &[&str] = &["api", "read_user", "openid", "email"];
const STATE: &str = "state-of-this-attempt";

struct World {
    server: Doorkeeper,
    application: Application,
}

async fn world(profile: Profile) -> Option<World> {
    let server = or_skip(Doorkeeper::start(profile).await)?;
    let application = server.application(REDIRECT, &SCOPES.join(" ")).await;
    Some(World { server, application })
}

impl World {
    fn row(&self) -> domain::Forge {
        let mut row = row(ForgeKind::Gitlab, self.server.url(), &self.application.id, SCOPES);
        row.ca_pem = self.server.ca_pem();
        row
    }

    fn provider(&self) -> std::sync::Arc<dyn Provider> {
        open(&self.row(), &self.application.secret)
    }

    async fn grant(&self, provider: &dyn Provider) -> Grant {
        let begun = begin(provider, Purpose::Link).await;
        let back = self.server.consent(begun.authorize_url.as_str(), "developer").await.unwrap();
        provider
            .complete(&callback(&back), REDIRECT, &begun.private)
            .await
            .map_err(|e| e.to_string())
            .ok()
            .unwrap()
    }
}

async fn begin(provider: &dyn Provider, purpose: Purpose) -> Begun {
    let begin = Begin { redirect_uri: REDIRECT, state: STATE, scopes: &[], purpose };
    provider.begin(begin).await.ok().unwrap()
}

#[tokio::test]
async fn an_account_is_linked_refreshed_and_revoked() {
    let Some(world) = world(Profile::Modern).await else { return };
    let provider = world.provider();

    let begun = begin(provider.as_ref(), Purpose::Link).await;
    let back = world.server.consent(begun.authorize_url.as_str(), "developer").await.unwrap();
    let answer = callback(&back);
    assert_eq!(answer.state.as_deref(), Some(STATE));
    let grant = provider.complete(&answer, REDIRECT, &begun.private).await.ok().unwrap();

    assert_eq!(grant.account.subject, world.server.user("developer").id.to_string());
    assert_eq!(grant.account.login, "developer");
    assert_eq!(grant.account.email.as_deref(), Some("developer@example.com"));
    assert!(grant.account.email_verified, "the identity token says so");
    assert_eq!(grant.tokens.expires_in, Some(SignedDuration::from_hours(2)));
    let scopes = provider.scopes_of(&grant.tokens.credential()).await.unwrap().unwrap();
    assert!(SCOPES.iter().all(|scope| scopes.iter().any(|it| it == scope)), "{scopes:?}");

    let old = grant.tokens.refresh.clone().unwrap();
    let next = provider.refresh(&old, REDIRECT).await.ok().unwrap();
    assert_eq!(provider.who(&next.credential()).await.unwrap().login, "developer");
    let dead = provider.who(&grant.tokens.credential()).await.unwrap_err();
    assert!(matches!(dead.fault(), Fault::Link(_)), "{dead}");
    let spent = provider.refresh(&old, REDIRECT).await.err().unwrap();
    assert_eq!(*spent.fault(), Fault::Link(LinkFault::Grant));

    let revoked = provider.revoke(&next.credential(), next.refresh.as_deref()).await.unwrap();
    assert_eq!(revoked, Revoked::Done);
    assert_eq!(world.server.living_tokens(&world.application.id).await, 0);
    let dead = provider.who(&next.credential()).await.unwrap_err();
    assert_eq!(*dead.fault(), Fault::Link(LinkFault::Revoked), "{dead}");
}

#[tokio::test]
async fn old_releases_give_tokens_that_do_not_lapse() {
    let Some(world) = world(Profile::Pre143).await else { return };

    let grant = world.grant(world.provider().as_ref()).await;

    assert_eq!(grant.tokens.expires_in, None);
    assert_eq!(grant.account.login, "developer");
}

#[tokio::test]
async fn an_instance_below_a_path_is_reached_there() {
    let Some(world) = world(Profile::PathPrefix("/gitlab")).await else { return };

    let grant = world.grant(world.provider().as_ref()).await;

    assert_eq!(grant.account.login, "developer");
}

#[tokio::test]
async fn an_unknown_authority_is_named_as_such_and_a_known_one_is_trusted() {
    let Some(world) = world(Profile::InternalCa).await else { return };
    let without = domain::Forge { ca_pem: None, ..world.row() };
    let stranger = open(&without, &world.application.secret);

    let grant = world.grant(world.provider().as_ref()).await;
    let refused = stranger.who(&grant.tokens.credential()).await.unwrap_err();

    assert_eq!(grant.account.login, "developer");
    assert_eq!(*refused.fault(), Fault::Tls, "{refused}");
}

#[tokio::test]
async fn a_sign_in_asks_for_as_little_as_it_needs() {
    let Some(world) = world(Profile::Modern).await else { return };
    let provider = world.provider();

    let begun = begin(provider.as_ref(), Purpose::SignIn).await;
    let back = world.server.consent(begun.authorize_url.as_str(), "developer").await.unwrap();
    let grant = provider.complete(&callback(&back), REDIRECT, &begun.private).await.ok().unwrap();

    let granted = provider.scopes_of(&grant.tokens.credential()).await.unwrap().unwrap();
    assert!(!granted.iter().any(|scope| scope == "api"), "{granted:?}");
    assert_eq!(grant.account.login, "developer");
}

#[tokio::test]
async fn a_code_works_once_and_only_with_its_verifier() {
    let Some(world) = world(Profile::Modern).await else { return };
    let provider = world.provider();
    let begun = begin(provider.as_ref(), Purpose::Link).await;
    let other = begin(provider.as_ref(), Purpose::Link).await;
    let back = world.server.consent(begun.authorize_url.as_str(), "developer").await.unwrap();

    let stolen = provider.complete(&callback(&back), REDIRECT, &other.private).await.err().unwrap();

    assert_eq!(*stolen.fault(), Fault::Link(LinkFault::Grant), "{stolen}");

    let begun = begin(provider.as_ref(), Purpose::Link).await;
    let back = world.server.consent(begun.authorize_url.as_str(), "developer").await.unwrap();
    provider.complete(&callback(&back), REDIRECT, &begun.private).await.ok().unwrap();
    let replayed = provider.complete(&callback(&back), REDIRECT, &begun.private).await.err().unwrap();

    assert_eq!(*replayed.fault(), Fault::Link(LinkFault::Grant), "{replayed}");
}

#[tokio::test]
async fn who_said_no_and_a_wrong_secret_are_told_apart() {
    let Some(world) = world(Profile::Modern).await else { return };
    let provider = world.provider();
    let begun = begin(provider.as_ref(), Purpose::Link).await;
    let back = world.server.deny(begun.authorize_url.as_str(), "developer").await.unwrap();

    let denied = provider.complete(&callback(&back), REDIRECT, &begun.private).await.err().unwrap();

    assert_eq!(*denied.fault(), Fault::Denied);

    let wrong = open(&world.row(), "another-secret");
    let begun = begin(wrong.as_ref(), Purpose::Link).await;
    let back = world.server.consent(begun.authorize_url.as_str(), "developer").await.unwrap();
    let refused = wrong.complete(&callback(&back), REDIRECT, &begun.private).await.err().unwrap();

    assert_eq!(*refused.fault(), Fault::Application, "{refused}");
    let grant = world.grant(provider.as_ref()).await;
    world.server.renew_secret(&world.application.id).await;
    let refresh = grant.tokens.refresh.unwrap();
    let refused = provider.refresh(&refresh, REDIRECT).await.err().unwrap();
    assert_eq!(*refused.fault(), Fault::Application, "{refused}");
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_not_exchanged() {
    let Some(world) = world(Profile::Modern).await else { return };
    let provider = world.provider();
    let begun = begin(provider.as_ref(), Purpose::Link).await;
    let mut back = world.server.consent(begun.authorize_url.as_str(), "developer").await.unwrap();
    back.query_pairs_mut().append_pair("iss", "https://evil.example.com");

    let refused = provider.complete(&callback(&back), REDIRECT, &begun.private).await.err().unwrap();

    assert_eq!(*refused.fault(), Fault::Protocol);
    assert_eq!(world.server.token_requests().await.exchanged, 0);
}

#[tokio::test]
async fn a_lost_answer_leaves_the_outcome_open_and_a_throttle_does_not() {
    let Some(world) = world(Profile::Modern).await else { return };
    let provider = world.provider();
    let grant = world.grant(provider.as_ref()).await;
    let refresh = grant.tokens.refresh.unwrap();

    world.server.refuse_next(429, &[("retry-after", "30")], "Retry later\n").await;
    let busy = provider.refresh(&refresh, REDIRECT).await.err().unwrap();
    world.server.lose_next_answer().await;
    let lost = provider.refresh(&refresh, REDIRECT).await.err().unwrap();

    let half_a_minute = Some(std::time::Duration::from_secs(30));
    assert_eq!(*busy.fault(), Fault::Passing { sent: Sent::Answered, retry_after: half_a_minute });
    assert_eq!(*lost.fault(), Fault::Passing { sent: Sent::Unknown, retry_after: None }, "{lost}");
    assert_eq!(world.server.token_requests().await.refreshed, 1, "sent once, never repeated");
}

#[tokio::test]
async fn a_clock_that_is_wrong_by_an_hour_is_named() {
    let Some(world) = world(Profile::Modern).await else { return };
    for (skew, works) in [(SignedDuration::from_mins(3), true), (SignedDuration::from_hours(1), false)] {
        let provider = open_in(&world.row(), &world.application.secret, &outside_at(skew));
        let begun = begin(provider.as_ref(), Purpose::Link).await;
        let back = world.server.consent(begun.authorize_url.as_str(), "developer").await.unwrap();

        let result = provider.complete(&callback(&back), REDIRECT, &begun.private).await;

        assert_eq!(result.is_ok(), works, "{skew}");
        if let Err(error) = result {
            assert_eq!(*error.fault(), Fault::Protocol);
            assert!(error.mend().contains("clocks"), "{}", error.mend());
        }
    }
    // Whatever did not end in a link was given back.
    assert_eq!(world.server.living_tokens(&world.application.id).await, 1);
}

#[tokio::test]
async fn a_pair_whose_access_token_has_lapsed_is_revoked_all_the_same() {
    let Some(world) = world(Profile::ShortTtl(1)).await else { return };
    let provider = world.provider();
    let grant = world.grant(provider.as_ref()).await;
    let credential = grant.tokens.credential();
    let lapsed = async || provider.scopes_of(&credential).await.is_err();
    while !lapsed().await {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }

    let revoked = provider.revoke(&credential, grant.tokens.refresh.as_deref()).await.unwrap();

    assert_eq!(revoked, Revoked::Done);
    assert_eq!(world.server.living_tokens(&world.application.id).await, 0);
    let refused = provider.refresh(&grant.tokens.refresh.unwrap(), REDIRECT).await.err().unwrap();
    assert_eq!(*refused.fault(), Fault::Link(LinkFault::Grant));
}

#[tokio::test]
async fn nothing_is_listening_and_nothing_was_sent() {
    let row = row(ForgeKind::Gitlab, "http://127.0.0.1:9", "id", SCOPES);
    let provider = forge::open(&row, forge::ForgeSecrets::default(), &outside()).ok().unwrap();

    let error = provider.refresh(&Secret::new("refresh".into()), REDIRECT).await.err().unwrap();

    assert_eq!(*error.fault(), Fault::Passing { sent: Sent::NotSent, retry_after: None }, "{error}");
    let token = Credential::Anonymous;
    assert!(provider.who(&token).await.unwrap_err().is_passing());
}
