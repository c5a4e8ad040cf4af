//! What Azure DevOps is asked with personal access tokens, asked of its double.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Forge, ForgeAuth, ForgeKind, RefKind};
use forge::{
    Begin, CommitState, CommitStatus, Credential, Fault, Hook, HookEvent, HookProof, LinkFault, NewHook,
    PathKind, Provider, Purpose, Revoked, Subject,
};
use serde_json::json;
use testkit::forge_double::{Answer, ForgeDouble, commit};
use url::Url;
use vault::Secret;

use crate::forge_row::{REDIRECT, open, row};
use crate::resolved::{place, resolved};

const KIND: ForgeKind = ForgeKind::AzureDevops;

struct World {
    forge: ForgeDouble,
    provider: std::sync::Arc<dyn Provider>,
    developer: Credential,
}

fn token(forge: &ForgeDouble, user: &str) -> Credential {
    Credential::PersonalToken(Secret::new(forge.token(user)).into())
}

/// For the whole site, or for one organisation.
fn row_of(forge: &ForgeDouble, organisation: Option<&str>) -> Forge {
    let api_url =
        organisation.map(|organisation| Url::parse(&format!("{}/{organisation}", forge.api_url())).unwrap());
    Forge { auth: ForgeAuth::PersonalToken, api_url, ..row(KIND, forge.url(), "", &[]) }
}

async fn world() -> World {
    let forge = ForgeDouble::start(KIND).await;
    let provider = open(&row_of(&forge, None), "");
    let developer = token(&forge, "developer");
    World { forge, provider, developer }
}

#[tokio::test]
async fn who_holds_a_token_is_told_by_profile_organisation_or_server() {
    let World { forge, provider, developer } = &world().await;

    let account = provider.who(developer).await.unwrap();

    assert_eq!(account.login, "developer@example.com");
    assert_eq!(account.name.as_deref(), Some("The developer"));
    assert!(!account.email_verified && !account.subject.is_empty());
    let shown = forge.requests().last().unwrap().authorization.clone().unwrap();
    let pair = STANDARD.decode(shown.strip_prefix("Basic ").unwrap()).unwrap();
    assert_eq!(pair, format!(":{}", developer.token().unwrap().expose()).into_bytes());

    let bound = open(&row_of(forge, Some("acme")), "");
    let account = bound.who(developer).await.unwrap();
    assert_eq!(
        (account.login.as_str(), account.email),
        ("developer@example.com", Some("developer@example.com".into()))
    );
    let asked = forge.requests().last().unwrap().target.clone();
    assert!(asked.starts_with("/acme/_apis/connectionData"), "{asked}");
    assert_eq!(bound.manage_url().unwrap().path(), "/acme/_usersSettings/tokens");

    let anonymous = json!({"authenticatedUser": {"id": "a", "subjectDescriptor": "anon.1"}});
    forge.answer_next(Answer::html(404, "no profiles here"));
    forge.answer_next(Answer::json(200, &anonymous));
    let nobody = provider.who(developer).await.unwrap_err();
    assert_eq!(*nobody.fault(), Fault::Link(LinkFault::Refused), "{nobody}");
}

#[tokio::test]
async fn what_is_not_there_says_what_to_do_instead() {
    let World { provider, developer, .. } = &world().await;
    let begin = Begin { redirect_uri: REDIRECT, state: "s", scopes: &[], purpose: Purpose::Link };

    let consent = provider.begin(begin).await.err().unwrap();
    let keys = provider.keys(developer).await.unwrap_err();
    let added = provider.add_key(developer, "Hearth", "ssh-rsa AAAA").await.unwrap_err();

    assert_eq!(*consent.fault(), Fault::Unsupported);
    assert!(consent.mend().contains("token"), "{}", consent.mend());
    for error in [&keys, &added] {
        assert_eq!(*error.fault(), Fault::Unsupported);
        assert!(error.mend().contains("/_usersSettings/keys"), "{}", error.mend());
    }
    assert_eq!(provider.revoke(developer, None).await.unwrap(), Revoked::NotPossible);
    assert!(provider.refresh(&Secret::new("r".into()), REDIRECT).await.is_err());
}

