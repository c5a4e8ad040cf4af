//! What GitHub and Gitea are asked, asked of doubles of both.

use domain::{ForgeKind, RefKind};
use forge::{
    AddKey, Begin, CommitState, CommitStatus, Credential, Fault, Hook, HookEvent, HookProof, LinkFault,
    NewHook, PathKind, Provider, Purpose, Revoked, Subject,
};
use testkit::forge_double::{Answer, ForgeDouble, commit};
use url::Url;
use vault::Secret;

use crate::forge_row::{REDIRECT, callback, open, row};

const KINDS: [ForgeKind; 2] = [ForgeKind::Github, ForgeKind::Gitea];
const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hearth";

struct World {
    forge: ForgeDouble,
    provider: std::sync::Arc<dyn Provider>,
    developer: Credential,
}

fn token(forge: &ForgeDouble, user: &str) -> Credential {
    Credential::PersonalToken(Secret::new(forge.token(user)).into())
}

async fn world(kind: ForgeKind) -> World {
    let forge = ForgeDouble::start(kind).await;
    let provider = open(&row(kind, forge.url(), "id", &[]), "secret");
    let developer = token(&forge, "developer");
    World { forge, provider, developer }
}

#[tokio::test]
async fn an_account_is_linked_refreshed_and_told_apart_from_a_refusal() {
    for kind in KINDS {
        let forge = ForgeDouble::start(kind).await;
        forge.let_tokens_expire();
        let application = forge.application(REDIRECT);
        let row = row(
            kind,
            forge.url(),
            &application.id,
            &forge::scope::default_scopes(kind).iter().map(String::as_str).collect::<Vec<_>>(),
        );
        let provider = open(&row, &application.secret);
        let begin = Begin { redirect_uri: REDIRECT, state: "s", scopes: &[], purpose: Purpose::Link };

        let begun = provider.begin(begin).await.ok().unwrap();
        let back = forge.consent(begun.authorize_url.as_str(), "developer").await.unwrap();
        let grant = provider.complete(&callback(&back), REDIRECT, &begun.private).await;
        let grant = grant.map_err(|error| format!("{kind}: {error}")).unwrap();

        assert_eq!(grant.account.login, "developer");
        assert_eq!(grant.account.subject, "1");
        assert_eq!(grant.account.email.as_deref(), Some("developer@example.com"));
        assert!(grant.account.email_verified);
        let refresh = grant.tokens.refresh.clone().unwrap();
        let next = provider.refresh(&refresh, REDIRECT).await.ok().unwrap();
        assert_eq!(provider.who(&next.credential()).await.unwrap().login, "developer");
        let spent = provider.refresh(&refresh, REDIRECT).await.err();
        if let Some(spent) = spent {
            assert_eq!(*spent.fault(), Fault::Link(LinkFault::Grant), "{kind}: {spent}");
        }
        let replayed = provider.complete(&callback(&back), REDIRECT, &begun.private).await.err().unwrap();
        assert_eq!(*replayed.fault(), Fault::Link(LinkFault::Grant), "{kind}: {replayed}");

        let begun = provider.begin(begin).await.ok().unwrap();
        let back = forge.deny(begun.authorize_url.as_str(), "developer").await.unwrap();
        let denied = provider.complete(&callback(&back), REDIRECT, &begun.private).await.err().unwrap();
        assert_eq!(*denied.fault(), Fault::Denied, "{kind}");

        forge.renew_secret(&application.id);
        let begun = provider.begin(begin).await.ok().unwrap();
        let back = forge.consent(begun.authorize_url.as_str(), "developer").await.unwrap();
        let refused = provider.complete(&callback(&back), REDIRECT, &begun.private).await.err().unwrap();
        assert_eq!(*refused.fault(), Fault::Application, "{kind}: {refused}");
        forge.expire_tokens();
        let lapsed = provider.who(&next.credential()).await.unwrap_err();
        assert!(matches!(lapsed.fault(), Fault::Link(_)), "{kind}: {lapsed}");
    }
}

#[tokio::test]
async fn github_takes_a_grant_back_and_gitea_cannot() {
    for (kind, expected) in [(ForgeKind::Github, Revoked::Done), (ForgeKind::Gitea, Revoked::NotPossible)] {
        let forge = ForgeDouble::start(kind).await;
        let application = forge.application(REDIRECT);
        let provider = open(&row(kind, forge.url(), &application.id, &["read:user"]), &application.secret);
        let begin = Begin { redirect_uri: REDIRECT, state: "s", scopes: &[], purpose: Purpose::SignIn };
        let begun = provider.begin(begin).await.ok().unwrap();
        let back = forge.consent(begun.authorize_url.as_str(), "developer").await.unwrap();
        let grant = provider.complete(&callback(&back), REDIRECT, &begun.private).await.ok().unwrap();

        let revoked = provider.revoke(&grant.tokens.credential(), None).await.unwrap();

        assert_eq!(revoked, expected, "{kind}");
        assert_eq!(forge.is_living(grant.tokens.access.expose()), expected != Revoked::Done, "{kind}");
    }
}

