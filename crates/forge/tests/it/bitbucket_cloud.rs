//! What Bitbucket Cloud is asked, asked of its double.

use domain::{Forge, ForgeKind, RefKind};
use forge::{
    AddKey, Begin, CommitState, CommitStatus, Credential, Fault, Grant, Hook, HookEvent, HookProof,
    LinkFault, NewHook, PathKind, Provider, Purpose, Revoked, Subject,
};
use serde_json::json;
use testkit::forge_double::{Answer, ForgeDouble, commit};
use url::Url;
use vault::Secret;

use crate::forge_row::{REDIRECT, callback, open, row};
use crate::resolved::{place, resolved};

const KIND: ForgeKind = ForgeKind::BitbucketCloud;
const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hearth";
const BEGIN: Begin<'_> = Begin { redirect_uri: REDIRECT, state: "s", scopes: &[], purpose: Purpose::Link };

struct World {
    forge: ForgeDouble,
    provider: std::sync::Arc<dyn Provider>,
    developer: Credential,
}

fn row_of(forge: &ForgeDouble, id: &str, scopes: &[&str]) -> Forge {
    Forge { api_url: Some(Url::parse(forge.api_url()).unwrap()), ..row(KIND, forge.url(), id, scopes) }
}

fn token(forge: &ForgeDouble, user: &str) -> Credential {
    Credential::PersonalToken(Secret::new(forge.token(user)).into())
}

async fn world() -> World {
    let forge = ForgeDouble::start(KIND).await;
    let provider = open(&row_of(&forge, "id", &[]), "secret");
    let developer = token(&forge, "developer");
    World { forge, provider, developer }
}

async fn grant(forge: &ForgeDouble, provider: &dyn Provider) -> Grant {
    let begun = provider.begin(BEGIN).await.ok().unwrap();
    let back = forge.consent(begun.authorize_url.as_str(), "developer").await.unwrap();
    let grant = provider.complete(&callback(&back), REDIRECT, &begun.private).await;
    grant.map_err(|error| error.to_string()).ok().unwrap()
}

#[tokio::test]
async fn an_account_is_linked_and_refreshed_and_its_owner_revokes() {
    let forge = ForgeDouble::start(KIND).await;
    let application = forge.application(REDIRECT);
    let provider = open(&row_of(&forge, &application.id, &["account", "email"]), &application.secret);

    let grant = grant(&forge, provider.as_ref()).await;

    let account = &grant.account;
    assert!(account.subject.starts_with('{'), "the id that never changes: {}", account.subject);
    assert_eq!((account.login.as_str(), account.name.as_deref()), ("developer", Some("The developer")));
    assert_eq!(account.email.as_deref(), Some("developer@example.com"));
    assert!(account.email_verified);
    assert_eq!(grant.tokens.scopes.as_deref(), Some(&["account".to_owned(), "email".into()][..]));
    let exchange = forge.requests().into_iter().find(|it| it.target.ends_with("/access_token")).unwrap();
    assert!(exchange.authorization.unwrap().starts_with("Basic "), "the client proves itself there");
    assert!(!exchange.body.contains(&application.secret));
    let refresh = grant.tokens.refresh.clone().unwrap();
    let next = provider.refresh(&refresh, REDIRECT).await.ok().unwrap();
    assert_eq!(provider.who(&next.credential()).await.unwrap().login, "developer");
    let bare = json!({"access_token": "a", "token_type": "bearer", "expires_in": 7200});
    forge.answer_next(Answer::json(200, &bare));
    let next = provider.refresh(&refresh, REDIRECT).await.ok().unwrap();
    assert_eq!(next.refresh.unwrap().expose(), refresh.expose(), "the old one stays good");
    let revoked = provider.revoke(&grant.tokens.credential(), Some(&refresh)).await.unwrap();
    assert_eq!(revoked, Revoked::NotPossible);
    assert!(provider.manage_url().is_some());
}