#[tokio::test]
async fn repositories_are_found_with_their_parents_and_secrets_kept() {
    let World { forge, provider, developer } = &world().await;

    let shop = provider.repository(developer, "acme/shop/shop").await.unwrap().unwrap();
    let fork = provider.repository(developer, "developer/shop/shop").await.unwrap().unwrap();

    let repository = &shop.repository;
    assert_eq!((repository.owner.as_str(), repository.name.as_str()), ("acme/shop", "shop"));
    assert_eq!(repository.default_branch.as_ref().unwrap().as_str(), "main");
    assert_eq!(repository.clone_url.to_string(), format!("{}/acme/shop/_git/shop", forge.url()));
    assert_eq!(repository.ssh_url.as_deref(), Some("git@ssh.127.0.0.1:v3/acme/shop/shop"));
    assert!(!repository.private && shop.parent.is_none());
    assert_eq!(fork.parent.unwrap().owner, "acme/shop");
    assert!(provider.repository(developer, "acme/secret/secret").await.unwrap().unwrap().repository.private);
    for credential in [&token(forge, "stranger"), &Credential::Anonymous] {
        assert!(provider.repository(credential, "acme/secret/secret").await.unwrap().is_none());
    }
    for path in ["acme", "acme/shop", "acme/shop/none", "", "a/b/c/d", "../x/y"] {
        assert!(provider.repository(developer, path).await.unwrap().is_none(), "{path}");
    }
    let bad = Credential::PersonalToken(Secret::new("nonsense".to_owned()).into());
    let refused = provider.repository(&bad, "acme/shop/shop").await.unwrap_err();
    assert_eq!(*refused.fault(), Fault::Link(LinkFault::Refused), "{refused}");
}

#[tokio::test]
async fn repositories_are_listed_organisation_by_organisation() {
    let World { forge, provider, developer } = &world().await;
    let bound = open(&row_of(forge, Some("acme")), "");

    let listed = bound.repositories(developer, None, 1).await.unwrap();
    let found = bound.repositories(developer, Some("SECR"), 1).await.unwrap();

    let names = |page: &forge::RepositoryPage| -> Vec<String> {
        page.repositories.iter().map(|it| it.name.clone()).collect()
    };
    assert_eq!(names(&listed), ["shop", "secret"]);
    assert_eq!(names(&found), ["secret"]);
    assert!(bound.repositories(developer, None, 2).await.unwrap().repositories.is_empty());
    let profile = json!({"id": "p", "displayName": "The developer"});
    let accounts = json!({"count": 2, "value": [{"accountName": "acme"}, {"accountName": "developer"}]});
    forge.answer_next(Answer::json(200, &profile));
    forge.answer_next(Answer::json(200, &accounts));
    let everywhere = provider.repositories(developer, None, 1).await.unwrap();
    assert_eq!(names(&everywhere), ["shop", "secret", "shop"]);
    assert_eq!(everywhere.next, None);
}

#[tokio::test]
async fn names_and_paths_are_looked_up() {
    let World { provider, developer, .. } = &world().await;
    let shop = provider.repository(developer, "acme/shop/shop").await.unwrap().unwrap().repository;
    let find = async |name: &str, wanted| provider.find_ref(developer, &shop, name, wanted).await.unwrap();

    assert_eq!(find("main", None).await.unwrap().sha, commit("main"));
    assert_eq!(find("feature/one", None).await.unwrap().kind, RefKind::Branch);
    assert_eq!(find("feat/über", None).await.unwrap().sha, commit("feat/über"));
    let tag = find("release/2", None).await.unwrap();
    assert_eq!((tag.kind, tag.sha), (RefKind::Tag, commit("release/2")));
    assert!(find("v1.0", Some(RefKind::Branch)).await.is_none());
    for name in ["feature", "feature/on", "none", "", "a..b"] {
        assert!(find(name, None).await.is_none(), "{name}");
    }
    assert_eq!(provider.commit(developer, &shop, &commit("main")).await.unwrap(), Some(commit("main")));
    for sha in ["main", "00000000", &commit("none"), &commit("main")[..8]] {
        assert_eq!(provider.commit(developer, &shop, sha).await.unwrap(), None, "{sha}");
    }
    for (reference, path, expected) in [
        ("main", "", Some(PathKind::Folder)),
        ("main", "README.md", Some(PathKind::File)),
        ("feature/one", "docs/guide", Some(PathKind::Folder)),
        ("release/2", "docs/guide/start.md", Some(PathKind::File)),
        (&commit("main"), "src", Some(PathKind::Folder)),
        ("main", "docs/none", None),
        ("none", "README.md", None),
    ] {
        let found = provider.path_kind(developer, &shop, reference, path).await.unwrap();
        assert_eq!(found, expected, "{path} in {reference}");
    }
}

