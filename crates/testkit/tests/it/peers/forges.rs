//! The same table over every double: what the products have in common, each asked in its own way.

use std::collections::BTreeMap;

use domain::ForgeKind;
use serde_json::{Value, json};
use testkit::browser::Browser;
use testkit::forge_double::{Answer, ForgeDouble, TokenCounts, commit};

use super::client::{REDIRECT, VERIFIER, authorize_url, get, parameter, post};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPkVBdkRl8cVqrV4oxlCoL2N3ZQWUqpYyTRrqqBmqiYQ here";

/// Where a product has what, and at which place of its JSON the answer is.
struct Product {
    kind: ForgeKind,
    scopes: &'static str,
    me: &'static str,
    /// A name or number of the person.
    login: (&'static str, Value),
    repository: fn(&str) -> String,
    default_branch: (&'static str, &'static str),
    clone_url: &'static str,
    /// Path and place of the commit.
    branch: (&'static str, &'static str),
    tag: (&'static str, &'static str),
    pull: &'static str,
    pull_head: &'static str,
    pull_head_branch: (&'static str, &'static str),
    pull_head_repository: (&'static str, Value),
    file: (&'static str, &'static str, &'static str),
    folder: (&'static str, &'static str, &'static str),
    keys: Option<&'static str>,
    key_field: &'static str,
    duplicate: u16,
    /// Of a private repository: to nobody in particular, and to a stranger.
    hidden: (u16, u16),
    status: (&'static str, Value),
    comment: (&'static str, Value),
    hooks: (&'static str, Value),
}

fn percent(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

async fn send(method: &str, url: &str, token: &str, body: &Value) -> (u16, Value) {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let browser = Browser::new(None);
    let answer = browser.http().request(method, url).bearer_auth(token).json(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

/// The table. `COMMIT` stands for the commit of `main`.
fn products() -> Vec<Product> {
    let github = Product {
        kind: ForgeKind::Github,
        scopes: "repo admin:public_key",
        me: "/user",
        login: ("/login", json!("developer")),
        repository: |path| format!("/repos/{path}"),
        default_branch: ("/default_branch", "main"),
        clone_url: "/clone_url",
        branch: ("/branches/{}", "/commit/sha"),
        tag: ("/git/ref/tags/{}", "/object/sha"),
        pull: "/pulls/{}",
        pull_head: "/head/sha",
        pull_head_branch: ("/head/ref", "fix/typo"),
        pull_head_repository: ("/head/repo/full_name", json!("developer/shop")),
        file: ("/contents/src/main.rs?ref=main", "/type", "file"),
        folder: ("/contents/src?ref=main", "/0/type", "file"),
        keys: Some("/user/keys"),
        key_field: "key",
        duplicate: 422,
        hidden: (404, 404),
        status: (
            "/statuses/COMMIT",
            json!({"state": "success", "context": "hearth", "target_url": "http://h/1"}),
        ),
        comment: ("/issues/2/comments", json!({"body": "hello"})),
        hooks: (
            "/hooks",
            json!({"name": "web", "events": ["push"], "config": {"url": "http://h/hook", "secret": "x"}}),
        ),
    };
    let gitea = Product {
        kind: ForgeKind::Gitea,
        scopes: "write:user write:repository",
        me: "/api/v1/user",
        repository: |path| format!("/api/v1/repos/{path}"),
        branch: ("/branches/{}", "/commit/id"),
        tag: ("/tags/{}", "/commit/sha"),
        keys: Some("/api/v1/user/keys"),
        hooks: (
            "/hooks",
            json!({"type": "gitea", "active": true, "events": ["push"], "config": {"url": "http://h/hook", "content_type": "json", "secret": "x"}}),
        ),
        ..clone(&github)
    };
    let server = Product {
        kind: ForgeKind::BitbucketServer,
        scopes: "ACCOUNT_WRITE REPO_ADMIN",
        me: "/rest/api/1.0/users/developer",
        login: ("/slug", json!("developer")),
        repository: |path| {
            let (owner, name) = path.split_once('/').unwrap();
            format!("/rest/api/1.0/projects/{}/repos/{name}", owner.to_uppercase())
        },
        default_branch: ("/links/clone/0/name", "http"),
        clone_url: "/links/clone/0/href",
        branch: ("/commits/{}", "/id"),
        tag: ("/tags/{}", "/latestCommit"),
        pull: "/pull-requests/{}",
        pull_head: "/fromRef/latestCommit",
        pull_head_branch: ("/fromRef/displayId", "fix/typo"),
        pull_head_repository: ("/fromRef/repository/project/key", json!("~developer")),
        file: ("/browse/src/main.rs?at=refs%2Fheads%2Fmain&type=true", "/type", "FILE"),
        folder: ("/browse/src?at=main&type=true", "/type", "DIRECTORY"),
        keys: Some("/rest/ssh/1.0/keys"),
        key_field: "text",
        duplicate: 409,
        hidden: (401, 401),
        status: (
            "/commits/COMMIT/builds",
            json!({"state": "SUCCESSFUL", "key": "hearth", "url": "http://h/1"}),
        ),
        comment: ("/pull-requests/2/comments", json!({"text": "hello"})),
        hooks: (
            "/webhooks",
            json!({"name": "Hearth", "url": "http://h/hook", "events": ["repo:refs_changed"], "active": true}),
        ),
    };
    let cloud = Product {
        kind: ForgeKind::BitbucketCloud,
        scopes: "account:write repository:write webhook email",
        me: "/2.0/user",
        login: ("/nickname", json!("developer")),
        repository: |path| format!("/2.0/repositories/{path}"),
        default_branch: ("/mainbranch/name", "main"),
        clone_url: "/links/clone/0/href",
        branch: ("/refs/branches/{}", "/target/hash"),
        tag: ("/refs/tags/{}", "/target/hash"),
        pull: "/pullrequests/{}",
        pull_head: "/source/commit/hash",
        pull_head_branch: ("/source/branch/name", "fix/typo"),
        pull_head_repository: ("/source/repository/full_name", json!("developer/shop")),
        file: ("/src/COMMIT/src/main.rs?format=meta", "/type", "commit_file"),
        folder: ("/src/COMMIT/src?format=meta", "/type", "commit_directory"),
        keys: Some("/2.0/users/UUID/ssh-keys"),
        key_field: "key",
        duplicate: 400,
        hidden: (404, 404),
        status: (
            "/commit/COMMIT/statuses/build",
            json!({"state": "SUCCESSFUL", "key": "hearth", "url": "http://h/1"}),
        ),
        comment: ("/pullrequests/2/comments", json!({"content": {"raw": "hello"}})),
        hooks: (
            "/hooks",
            json!({"description": "Hearth", "url": "http://h/hook", "events": ["repo:push"], "active": true, "secret": "x"}),
        ),
    };
    let azure = Product {
        kind: ForgeKind::AzureDevops,
        scopes: "499b84ac-1321-427f-aa17-267ca6975798/.default offline_access",
        me: "/_apis/profile/profiles/me",
        login: ("/emailAddress", json!("developer@example.com")),
        repository: |path| {
            let (owner, name) = path.split_once('/').unwrap();
            format!("/{owner}/{name}/_apis/git/repositories/{name}")
        },
        default_branch: ("/defaultBranch", "refs/heads/main"),
        clone_url: "/remoteUrl",
        branch: ("/stats/branches?name={}", "/commit/commitId"),
        tag: ("/refs?filter=tags/{}", "/value/0/objectId"),
        pull: "/pullRequests/{}",
        pull_head: "/lastMergeSourceCommit/commitId",
        pull_head_branch: ("/sourceRefName", "refs/heads/fix/typo"),
        pull_head_repository: ("/forkSource/repository/name", json!("shop")),
        file: ("/items?path=/src/main.rs&versionDescriptor.version=main", "/gitObjectType", "blob"),
        folder: ("/items?path=src&versionDescriptor.version=main", "/gitObjectType", "tree"),
        keys: None,
        key_field: "",
        duplicate: 0,
        hidden: (401, 404),
        status: (
            "/commits/COMMIT/statuses",
            json!({"state": "succeeded", "context": {"name": "hearth"}, "targetUrl": "http://h/1"}),
        ),
        comment: (
            "/pullRequests/2/threads",
            json!({"comments": [{"content": "hello", "commentType": 1}], "status": 1}),
        ),
        hooks: (
            "/../../../../../_apis/hooks/subscriptions",
            json!({"publisherId": "tfs", "eventType": "git.push", "consumerId": "webHooks", "consumerActionId": "httpRequest", "consumerInputs": {"url": "http://h/hook"}}),
        ),
    };
    vec![github, gitea, server, cloud, azure]
}

fn clone(product: &Product) -> Product {
    Product {
        login: product.login.clone(),
        pull_head_repository: product.pull_head_repository.clone(),
        status: product.status.clone(),
        comment: product.comment.clone(),
        hooks: product.hooks.clone(),
        ..*product
    }
}

async fn signed_in(double: &ForgeDouble, scopes: &str, user: &str) -> String {
    let application = double.application(REDIRECT);
    let url = authorize_url(&double.authorize_endpoint(), &application.id, scopes);
    let denied = double.deny(&url, user).await.unwrap();
    assert_eq!(parameter(&denied, "error"), "access_denied");
    let back = double.consent(&url, user).await.unwrap();
    assert_eq!(parameter(&back, "state"), "the-state");
    let code = parameter(&back, "code");
    let fields = |verifier: &'static str| {
        [
            ("grant_type", "authorization_code"),
            ("client_id", &application.id),
            ("client_secret", &application.secret),
            ("redirect_uri", REDIRECT),
            ("code", &code),
            ("code_verifier", verifier),
        ]
    };
    let browser = Browser::new(None);
    let (_, tokens) = post(&browser, &double.token_endpoint(), &fields(VERIFIER)).await;
    let (_, again) = post(&browser, &double.token_endpoint(), &fields(VERIFIER)).await;
    assert!(again["error"].is_string(), "a code is good for once: {again}");

    let back = double.consent(&url, user).await.unwrap();
    let code = parameter(&back, "code");
    let wrong = [
        ("grant_type", "authorization_code"),
        ("client_id", &application.id),
        ("client_secret", &application.secret),
        ("redirect_uri", REDIRECT),
        ("code", &code),
        ("code_verifier", "another"),
    ];
    let (_, refused) = post(&browser, &double.token_endpoint(), &wrong).await;
    assert!(refused["error"].is_string(), "the verifier counts: {refused}");
    assert_eq!(double.token_counts(), TokenCounts { exchanged: 1, refused: 2, ..TokenCounts::default() });
    tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
}

#[tokio::test]
async fn every_double_has_the_same_content_in_its_own_words() {
    for product in products() {
        let kind = product.kind;
        let double = ForgeDouble::start(kind).await;
        let token = signed_in(&double, product.scopes, "developer").await;
        let stranger = double.token("stranger");
        let browser = Browser::new(None);
        let api = double.api_url().to_owned();
        let main = commit("main");
        let repository = format!("{api}{}", (product.repository)("acme/shop"));
        let below = |path: &str| format!("{repository}{}", path.replace("COMMIT", &main));

        let (status, me) = get(&browser, &format!("{api}{}", product.me), &token).await;
        assert_eq!((status, at(&me, product.login.0)), (200, &product.login.1), "{kind}: {me}");
        assert_eq!(get(&browser, &format!("{api}{}", product.me), "no-such-token").await.0, 401, "{kind}");

        let (_, shown) = get(&browser, &repository, &token).await;
        assert_eq!(at(&shown, product.default_branch.0), product.default_branch.1, "{kind}: {shown}");
        assert!(at(&shown, product.clone_url).as_str().unwrap().starts_with(double.url()), "{kind}: {shown}");
        let secret = format!("{api}{}", (product.repository)("acme/secret"));
        let nobody = browser.http().get(&secret).send().await.unwrap().status().as_u16();
        let hidden = (nobody, get(&browser, &secret, &stranger).await.0);
        assert_eq!(hidden, product.hidden, "{kind}");
        assert_eq!(get(&browser, &secret, &token).await.0, 200, "{kind}");

        for name in ["main", "feature/one", "feat/über"] {
            for written in [percent(name), name.to_owned()] {
                let url = below(&product.branch.0.replace("{}", &written));
                let (_, found) = get(&browser, &url, &token).await;
                assert_eq!(at(&found, product.branch.1), &json!(commit(name)), "{kind} {url}: {found}");
            }
        }
        for name in ["v1.0", "release/2"] {
            let url = below(&product.tag.0.replace("{}", name));
            let (_, found) = get(&browser, &url, &token).await;
            assert_eq!(at(&found, product.tag.1), &json!(commit(name)), "{kind}: {found}");
        }
        assert_eq!(
            get(&browser, &below(&product.branch.0.replace("{}", "gone")), &token).await.0,
            404,
            "{kind}"
        );

        let (_, pull) = get(&browser, &below(&product.pull.replace("{}", "2")), &token).await;
        let head = at(&pull, product.pull_head).as_str().unwrap_or_default();
        assert!(!head.is_empty() && commit("fix/typo").starts_with(head), "{kind}: {pull}");
        assert_eq!(at(&pull, product.pull_head_branch.0), product.pull_head_branch.1, "{kind}");
        assert_eq!(at(&pull, product.pull_head_repository.0), &product.pull_head_repository.1, "{kind}");
        assert_eq!(get(&browser, &below(&product.pull.replace("{}", "3")), &token).await.0, 200, "{kind}");
        assert_eq!(get(&browser, &below(&product.pull.replace("{}", "99")), &token).await.0, 404, "{kind}");

        for (path, pointer, wanted) in [product.file, product.folder] {
            let (_, found) = get(&browser, &below(path), &token).await;
            assert_eq!(at(&found, pointer), wanted, "{kind}: {found}");
        }

        let (status, _) = send("POST", &below(product.status.0), &token, &product.status.1).await;
        assert!([201, 204].contains(&status), "{kind}: {status}");
        assert_eq!(double.statuses()[0].sent, product.status.1, "{kind}");
        assert_ne!(
            send("POST", &below(product.status.0), &stranger, &product.status.1).await.0,
            201,
            "{kind}"
        );
        let (status, _) = send("POST", &below(product.comment.0), &token, &product.comment.1).await;
        assert!([200, 201].contains(&status), "{kind}: {status}");
        assert_eq!((double.comments()[0].text.as_str(), double.comments()[0].number), ("hello", 2), "{kind}");

        let hooks = url::Url::parse(&below(product.hooks.0)).unwrap().to_string();
        let hooks = if kind == ForgeKind::AzureDevops {
            format!("{api}/acme/_apis/hooks/subscriptions")
        } else {
            hooks
        };
        let (status, hook) = send("POST", &hooks, &token, &product.hooks.1).await;
        assert!([200, 201].contains(&status), "{kind}: {hook}");
        assert!(!hook.to_string().contains("\"x\""), "{kind} shows the secret: {hook}");
        let id = [&hook["id"], &hook["uuid"]].into_iter().find(|id| !id.is_null()).unwrap();
        let one = format!("{hooks}/{}", id.as_str().map_or_else(|| id.to_string(), percent));
        assert_eq!(get(&browser, &one, &token).await.0, 200, "{kind}");
        assert_eq!(send("DELETE", &one, &token, &Value::Null).await.0, 204, "{kind}");
        assert!(double.hooks().is_empty(), "{kind}");
        assert_eq!(get(&browser, &one, &token).await.0, 404, "{kind}");

        double.expire_tokens();
        assert_eq!(get(&browser, &secret, &token).await.0, 401, "{kind}");
        double.answer_next(Answer::html(502, "<h1>Bad gateway</h1>"));
        assert_eq!(get(&browser, &repository, &stranger).await.0, 502, "{kind}");
        let last = double.requests().pop().unwrap();
        assert_eq!(last.authorization, Some(format!("Bearer {stranger}")), "{kind}");
    }
}

#[tokio::test]
async fn a_key_that_somebody_has_is_refused_in_each_products_own_way() {
    for product in products() {
        let Some(keys) = product.keys else { continue };
        let kind = product.kind;
        let double = ForgeDouble::start(kind).await;
        let token = signed_in(&double, product.scopes, "developer").await;
        let url = async |token: &str| {
            let me = format!("{}{}", double.api_url(), product.me);
            let (_, me) = get(&Browser::new(None), &me, token).await;
            let uuid = percent(me["uuid"].as_str().unwrap_or_default());
            format!("{}{}", double.api_url(), keys.replace("UUID", &uuid))
        };
        let body = json!({product.key_field: KEY, "title": "Hearth", "label": "Hearth"});
        let ours = url(&token).await;

        let (status, added) = send("POST", &ours, &token, &body).await;
        assert_eq!(status, 201, "{kind}: {added}");
        let (again, _) = send("POST", &ours, &token, &body).await;
        let maintainer = double.token("maintainer");
        let theirs = match kind {
            ForgeKind::BitbucketCloud => url(&maintainer).await,
            _ => ours.clone(),
        };
        let (other, _) = send("POST", &theirs, &maintainer, &body).await;
        assert_eq!((again, other), (product.duplicate, product.duplicate), "{kind}");

        let (_, listed) = get(&Browser::new(None), &ours, &token).await;
        assert!(listed.to_string().contains(KEY.split(' ').nth(1).unwrap()), "{kind}: {listed}");
        let id = [&added["uuid"], &added["id"]].into_iter().find(|id| !id.is_null()).unwrap();
        let one = format!("{ours}/{}", id.as_str().map_or_else(|| id.to_string(), percent));
        assert_eq!(send("DELETE", &one, &token, &Value::Null).await.0, 204, "{kind}");
        assert!(double.keys("developer").is_empty(), "{kind}");

        let reader = signed_in_reader(&double).await;
        assert_ne!(send("POST", &ours, &reader, &body).await.0, 201, "{kind}: a token without the scope");
    }
}

async fn signed_in_reader(double: &ForgeDouble) -> String {
    let application = double.application(REDIRECT);
    let url = authorize_url(&double.authorize_endpoint(), &application.id, "read:user");
    let back = double.consent(&url, "developer").await.unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", &application.id),
        ("client_secret", &application.secret),
        ("redirect_uri", REDIRECT),
        ("code", &parameter(&back, "code")),
        ("code_verifier", VERIFIER),
    ];
    let (_, tokens) = post(&Browser::new(None), &double.token_endpoint(), &fields).await;
    tokens["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn refresh_tokens_work_once_or_again_as_the_product_has_it() {
    let works_again = BTreeMap::from([
        (ForgeKind::Github, false),
        (ForgeKind::Gitea, true),
        (ForgeKind::BitbucketServer, false),
        (ForgeKind::BitbucketCloud, true),
        (ForgeKind::AzureDevops, true),
    ]);
    for (kind, works_again) in works_again {
        let double = ForgeDouble::start(kind).await;
        double.let_tokens_expire();
        let application = double.application(REDIRECT);
        let url = authorize_url(&double.authorize_endpoint(), &application.id, "any");
        let back = double.consent(&url, "developer").await.unwrap();
        let client = [("client_id", application.id.as_str()), ("client_secret", application.secret.as_str())];
        let browser = Browser::new(None);
        let ask = async |fields: &[(&str, &str)]| {
            post(&browser, &double.token_endpoint(), &[&client, fields].concat()).await.1
        };
        let code = parameter(&back, "code");
        let code = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        let first = ask(&code).await;
        let refresh = |tokens: &Value| tokens["refresh_token"].as_str().unwrap_or_default().to_owned();
        let old = refresh(&first);
        let old = [("grant_type", "refresh_token"), ("refresh_token", old.as_str())];

        let second = ask(&old).await;
        let third = ask(&old).await;

        assert!(
            first["expires_in"].is_u64() && second["access_token"].is_string(),
            "{kind}: {first} {second}"
        );
        assert_eq!(third["access_token"].is_string(), works_again, "{kind}: {third}");
        let renewed = double.renew_secret(&application.id);
        assert!(ask(&old).await["error"].is_string(), "{kind}");
        assert_ne!(renewed.secret, application.secret);
        double.delete_application(&application.id);
        assert!(!double.is_living(second["access_token"].as_str().unwrap()), "{kind}");
        assert!(double.consent(&url, "developer").await.is_err(), "{kind}");
    }
}

#[tokio::test]
async fn github_enterprise_is_below_its_pages_and_answers_forms_and_revokes() {
    let double = ForgeDouble::start(ForgeKind::Github).await;
    let token = signed_in(&double, "repo", "developer").await;
    let browser = Browser::new(None);

    let (_, meta) = get(&browser, &format!("{}/api/v3/meta", double.url()), &token).await;
    assert!(meta["installed_version"].is_string());
    let (_, fork) = get(&browser, &format!("{}/api/v3/repos/developer/shop", double.url()), &token).await;
    assert_eq!(fork["parent"]["full_name"], "acme/shop");
    let form = browser.http().post(double.token_endpoint()).body("client_id=x").send().await.unwrap();
    assert!(form.text().await.unwrap().starts_with("error=incorrect_client_credentials"));
    let application = double.application(REDIRECT);
    let revoke = format!("{}/applications/{}/grant", double.api_url(), application.id);
    let basic = browser.http().delete(revoke).basic_auth(&application.id, Some(&application.secret));
    let answer = basic.json(&json!({"access_token": "unknown"})).send().await.unwrap();
    assert_eq!(answer.status(), 422);
    assert!(double.is_living(&token));
}