#[tokio::test]
async fn everybody_is_told_what_is_theirs_to_mend() {
    let forge = ForgeDouble::start(KIND).await;
    let application = forge.application(REDIRECT);
    let provider = open(&row_of(&forge, &application.id, &["account"]), &application.secret);

    let begun = provider.begin(BEGIN).await.ok().unwrap();
    let back = forge.deny(begun.authorize_url.as_str(), "developer").await.unwrap();
    let denied = provider.complete(&callback(&back), REDIRECT, &begun.private).await.err().unwrap();
    assert_eq!(*denied.fault(), Fault::Denied);

    let begun = provider.begin(BEGIN).await.ok().unwrap();
    let back = forge.consent(begun.authorize_url.as_str(), "developer").await.unwrap();
    let granted = provider.complete(&callback(&back), REDIRECT, &begun.private).await.ok().unwrap();
    assert_eq!(granted.account.email, None, "its scope was not granted");
    let replayed = provider.complete(&callback(&back), REDIRECT, &begun.private).await.err().unwrap();
    assert_eq!(*replayed.fault(), Fault::Link(LinkFault::Grant), "{replayed}");

    let credential = granted.tokens.credential();
    let missing = provider.add_key(&credential, "Hearth", LINE).await.unwrap_err();
    assert_eq!(*missing.fault(), Fault::MissingScope { scopes: vec!["account:write".into()] }, "{missing}");
    let shop = provider.repository(&credential, "acme/shop").await.unwrap().unwrap().repository;
    let missing = provider.hooks(&credential, &shop).await.unwrap_err();
    assert_eq!(*missing.fault(), Fault::MissingScope { scopes: vec!["webhook".into()] }, "{missing}");
    forge.expire_tokens();
    let lapsed = provider.who(&credential).await.unwrap_err();
    assert_eq!(*lapsed.fault(), Fault::Link(LinkFault::Expired), "{lapsed}");

    let refresh = granted.tokens.refresh.unwrap();
    forge.renew_secret(&application.id);
    let refused = provider.refresh(&refresh, REDIRECT).await.err().unwrap();
    assert_eq!(*refused.fault(), Fault::Application, "{refused}");
    forge.delete_application(&application.id);
    let deleted = provider.refresh(&refresh, REDIRECT).await.err().unwrap();
    assert_eq!(*deleted.fault(), Fault::Application, "{deleted}");
}

#[tokio::test]
async fn repositories_are_found_with_their_parents_and_secrets_kept() {
    let World { forge, provider, developer } = &world().await;

    let shop = provider.repository(developer, "acme/shop").await.unwrap().unwrap();
    let fork = provider.repository(developer, "developer/shop.git").await.unwrap().unwrap();

    assert_eq!(shop.repository.default_branch.unwrap().as_str(), "main");
    assert_eq!(shop.repository.clone_url.to_string(), format!("{}/acme/shop.git", forge.url()));
    assert_eq!(shop.repository.ssh_url.as_deref(), Some("git@127.0.0.1:acme/shop.git"));
    assert!(!shop.repository.private && shop.parent.is_none());
    assert_eq!(fork.parent.unwrap().owner, "acme");
    assert!(provider.repository(developer, "acme/secret").await.unwrap().unwrap().repository.private);
    for credential in [&token(forge, "stranger"), &Credential::Anonymous] {
        assert!(provider.repository(credential, "acme/secret").await.unwrap().is_none());
    }
    for path in ["acme", "acme/none", "", "a/b/c", "../x"] {
        assert!(provider.repository(developer, path).await.unwrap().is_none(), "{path}");
    }
}

#[tokio::test]
async fn repositories_are_listed_workspace_by_workspace() {
    let World { forge, provider, developer } = &world().await;
    let workspaces = json!({"values": [
        {"type": "workspace_access", "workspace": {"slug": "acme"}},
        {"type": "workspace_access", "workspace": {"slug": "developer"}},
    ]});
    forge.answer_next(Answer::json(200, &workspaces));

    let listed = provider.repositories(developer, Some("sh\"op"), 1).await.unwrap();

    let names: Vec<String> =
        listed.repositories.iter().map(|it| format!("{}/{}", it.owner, it.name)).collect();
    assert_eq!(names, ["acme/shop", "acme/secret", "developer/shop"]);
    assert_eq!(listed.next, None);
    let asked = forge.requests().last().unwrap().target.clone();
    assert!(asked.starts_with("/2.0/repositories/developer?role=member"), "{asked}");
    assert!(asked.contains("q=name+%7E+%22shop%22"), "{asked}");
    // A token of one repository may not ask for workspaces.
    assert!(provider.repositories(developer, None, 1).await.unwrap().repositories.is_empty());
}