#[tokio::test]
async fn a_fresh_token_that_not_every_server_knows_yet_is_tried_again() {
    let forge = ForgeDouble::start(ForgeKind::Github).await;
    let application = forge.application(REDIRECT);
    let provider =
        open(&row(ForgeKind::Github, forge.url(), &application.id, &["read:user"]), &application.secret);
    let begin = Begin { redirect_uri: REDIRECT, state: "s", scopes: &[], purpose: Purpose::SignIn };
    let begun = provider.begin(begin).await.ok().unwrap();
    let back = forge.consent(begun.authorize_url.as_str(), "developer").await.unwrap();
    let grant = provider.complete(&callback(&back), REDIRECT, &begun.private).await.ok().unwrap();
    let token = serde_json::json!({"access_token": grant.tokens.access.expose(), "token_type": "bearer"});
    forge.answer_next(Answer::json(200, &token));
    forge.answer_next(Answer::json(401, &serde_json::json!({"message": "Bad credentials"})));

    let again = provider.complete(&callback(&back), REDIRECT, &begun.private).await;

    assert_eq!(again.ok().unwrap().account.login, "developer");
}

#[tokio::test]
async fn repositories_are_found_with_their_parents_and_secrets_kept() {
    for kind in KINDS {
        let World { forge, provider, developer } = &world(kind).await;

        let shop = provider.repository(developer, "acme/shop").await.unwrap().unwrap();
        let fork = provider.repository(developer, "developer/shop.git").await.unwrap().unwrap();

        assert_eq!(shop.repository.default_branch.unwrap().as_str(), "main");
        assert_eq!(shop.repository.clone_url.to_string(), format!("{}/acme/shop.git", forge.url()));
        assert!(!shop.repository.private && shop.parent.is_none());
        assert_eq!(fork.parent.unwrap().owner, "acme");
        let secret = provider.repository(developer, "acme/secret").await.unwrap().unwrap();
        assert!(secret.repository.private);
        let stranger = token(forge, "stranger");
        for credential in [&stranger, &Credential::Anonymous] {
            assert!(provider.repository(credential, "acme/secret").await.unwrap().is_none(), "{kind}");
        }
        for path in ["acme", "acme/none", "", "a/b/c", "../x"] {
            assert!(provider.repository(developer, path).await.unwrap().is_none(), "{kind} {path}");
        }
        let listed = provider.repositories(developer, None, 1).await.unwrap();
        assert!(listed.repositories.iter().any(|it| it.name == "secret"), "{kind}");
        let found = provider.repositories(developer, Some("SECR"), 1).await.unwrap();
        assert_eq!(found.repositories.len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn names_and_paths_are_looked_up() {
    for kind in KINDS {
        let World { provider, developer, .. } = &world(kind).await;
        let shop = provider.repository(developer, "acme/shop").await.unwrap().unwrap().repository;
        let find =
            async |name: &str, wanted| provider.find_ref(developer, &shop, name, wanted).await.unwrap();

        assert_eq!(find("main", None).await.unwrap().sha, commit("main"), "{kind}");
        assert_eq!(find("feature/one", None).await.unwrap().kind, RefKind::Branch, "{kind}");
        assert_eq!(find("feat/über", None).await.unwrap().sha, commit("feat/über"), "{kind}");
        let tag = find("release/2", None).await.unwrap();
        assert_eq!((tag.kind, tag.sha), (RefKind::Tag, commit("release/2")), "{kind}");
        assert!(find("v1.0", Some(RefKind::Branch)).await.is_none(), "{kind}");
        for name in ["feature", "none", "", "a..b"] {
            assert!(find(name, None).await.is_none(), "{kind} {name}");
        }
        let short = &commit("main")[..8];
        assert_eq!(provider.commit(developer, &shop, short).await.unwrap(), Some(commit("main")), "{kind}");
        assert_eq!(provider.commit(developer, &shop, "main").await.unwrap(), None, "{kind}");
        assert_eq!(provider.commit(developer, &shop, "00000000").await.unwrap(), None, "{kind}");
        for (path, expected) in [
            ("", Some(PathKind::Folder)),
            ("README.md", Some(PathKind::File)),
            ("docs/guide", Some(PathKind::Folder)),
            ("docs/guide/start.md", Some(PathKind::File)),
            ("docs/none", None),
        ] {
            let found = provider.path_kind(developer, &shop, "feature/one", path).await.unwrap();
            assert_eq!(found, expected, "{kind} {path}");
        }
    }
}

#[tokio::test]
async fn pull_requests_and_issues_are_told_apart() {
    for kind in KINDS {
        let World { provider, developer, .. } = &world(kind).await;
        let shop = provider.repository(developer, "acme/shop").await.unwrap().unwrap().repository;

        let pull = provider.merge_request(developer, &shop, 2).await.unwrap().unwrap();

        let source = pull.source.unwrap();
        assert_eq!(
            (source.repository.owner.as_str(), source.name.as_str()),
            ("developer", "fix/typo"),
            "{kind}"
        );
        assert_eq!((pull.target.name.as_str(), pull.head), ("main", Some(commit("fix/typo"))), "{kind}");
        assert!(provider.merge_request(developer, &shop, 1).await.unwrap().is_none(), "{kind}");
        assert_eq!(provider.issue(developer, &shop, 1).await.unwrap().unwrap().title, "It is slow", "{kind}");
        assert!(provider.issue(developer, &shop, 2).await.unwrap().is_none(), "{kind}");
        assert!(provider.issue(developer, &shop, 99).await.unwrap().is_none(), "{kind}");
        let gone = provider.merge_request(developer, &shop, 3).await.unwrap().unwrap();
        assert_eq!(gone.head, Some(commit("gone")), "{kind}");
        assert_eq!(gone.head_ref.as_deref(), Some("refs/pull/3/head"), "{kind}");
    }
}

#[tokio::test]
async fn keys_hooks_statuses_and_comments_arrive() {
    for kind in KINDS {
        let World { forge, provider, developer } = &world(kind).await;
        let shop = provider.repository(developer, "acme/shop").await.unwrap().unwrap().repository;

        let added = provider.add_key(developer, "Hearth", LINE).await.unwrap();
        let AddKey::Added { id } = added else { panic!("{kind}: {added:?}") };
        let again = provider.add_key(developer, "Hearth", LINE).await.unwrap();
        assert_eq!(again, AddKey::AlreadyThere { id: id.clone() }, "{kind}");
        let taken = provider.add_key(&token(forge, "stranger"), "Hearth", LINE).await.unwrap();
        assert_eq!(taken, AddKey::TakenByAnother, "{kind}");
        provider.remove_key(developer, &id).await.unwrap();
        provider.remove_key(developer, &id).await.unwrap();
        assert!(forge.keys("developer").is_empty(), "{kind}");

        let hook = NewHook {
            url: Url::parse("https://hearth.example.com/hooks/1").unwrap(),
            proof: HookProof::Shared(Secret::new("shared".into())),
            events: vec![HookEvent::Push, HookEvent::Comment],
        };
        let Hook { id, url } = provider.add_hook(developer, &shop, &hook).await.unwrap();
        assert_eq!(url, hook.url.as_str(), "{kind}");
        assert_eq!(provider.hooks(developer, &shop).await.unwrap(), [Hook { id: id.clone(), url }], "{kind}");
        provider.remove_hook(developer, &shop, &id).await.unwrap();
        assert!(forge.hooks().is_empty(), "{kind}");

        let status = CommitStatus {
            state: CommitState::Running,
            name: "hearth".into(),
            description: "x".repeat(500),
            target_url: Some(Url::parse("https://hearth.example.com/w/1").unwrap()),
        };
        provider.set_commit_status(developer, &shop, &commit("main"), &status).await.unwrap();
        let [told] = &forge.statuses()[..] else { panic!("{kind}") };
        assert_eq!(
            (told.commit.clone(), told.sent["state"].as_str()),
            (commit("main"), Some("pending")),
            "{kind}"
        );
        provider.comment(developer, &shop, Subject::MergeRequest(2), "Seen.").await.unwrap();
        let [told] = &forge.comments()[..] else { panic!("{kind}") };
        assert_eq!((told.number, told.text.as_str()), (2, "Seen."), "{kind}");
    }
}

#[tokio::test]
async fn redirects_to_elsewhere_are_refused_and_trouble_is_sorted() {
    for kind in KINDS {
        let World { forge, provider, developer } = &world(kind).await;

        forge.answer_next(Answer::redirect("https://evil.example.com/api/v3/user"));
        let led_away = provider.who(developer).await.unwrap_err();
        forge.answer_next(Answer::html(200, "<h1>Sign in</h1>"));
        let page = provider.who(developer).await.unwrap_err();
        forge.answer_next(Answer::html(401, ""));
        let unknown = provider.who(developer).await.unwrap_err();

        assert_eq!(*led_away.fault(), Fault::Refused, "{kind}: {led_away}");
        assert_eq!(*page.fault(), Fault::Protocol, "{kind}: {page}");
        assert!(matches!(unknown.fault(), Fault::Link(_)), "{kind}: {unknown}");
    }
}

#[tokio::test]
async fn addresses_for_people_name_the_application() {
    let github = open(&row(ForgeKind::Github, "https://github.com", "Iv1.abc", &[]), "x");
    let gitea = open(&row(ForgeKind::Gitea, "https://example.com/git", "id", &[]), "x");

    assert_eq!(
        github.manage_url().unwrap().as_str(),
        "https://github.com/settings/connections/applications/Iv1.abc"
    );
    let register = github.register_url("https://hearth.example.com/oauth/callback/x", &[]).unwrap();
    assert!(register.as_str().contains("hearth.example.com%2Foauth%2Fcallback%2Fx"), "{register}");
    assert_eq!(gitea.manage_url().unwrap().as_str(), "https://example.com/git/user/settings/applications");
}
