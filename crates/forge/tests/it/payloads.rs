//! Answers of real GitLab instances, as client libraries keep them for their own tests.

use axum::Router;
use axum::routing::get;
use domain::{ForgeKind, RefKind};
use forge::{Credential, ForgeSecrets, Provider};
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;

use crate::forge_row::{outside, row};

const PAYLOADS: &[(&str, &str)] = &[
    ("/api/v4/user", include_str!("../fixtures/rest.user.json")),
    ("/api/v4/version", include_str!("../fixtures/rest.metadata.ce_v15.json")),
    ("/api/v4/projects/{id}", include_str!("../fixtures/rest.project.json")),
    ("/api/v4/projects/{id}/merge_requests/{iid}", include_str!("../fixtures/rest.merge_request.json")),
    ("/api/v4/projects/{id}/hooks", include_str!("../fixtures/rest.hooks_list.json")),
];

/// Lists of which one is asked for.
const FIRST_OF: &[(&str, &str)] = &[
    ("/api/v4/projects/{id}/repository/branches/{name}", include_str!("../fixtures/rest.branches.json")),
    ("/api/v4/projects/{id}/repository/tags/{name}", include_str!("../fixtures/rest.tags.json")),
    ("/api/v4/projects/{id}/repository/commits/{sha}", include_str!("../fixtures/rest.commits.json")),
    ("/api/v4/projects/{id}/issues/{iid}", include_str!("../fixtures/rest.issues_list.json")),
];

async fn provider() -> std::sync::Arc<dyn Provider> {
    let mut router = Router::new();
    for (path, payload) in PAYLOADS {
        router =
            router.route(path, get(move || async move { ([(CONTENT_TYPE, "application/json")], *payload) }));
    }
    for (path, payload) in FIRST_OF {
        let list: serde_json::Value = serde_json::from_str(payload).unwrap();
        let first = list[0].to_string();
        router =
            router.route(path, get(move || async move { ([(CONTENT_TYPE, "application/json")], first) }));
    }
    let keys = format!("[{}]", include_str!("../fixtures/rest.ssh_key.json"));
    router = router
        .route("/api/v4/user/keys", get(move || async move { ([(CONTENT_TYPE, "application/json")], keys) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    forge::open(&row(ForgeKind::Gitlab, &url, "id", &[]), ForgeSecrets::default(), &outside()).ok().unwrap()
}

#[tokio::test]
async fn real_answers_are_read() {
    let provider = provider().await;
    let me = Credential::Bearer(vault::Secret::new("token".to_owned()).into());

    let account = provider.who(&me).await.unwrap();
    assert_eq!((account.subject.as_str(), account.login.as_str()), ("1", "john_smith"));
    assert_eq!(provider.version(&me).await.unwrap().as_deref(), Some("15.11.13"));

    let project = provider.repository(&me, "diaspora/diaspora").await.unwrap().unwrap().repository;
    assert_eq!((project.owner.as_str(), project.name.as_str()), ("diaspora", "diaspora"));
    assert_eq!(project.default_branch.as_ref().unwrap().as_str(), "master");
    assert!(!project.private);
    assert_eq!(project.ssh_url.as_deref(), Some("git@gitlab.com:diaspora/diaspora.git"));

    let branch = provider.find_ref(&me, &project, "master", None).await.unwrap().unwrap();
    assert_eq!((branch.kind, &branch.sha[..7]), (RefKind::Branch, "7b5c3cc"));
    let tag = provider.find_ref(&me, &project, "v1.0.0", Some(RefKind::Tag)).await.unwrap().unwrap();
    assert_eq!(&tag.sha[..7], "2695eff");
    let commit = provider.commit(&me, &project, "6104942").await.unwrap();
    assert_eq!(commit.as_deref(), Some("6104942438c14ec7bd21c6cd5bd995272b3faff6"));

    let request = provider.merge_request(&me, &project, 1).await.unwrap().unwrap();
    assert_eq!((request.title.as_str(), request.target.name.as_str()), ("test1", "master"));
    assert_eq!(request.head.as_deref(), Some("2be7ddb704c7b6b83732fdd5b9f09d5a397b5f8f"));
    assert!(request.source.is_none(), "an old release does not tell the source project");
    assert_eq!(provider.issue(&me, &project, 1).await.unwrap().unwrap().number, 1);

    assert_eq!(provider.keys(&me).await.unwrap()[0].title, "Public key");
    assert_eq!(provider.hooks(&me, &project).await.unwrap()[0].url, "http://example.com/hook");
}