#[tokio::test]
async fn names_and_paths_are_looked_up() {
    let World { provider, developer, .. } = &world().await;
    let shop = provider.repository(developer, "acme/shop").await.unwrap().unwrap().repository;
    let find = async |name: &str, wanted| provider.find_ref(developer, &shop, name, wanted).await.unwrap();

    assert_eq!(find("main", None).await.unwrap().sha, commit("main"));
    assert_eq!(find("feature/one", None).await.unwrap().kind, RefKind::Branch);
    assert_eq!(find("feat/über", None).await.unwrap().sha, commit("feat/über"));
    let tag = find("release/2", None).await.unwrap();
    assert_eq!((tag.kind, tag.sha), (RefKind::Tag, commit("release/2")));
    assert!(find("v1.0", Some(RefKind::Branch)).await.is_none());
    for name in ["feature", "none", "", "a..b"] {
        assert!(find(name, None).await.is_none(), "{name}");
    }
    let short = &commit("main")[..8];
    assert_eq!(provider.commit(developer, &shop, short).await.unwrap(), Some(commit("main")));
    assert_eq!(provider.commit(developer, &shop, "main").await.unwrap(), None);
    assert_eq!(provider.commit(developer, &shop, "00000000").await.unwrap(), None);
    for (reference, path, expected) in [
        ("main", "", Some(PathKind::Folder)),
        ("main", "README.md", Some(PathKind::File)),
        ("feature/one", "docs/guide", Some(PathKind::Folder)),
        ("feature/one", "docs/guide/start.md", Some(PathKind::File)),
        ("main", "docs/none", None),
        ("no/such", "README.md", None),
    ] {
        let found = provider.path_kind(developer, &shop, reference, path).await.unwrap();
        assert_eq!(found, expected, "{path} in {reference}");
    }
}

#[tokio::test]
async fn pull_requests_have_full_commits_and_issues_are_found() {
    let World { provider, developer, .. } = &world().await;
    let shop = provider.repository(developer, "acme/shop").await.unwrap().unwrap().repository;

    let pull = provider.merge_request(developer, &shop, 2).await.unwrap().unwrap();
    let gone = provider.merge_request(developer, &shop, 3).await.unwrap().unwrap();

    let source = pull.source.unwrap();
    assert_eq!((source.repository.owner.as_str(), source.name.as_str()), ("developer", "fix/typo"));
    assert_eq!((pull.target.name.as_str(), pull.head), ("main", Some(commit("fix/typo"))));
    assert_eq!((gone.head, gone.head_ref), (Some(commit("gone")), None));
    assert!(provider.merge_request(developer, &shop, 99).await.unwrap().is_none());
    assert_eq!(provider.issue(developer, &shop, 1).await.unwrap().unwrap().title, "It is slow");
    assert!(provider.issue(developer, &shop, 2).await.unwrap().is_none());
}

#[tokio::test]
async fn keys_hooks_statuses_and_comments_arrive() {
    let World { forge, provider, developer } = &world().await;
    let shop = provider.repository(developer, "acme/shop").await.unwrap().unwrap().repository;

    let added = provider.add_key(developer, "Hearth", LINE).await.unwrap();
    let AddKey::Added { id } = added else { panic!("{added:?}") };
    let again = provider.add_key(developer, "Hearth", LINE).await.unwrap();
    assert_eq!(again, AddKey::AlreadyThere { id: id.clone() });
    let taken = provider.add_key(&token(forge, "stranger"), "Hearth", LINE).await.unwrap();
    assert_eq!(taken, AddKey::TakenByAnother);
    let bad = provider.add_key(developer, "Hearth", "nonsense").await.unwrap_err();
    assert_eq!(*bad.fault(), Fault::Request, "{bad}");
    assert_eq!(provider.keys(developer).await.unwrap().len(), 1);
    provider.remove_key(developer, &id).await.unwrap();
    provider.remove_key(developer, &id).await.unwrap();
    assert!(forge.keys("developer").is_empty());

    let hook = NewHook {
        url: Url::parse("https://hearth.example.com/hooks/1").unwrap(),
        proof: HookProof::Shared(Secret::new("shared".into())),
        events: vec![HookEvent::Push, HookEvent::Tag, HookEvent::Comment],
    };
    let Hook { id, url } = provider.add_hook(developer, &shop, &hook).await.unwrap();
    assert_eq!(provider.hooks(developer, &shop).await.unwrap(), [Hook { id: id.clone(), url }]);
    assert_eq!(forge.hooks()[0].sent["secret"], "shared");
    provider.remove_hook(developer, &shop, &id).await.unwrap();
    provider.remove_hook(developer, &shop, &id).await.unwrap();
    assert!(forge.hooks().is_empty());

    for (name, state) in [("hearth".to_owned(), CommitState::Running), ("x".repeat(60), CommitState::Error)] {
        let status = CommitStatus { state, name, description: "x".repeat(500), target_url: None };
        provider.set_commit_status(developer, &shop, &commit("main"), &status).await.unwrap();
    }
    let told = forge.statuses();
    assert_eq!(
        (told[0].sent["state"].as_str(), told[0].sent["key"].as_str()),
        (Some("INPROGRESS"), Some("hearth"))
    );
    assert_eq!(told[1].sent["state"].as_str(), Some("STOPPED"));
    for (subject, number) in [(Subject::MergeRequest(2), 2), (Subject::Issue(1), 1)] {
        provider.comment(developer, &shop, subject, "Seen.").await.unwrap();
        assert_eq!(forge.comments().last().unwrap().number, number);
    }
}