#[tokio::test]
async fn pull_requests_and_work_items_are_found() {
    let World { provider, developer, .. } = &world().await;
    let shop = provider.repository(developer, "acme/shop/shop").await.unwrap().unwrap().repository;

    let pull = provider.merge_request(developer, &shop, 2).await.unwrap().unwrap();
    let gone = provider.merge_request(developer, &shop, 3).await.unwrap().unwrap();

    let source = pull.source.unwrap();
    assert_eq!((source.repository.owner.as_str(), source.name.as_str()), ("developer/shop", "fix/typo"));
    assert_eq!((pull.target.name.as_str(), pull.head), ("main", Some(commit("fix/typo"))));
    assert_eq!(gone.source.unwrap().repository.owner, "acme/shop");
    assert_eq!(gone.head, Some(commit("gone")));
    assert!(provider.merge_request(developer, &shop, 99).await.unwrap().is_none());
    assert_eq!(provider.issue(developer, &shop, 1).await.unwrap().unwrap().title, "It is slow");
    assert!(provider.issue(developer, &shop, 2).await.unwrap().is_none());
}

#[tokio::test]
async fn hooks_statuses_and_comments_arrive() {
    let World { forge, provider, developer } = &world().await;
    let shop = provider.repository(developer, "acme/shop/shop").await.unwrap().unwrap().repository;
    let hook = NewHook {
        url: Url::parse("https://hearth.example.com/hooks/1").unwrap(),
        proof: HookProof::Shared(Secret::new("shared".into())),
        events: vec![HookEvent::Push, HookEvent::Tag, HookEvent::Comment],
    };

    let Hook { id, url } = provider.add_hook(developer, &shop, &hook).await.unwrap();

    assert_eq!(forge.hooks().len(), 2, "one subscription for each kind of event");
    assert!(forge.hooks().iter().all(|hook| hook.sent["consumerInputs"]["basicAuthPassword"] == "shared"));
    assert_eq!(provider.hooks(developer, &shop).await.unwrap(), [Hook { id: id.clone(), url }]);
    let secret = provider.repository(developer, "acme/secret/secret").await.unwrap().unwrap().repository;
    assert!(provider.hooks(developer, &secret).await.unwrap().is_empty(), "they are another repository's");
    provider.remove_hook(developer, &shop, &id).await.unwrap();
    provider.remove_hook(developer, &shop, &id).await.unwrap();
    assert!(forge.hooks().is_empty());

    let status = CommitStatus {
        state: CommitState::Running,
        name: "hearth".into(),
        description: "x".repeat(500),
        target_url: Some(Url::parse("https://hearth.example.com/w/1").unwrap()),
    };
    provider.set_commit_status(developer, &shop, &commit("main"), &status).await.unwrap();
    let [told] = &forge.statuses()[..] else { panic!() };
    assert_eq!((told.commit.clone(), told.sent["state"].as_str()), (commit("main"), Some("pending")));
    let refused =
        provider.set_commit_status(&token(forge, "stranger"), &shop, &commit("main"), &status).await;
    assert_eq!(*refused.unwrap_err().fault(), Fault::Forbidden);
    provider.comment(developer, &shop, Subject::MergeRequest(2), "Seen.").await.unwrap();
    let [told] = &forge.comments()[..] else { panic!() };
    assert_eq!((told.number, told.text.as_str()), (2, "Seen."));
    forge.answer_next(Answer::json(200, &json!({"id": 1})));
    provider.comment(developer, &shop, Subject::Issue(1), "Seen.").await.unwrap();
    let asked = forge.requests().last().unwrap().clone();
    assert!(asked.target.starts_with("/acme/shop/_apis/wit/workItems/1/comments?"), "{asked:?}");
}

