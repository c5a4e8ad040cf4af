//! What Bitbucket Data Center is asked, with OAuth 2 and with tokens, asked of its double.

use domain::{ForgeKind, RefKind};
use forge::{
    AddKey, Begin, CommitState, CommitStatus, Credential, Fault, Grant, Hook, HookEvent, HookProof,
    LinkFault, NewHook, PathKind, Provider, Purpose, Revoked, Subject,
};
use testkit::forge_double::{Answer, ForgeDouble, commit};
use url::Url;
use vault::Secret;

use crate::forge_row::{REDIRECT, callback, open, row};
use crate::resolved::{place, resolved};

const KIND: ForgeKind = ForgeKind::BitbucketServer;
const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hearth";
const BEGIN: Begin<'_> = Begin { redirect_uri: REDIRECT, state: "s", scopes: &[], purpose: Purpose::Link };

struct World {
    forge: ForgeDouble,
    provider: std::sync::Arc<dyn Provider>,
    developer: Credential,
}

fn token(forge: &ForgeDouble, user: &str) -> Credential {
    Credential::PersonalToken(Secret::new(forge.token(user)).into())
}

async fn world() -> World {
    let forge = ForgeDouble::start(KIND).await;
    let provider = open(&row(KIND, forge.url(), "id", &[]), "secret");
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
async fn an_account_is_linked_refreshed_and_revoked() {
    let forge = ForgeDouble::start(KIND).await;
    let application = forge.application(REDIRECT);
    let scopes = forge::scope::default_scopes(KIND);
    let named: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let provider = open(&row(KIND, forge.url(), &application.id, &named), &application.secret);

    let grant = grant(&forge, provider.as_ref()).await;

    let account = &grant.account;
    assert_eq!((account.subject.as_str(), account.login.as_str()), ("1", "developer"));
    assert_eq!(account.email.as_deref(), Some("developer@example.com"));
    assert!(!account.email_verified, "it verifies nothing");
    assert_eq!(grant.tokens.scopes.as_deref(), Some(&scopes[..]));
    let refresh = grant.tokens.refresh.clone().unwrap();
    let next = provider.refresh(&refresh, REDIRECT).await.ok().unwrap();
    assert_eq!(provider.who(&next.credential()).await.unwrap().login, "developer");
    let spent = provider.refresh(&refresh, REDIRECT).await.err().unwrap();
    assert_eq!(*spent.fault(), Fault::Link(LinkFault::Grant), "{spent}");
    let revoked = provider.revoke(&next.credential(), next.refresh.as_deref()).await.unwrap();
    assert_eq!(revoked, Revoked::Done);
    let dead = provider.who(&next.credential()).await.unwrap_err();
    assert!(matches!(dead.fault(), Fault::Link(_)), "{dead}");
}

#[tokio::test]
async fn everybody_is_told_what_is_theirs_to_mend() {
    let forge = ForgeDouble::start(KIND).await;
    let application = forge.application(REDIRECT);
    let provider = open(&row(KIND, forge.url(), &application.id, &["PUBLIC_REPOS"]), &application.secret);

    let begun = provider.begin(BEGIN).await.ok().unwrap();
    let back = forge.deny(begun.authorize_url.as_str(), "developer").await.unwrap();
    let denied = provider.complete(&callback(&back), REDIRECT, &begun.private).await.err().unwrap();
    assert_eq!(*denied.fault(), Fault::Denied);

    let begun = provider.begin(BEGIN).await.ok().unwrap();
    let back = forge.consent(begun.authorize_url.as_str(), "developer").await.unwrap();
    provider.complete(&callback(&back), REDIRECT, &begun.private).await.ok().unwrap();
    let replayed = provider.complete(&callback(&back), REDIRECT, &begun.private).await.err().unwrap();
    assert_eq!(*replayed.fault(), Fault::Link(LinkFault::Grant), "{replayed}");

    let granted = grant(&forge, provider.as_ref()).await;
    let missing = provider.add_key(&granted.tokens.credential(), "Hearth", LINE).await.unwrap_err();
    assert_eq!(*missing.fault(), Fault::MissingScope { scopes: vec!["ACCOUNT_WRITE".into()] });
    forge.expire_tokens();
    let lapsed = provider.who(&granted.tokens.credential()).await.unwrap_err();
    assert!(matches!(lapsed.fault(), Fault::Link(_)), "{lapsed}");

    let granted = grant(&forge, provider.as_ref()).await;
    let refresh = granted.tokens.refresh.unwrap();
    forge.renew_secret(&application.id);
    let refused = provider.refresh(&refresh, REDIRECT).await.err().unwrap();
    assert_eq!(*refused.fault(), Fault::Application, "{refused}");
    forge.delete_application(&application.id);
    let deleted = provider.refresh(&refresh, REDIRECT).await.err().unwrap();
    assert_eq!(*deleted.fault(), Fault::Application, "{deleted}");
    let ended = provider.who(&Credential::Bearer(granted.tokens.access)).await.unwrap_err();
    assert!(matches!(ended.fault(), Fault::Link(_)), "{ended}");
    let nobody = provider.who(&Credential::Anonymous).await.unwrap_err();
    assert!(matches!(nobody.fault(), Fault::Link(_)), "{nobody}");
}

#[tokio::test]
async fn who_asks_is_learned_from_the_servlet_where_no_header_says_so() {
    let World { forge, provider, developer } = &world().await;
    forge.answer_next(Answer::json(200, &serde_json::json!({"version": "7.21.0"})));

    let account = provider.who(developer).await.unwrap();

    assert_eq!((account.login.as_str(), account.subject.as_str()), ("developer", "1"));
    assert!(forge.requests().iter().any(|it| it.target.ends_with("/plugins/servlet/applinks/whoami")));
    assert_eq!(account.web_url, Some(format!("{}/users/developer", forge.url())));
    assert_eq!(provider.version(&Credential::Anonymous).await.unwrap().as_deref(), Some("8.19.14"));
}

#[tokio::test]
async fn repositories_of_projects_and_people_are_found_and_secrets_kept() {
    let World { forge, provider, developer } = &world().await;

    let shop = provider.repository(developer, "acme/shop").await.unwrap().unwrap();
    let fork = provider.repository(developer, "~developer/shop.git").await.unwrap().unwrap();

    let repository = &shop.repository;
    assert_eq!((repository.owner.as_str(), repository.name.as_str()), ("ACME", "shop"));
    assert_eq!(repository.default_branch.as_ref().unwrap().as_str(), "main");
    assert_eq!(repository.clone_url.to_string(), format!("{}/scm/acme/shop.git", forge.url()));
    assert_eq!(repository.ssh_url.as_deref(), Some("ssh://git@127.0.0.1:7999/acme/shop.git"));
    assert!(!repository.private && shop.parent.is_none());
    assert_eq!(fork.repository.clone_url.to_string(), format!("{}/scm/~developer/shop.git", forge.url()));
    assert_eq!(fork.repository.owner, "~developer");
    assert_eq!(fork.parent.unwrap().owner, "ACME");
    assert!(provider.repository(developer, "ACME/secret").await.unwrap().unwrap().repository.private);
    for credential in [&token(forge, "stranger"), &Credential::Anonymous] {
        assert!(provider.repository(credential, "ACME/secret").await.unwrap().is_none());
    }
    for path in ["ACME", "ACME/none", "", "a/b/c", "../x"] {
        assert!(provider.repository(developer, path).await.unwrap().is_none(), "{path}");
    }
    let listed = provider.repositories(developer, None, 1).await.unwrap();
    assert!(listed.repositories.iter().any(|it| it.name == "secret") && listed.next.is_none());
    assert!(provider.repositories(&Credential::Anonymous, None, 1).await.unwrap().repositories.is_empty());
}

#[tokio::test]
async fn a_long_list_goes_on_where_the_server_says() {
    let World { forge, provider, developer } = &world().await;
    let page = |last: bool, next: Option<u32>| serde_json::json!({"values": [], "size": 0, "isLastPage": last, "nextPageStart": next});
    forge.answer_next(Answer::json(200, &page(false, Some(73))));
    let first = provider.repositories(developer, None, 1).await.unwrap();
    // One that never ends.
    forge.answer_next(Answer::json(200, &page(false, Some(0))));
    let odd = provider.repositories(developer, None, 74).await.unwrap();

    assert_eq!((first.next, odd.next), (Some(74), None));
    let requests = forge.requests();
    assert!(requests.last().unwrap().target.contains("start=73"), "{requests:?}");
}

#[tokio::test]
async fn names_and_paths_are_looked_up() {
    let World { provider, developer, .. } = &world().await;
    let shop = provider.repository(developer, "ACME/shop").await.unwrap().unwrap().repository;
    let find = async |name: &str, wanted| provider.find_ref(developer, &shop, name, wanted).await.unwrap();

    assert_eq!(find("main", None).await.unwrap().sha, commit("main"));
    assert_eq!(find("feature/one", None).await.unwrap().kind, RefKind::Branch);
    assert_eq!(find("feat/über", None).await.unwrap().sha, commit("feat/über"));
    let tag = find("release/2", None).await.unwrap();
    assert_eq!((tag.kind, tag.sha), (RefKind::Tag, commit("release/2")));
    assert!(find("v1.0", Some(RefKind::Branch)).await.is_none());
    assert!(find("main", Some(RefKind::Tag)).await.is_none());
    for name in ["feature", "none", "", "a..b"] {
        assert!(find(name, None).await.is_none(), "{name}");
    }
    let short = &commit("main")[..8];
    assert_eq!(provider.commit(developer, &shop, short).await.unwrap(), Some(commit("main")));
    assert_eq!(provider.commit(developer, &shop, "main").await.unwrap(), None);
    assert_eq!(provider.commit(developer, &shop, "00000000").await.unwrap(), None);
    for (path, expected) in [
        ("", Some(PathKind::Folder)),
        ("README.md", Some(PathKind::File)),
        ("docs/guide", Some(PathKind::Folder)),
        ("docs/guide/start.md", Some(PathKind::File)),
        ("docs/none", None),
        ("docs/../README.md", None),
    ] {
        let found = provider.path_kind(developer, &shop, "feature/one", path).await.unwrap();
        assert_eq!(found, expected, "{path}");
    }
}

#[tokio::test]
async fn pull_requests_are_found_and_issues_are_elsewhere() {
    let World { provider, developer, .. } = &world().await;
    let shop = provider.repository(developer, "ACME/shop").await.unwrap().unwrap().repository;

    let pull = provider.merge_request(developer, &shop, 2).await.unwrap().unwrap();
    let gone = provider.merge_request(developer, &shop, 3).await.unwrap().unwrap();

    let source = pull.source.unwrap();
    assert_eq!((source.repository.owner.as_str(), source.name.as_str()), ("~developer", "fix/typo"));
    assert_eq!((pull.title.as_str(), pull.target.name.as_str()), ("Mend a typo", "main"));
    assert_eq!(pull.head, Some(commit("fix/typo")));
    assert_eq!(gone.head, Some(commit("gone")));
    assert_eq!(gone.head_ref.as_deref(), Some("refs/pull-requests/3/from"));
    assert!(provider.merge_request(developer, &shop, 99).await.unwrap().is_none());
    let issue = provider.issue(developer, &shop, 1).await.unwrap_err();
    assert_eq!(*issue.fault(), Fault::Unsupported);
    assert!(issue.to_string().contains("Jira") && !issue.mend().is_empty());
}

#[tokio::test]
async fn keys_hooks_statuses_and_comments_arrive() {
    let World { forge, provider, developer } = &world().await;
    let shop = provider.repository(developer, "ACME/shop").await.unwrap().unwrap().repository;

    let added = provider.add_key(developer, "Hearth", LINE).await.unwrap();
    let AddKey::Added { id } = added else { panic!("{added:?}") };
    let again = provider.add_key(developer, "Hearth", LINE).await.unwrap();
    assert_eq!(again, AddKey::AlreadyThere { id: id.clone() });
    let taken = provider.add_key(&token(forge, "stranger"), "Hearth", LINE).await.unwrap();
    assert_eq!(taken, AddKey::TakenByAnother);
    let bad = provider.add_key(developer, "Hearth", "nonsense").await.unwrap_err();
    assert_eq!(*bad.fault(), Fault::Request, "{bad}");
    provider.remove_key(developer, &id).await.unwrap();
    provider.remove_key(developer, &id).await.unwrap();
    assert!(forge.keys("developer").is_empty());

    let hook = |events| NewHook {
        url: Url::parse("https://hearth.example.com/hooks/1").unwrap(),
        proof: HookProof::Shared(Secret::new("shared".into())),
        events,
    };
    let made = hook(vec![HookEvent::Push, HookEvent::Tag, HookEvent::Comment]);
    let Hook { id, url } = provider.add_hook(developer, &shop, &made).await.unwrap();
    assert_eq!(url, made.url.as_str());
    assert_eq!(provider.hooks(developer, &shop).await.unwrap(), [Hook { id: id.clone(), url }]);
    assert_eq!(forge.hooks()[0].sent["configuration"]["secret"], "shared");
    provider.remove_hook(developer, &shop, &id).await.unwrap();
    provider.remove_hook(developer, &shop, &id).await.unwrap();
    assert!(forge.hooks().is_empty());
    let none = provider.add_hook(developer, &shop, &hook(vec![HookEvent::Issue])).await.unwrap_err();
    assert_eq!(*none.fault(), Fault::Unsupported);
    let refused = provider.hooks(&token(forge, "stranger"), &shop).await.unwrap_err();
    assert_eq!(*refused.fault(), Fault::Forbidden, "{refused}");

    let status = CommitStatus {
        state: CommitState::Running,
        name: "hearth".into(),
        description: "x".repeat(500),
        target_url: None,
    };
    provider.set_commit_status(developer, &shop, &commit("main"), &status).await.unwrap();
    let [told] = &forge.statuses()[..] else { panic!() };
    assert_eq!((told.commit.clone(), told.sent["state"].as_str()), (commit("main"), Some("INPROGRESS")));
    provider.comment(developer, &shop, Subject::MergeRequest(2), "Seen.").await.unwrap();
    let [told] = &forge.comments()[..] else { panic!() };
    assert_eq!((told.number, told.text.as_str()), (2, "Seen."));
    let issue = provider.comment(developer, &shop, Subject::Issue(1), "Seen.").await.unwrap_err();
    assert_eq!(*issue.fault(), Fault::Unsupported);
}

#[tokio::test]
async fn redirects_to_elsewhere_are_refused_and_trouble_is_sorted() {
    let World { forge, provider, developer } = &world().await;
    let errors = |exception: &str, message: &str| serde_json::json!({"errors": [{"context": null, "message": message, "exceptionName": exception}]});
    for (answer, expected) in [
        (Answer::redirect("https://evil.example.com/rest"), Fault::Refused),
        (Answer::html(401, ""), Fault::Link(LinkFault::Refused)),
        (Answer::json(401, &errors("x.AuthorisationException", "no")), Fault::Forbidden),
        (
            Answer::json(401, &errors("x.AuthenticationException", "The token has expired")),
            Fault::Link(LinkFault::Expired),
        ),
        (Answer::json(409, &errors("x", "y")), Fault::Request),
        (Answer::html(404, "no"), Fault::NotFound),
    ] {
        forge.answer_next(answer);
        let error = provider.who(developer).await.unwrap_err();
        assert_eq!(*error.fault(), expected, "{error}");
        assert!(!error.mend().is_empty());
    }
    forge.answer_next(Answer::html(200, "<h1>Sign in</h1>"));
    let page = provider.version(developer).await.unwrap_err();
    assert_eq!(*page.fault(), Fault::Protocol, "{page}");
}

#[tokio::test]
async fn git_is_told_what_fits_the_credential() {
    let World { provider, developer, .. } = &world().await;
    let account = provider.who(developer).await.unwrap();
    let secret = || std::sync::Arc::new(Secret::new("t".to_owned()));

    let user = |credential| provider.git_login(&credential, &account).map(|login| login.username);

    assert_eq!(user(Credential::Bearer(secret())).as_deref(), Some("x-token-auth"));
    assert_eq!(user(Credential::PersonalToken(secret())).as_deref(), Some("developer"));
    assert_eq!(user(Credential::Oauth1(secret())), None);
    assert_eq!(user(Credential::Anonymous), None);
    assert!(provider.manage_url().unwrap().path().ends_with("/oauth/users/access-tokens"));
    assert!(provider.register_url(REDIRECT, &[]).unwrap().path().ends_with("/listApplicationLinks"));
    let signed = provider.who(&Credential::Oauth1(secret())).await.unwrap_err();
    assert_eq!(*signed.fault(), Fault::Application, "{signed}");
}

#[tokio::test]
async fn pasted_pages_stand_for_what_they_show() {
    let World { forge, provider, developer } = &world().await;
    let row = row(KIND, forge.url(), "id", &[]);
    let main = commit("main");
    for (path, expected) in [
        ("projects/ACME/repos/shop".to_owned(), "ACME: branch main"),
        ("users/developer/repos/shop/browse".into(), "~developer: branch main"),
        ("scm/acme/shop.git".into(), "ACME: branch main"),
        ("scm/~developer/shop.git".into(), "~developer: branch main"),
        (
            "projects/ACME/repos/shop/browse?at=refs%2Fheads%2Ffeat%2F%C3%BCber".into(),
            "ACME: branch feat/über",
        ),
        ("projects/ACME/repos/shop/browse/src/main.rs?at=v1.0".into(), "ACME: tag v1.0 file:src/main.rs"),
        (format!("projects/ACME/repos/shop/commits/{main}"), "ACME: revision "),
        ("projects/ACME/repos/shop/pull-requests/2/overview".into(), "~developer: branch fix/typo"),
    ] {
        let context = resolved(&row, provider.as_ref(), developer, &path).await;
        let context = context.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(place(&context), expected, "{path}");
        assert_eq!(context.warnings, Vec::<String>::new(), "{path}");
    }
    let gone = resolved(&row, provider.as_ref(), developer, "projects/ACME/repos/shop/pull-requests/3").await;
    assert_eq!(gone.unwrap().revision, Some(commit("gone")));
    let hidden =
        resolved(&row, provider.as_ref(), &Credential::Anonymous, "projects/ACME/repos/secret").await;
    assert_eq!(hidden.unwrap_err().code(), "repository_missing");
}