#[tokio::test]
async fn api_tokens_are_shown_with_their_accounts_address() {
    let World { forge, provider, .. } = &world().await;
    let token = forge.token("developer");
    let secret = |text: &str| std::sync::Arc::new(Secret::new(text.to_owned()));
    let whole = Credential::PersonalToken(secret(&format!("developer@example.com:{token}")));

    let account = provider.who(&whole).await.unwrap();

    assert_eq!(account.login, "developer");
    assert!(forge.requests().last().unwrap().authorization.as_deref().unwrap().starts_with("Basic "));
    let login = provider.git_login(&whole, &account).unwrap();
    assert_eq!((login.username.as_str(), login.password.expose()), ("x-bitbucket-api-token-auth", &token));
    for credential in [Credential::Bearer(secret("t")), Credential::PersonalToken(secret("t"))] {
        let login = provider.git_login(&credential, &account).unwrap();
        assert_eq!((login.username.as_str(), login.password.expose().as_str()), ("x-token-auth", "t"));
    }
    assert!(provider.git_login(&Credential::Anonymous, &account).is_none());
}

#[tokio::test]
async fn redirects_to_elsewhere_are_refused_and_trouble_is_sorted() {
    let World { forge, provider, developer } = &world().await;
    for (answer, expected) in [
        (Answer::redirect("https://evil.example.com/2.0/user"), Fault::Refused),
        (Answer::html(200, "<h1>Sign in</h1>"), Fault::Protocol),
        (Answer::html(401, ""), Fault::Link(LinkFault::Refused)),
        (Answer::json(410, &json!({"type": "error", "error": {"message": "gone"}})), Fault::NotFound),
    ] {
        forge.answer_next(answer);
        let error = provider.who(developer).await.unwrap_err();
        assert_eq!(*error.fault(), expected, "{error}");
    }
}

#[tokio::test]
async fn pasted_pages_stand_for_what_they_show() {
    let World { forge, provider, developer } = &world().await;
    let row = row_of(forge, "id", &[]);
    let main = commit("main");
    for (path, expected) in [
        ("acme/shop".to_owned(), "acme: branch main"),
        ("acme/shop.git".into(), "acme: branch main"),
        (
            format!("acme/shop/src/{main}/docs/guide/?at=feature%2Fone"),
            "acme: branch feature/one folder:docs/guide",
        ),
        (format!("acme/shop/src/{main}/src/main.rs"), "acme: revision  file:src/main.rs"),
        ("acme/shop/branch/feat/%C3%BCber".into(), "acme: branch feat/über"),
        ("acme/shop/commits/tag/release/2".into(), "acme: tag release/2"),
        (format!("acme/shop/commits/{}", &main[..7]), "acme: revision "),
        ("acme/shop/pull-requests/2/mend-a-typo/diff".into(), "developer: branch fix/typo"),
        ("acme/shop/issues/1/it-is-slow".into(), "acme: branch main"),
    ] {
        let context = resolved(&row, provider.as_ref(), developer, &path).await;
        let context = context.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(place(&context), expected, "{path}");
        assert_eq!(context.warnings, Vec::<String>::new(), "{path}");
    }
    let gone = resolved(&row, provider.as_ref(), developer, "acme/shop/pull-requests/3").await.unwrap();
    assert_eq!(gone.revision, Some(commit("gone")));
    let hidden = resolved(&row, provider.as_ref(), &Credential::Anonymous, "acme/secret").await.unwrap_err();
    assert_eq!(hidden.code(), "repository_missing");
}