#[tokio::test]
async fn a_part_of_a_hook_is_taken_back_where_the_rest_is_refused() {
    let World { forge, provider, developer } = &world().await;
    let shop = provider.repository(developer, "acme/shop/shop").await.unwrap().unwrap().repository;
    let hook = NewHook {
        url: Url::parse("https://hearth.example.com/hooks/1").unwrap(),
        proof: HookProof::Shared(Secret::new("shared".into())),
        events: vec![HookEvent::Push, HookEvent::Comment],
    };
    let id = provider.add_hook(developer, &shop, &hook).await.unwrap().id;
    let made = id.split(',').next().unwrap();
    let project = json!({"id": shop.id, "name": "shop", "project": {"id": "p", "name": "shop"}});
    forge.answer_next(Answer::json(200, &project));
    forge.answer_next(Answer::json(200, &json!({"id": made})));
    forge.answer_next(Answer::json(403, &json!({"message": "no"})));

    let refused = provider.add_hook(developer, &shop, &hook).await.unwrap_err();

    assert_eq!(*refused.fault(), Fault::Forbidden, "{refused}");
    assert_eq!(forge.hooks().len(), 1, "the one that was made is gone");
}

#[tokio::test]
async fn sign_in_pages_are_no_answers() {
    let World { forge, provider, developer } = &world().await;
    for (answer, expected) in [
        (Answer::html(203, "<h1>Sign in</h1>"), Fault::Link(LinkFault::Refused)),
        (Answer::html(401, ""), Fault::Link(LinkFault::Refused)),
        (Answer::redirect("https://evil.example.com/"), Fault::Refused),
        (Answer::html(200, "<h1>Sign in</h1>"), Fault::Protocol),
    ] {
        forge.answer_next(answer);
        let error = provider.who(developer).await.unwrap_err();
        assert_eq!(*error.fault(), expected, "{error}");
    }
    let account = provider.who(developer).await.unwrap();
    assert!(provider.git_login(developer, &account).is_some());
    assert!(provider.git_login(&Credential::Anonymous, &account).is_none());
}

#[tokio::test]
async fn pasted_pages_stand_for_what_they_show() {
    let World { forge, provider, developer } = &world().await;
    let row = row_of(forge, None);
    let main = commit("main");
    for (path, expected) in [
        ("acme/shop".to_owned(), "acme/shop: branch main"),
        ("acme/_git/shop".into(), "acme/shop: branch main"),
        ("acme/shop/_git/shop".into(), "acme/shop: branch main"),
        (
            "acme/shop/_git/shop?path=/docs/guide&version=GBfeature%2Fone".into(),
            "acme/shop: branch feature/one folder:docs/guide",
        ),
        (
            "acme/shop/_git/shop?path=/README.md&version=GTrelease%2F2".into(),
            "acme/shop: tag release/2 file:README.md",
        ),
        (format!("acme/shop/_git/shop/commit/{main}"), "acme/shop: revision "),
        ("acme/shop/_git/shop/pullrequest/2".into(), "developer/shop: branch fix/typo"),
    ] {
        let context = resolved(&row, provider.as_ref(), developer, &path).await;
        let context = context.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(place(&context), expected, "{path}");
        assert_eq!(context.warnings, Vec::<String>::new(), "{path}");
    }
    let gone =
        resolved(&row, provider.as_ref(), developer, "acme/shop/_git/shop/pullrequest/3").await.unwrap();
    assert_eq!(gone.revision, Some(commit("gone")));
    let hidden = resolved(&row, provider.as_ref(), &Credential::Anonymous, "acme/secret/_git/secret").await;
    assert_eq!(hidden.unwrap_err().code(), "repository_missing");
}
