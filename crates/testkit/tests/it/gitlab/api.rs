//! REST in GitLab's words: scopes, errors, pages, releases, moved projects.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::FakeClock;
use testkit::browser::Browser;
use testkit::gitlab::{AccessLevel, GitlabDouble, NewApplication, Options, Project, User, Visibility};

use super::{call, get};

struct Stand {
    gitlab: GitlabDouble,
    dev: User,
    project: Project,
}

async fn stand(version: &str) -> Stand {
    let gitlab = GitlabDouble::start(Options::version(version)).await;
    let dev = gitlab.add_user("dev");
    let project = gitlab.add_project("group/sub/project", Visibility::Private, &dev);
    Stand { gitlab, dev, project }
}

impl Stand {
    fn token(&self, scopes: &[&str]) -> String {
        let application = self.gitlab.add_application(NewApplication::new("http://localhost/", scopes));
        let pair = self.gitlab.issue_tokens(&self.dev, &application, scopes);
        pair["access_token"].as_str().unwrap().to_owned()
    }

    async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        get(&self.gitlab, token, &format!("api/v4/{path}")).await
    }
}

#[tokio::test]
async fn scopes_are_enforced_in_gitlabs_words() {
    let stand = stand("18.1.1-ee").await;
    let reader = stand.token(&["read_user"]);
    let api = stand.token(&["read_api"]);

    assert_eq!(stand.get(&reader, "user").await.0, 200);
    assert_eq!(stand.get(&reader, "version").await.0, 200);
    let (status, body) = stand.get(&reader, "projects").await;
    assert_eq!(status, 403);
    assert_eq!(
        body,
        json!({
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": "api read_api",
        })
    );
    let key = json!({ "title": "t", "key": "ssh-ed25519 AAAA" });
    let (status, body) = call(&stand.gitlab, "POST", &api, "api/v4/user/keys", key).await;
    assert_eq!((status, &body["scope"]), (403, &json!("api")));
    assert_eq!(stand.get("unknown", "user").await, (401, json!({ "message": "401 Unauthorized" })));
    assert_eq!(stand.get("", "user").await, (401, json!({ "message": "401 Unauthorized" })));
}

#[tokio::test]
async fn projects_are_found_by_number_and_by_encoded_path_and_hidden_from_others() {
    let stand = stand("18.1.1-ee").await;
    let token = stand.token(&["read_api"]);
    let stranger = stand.gitlab.add_user("stranger");
    let other = stand.gitlab.add_personal_token(&stranger, &["api"]);

    let (_, by_path) = stand.get(&token, "projects/group%2Fsub%2Fproject").await;
    let (_, by_id) = stand.get(&token, &format!("projects/{}", stand.project.id)).await;

    assert_eq!(by_path, by_id);
    assert_eq!(by_id["path_with_namespace"], "group/sub/project");
    assert_eq!(by_id["namespace"]["full_path"], "group/sub");
    assert_eq!(by_id["permissions"]["project_access"]["access_level"], 50);
    assert_eq!(by_id["default_branch"], "main");
    let (status, body) = stand.get(&other, &format!("projects/{}", stand.project.id)).await;
    assert_eq!((status, body), (404, json!({ "message": "404 Project Not Found" })));
    assert_eq!(stand.get(&token, "no/such/route").await, (404, json!({ "error": "404 Not Found" })));
}

#[tokio::test]
async fn branches_tags_commits_trees_and_files_come_from_the_real_repository() {
    let stand = stand("18.1.1-ee").await;
    let token = stand.token(&["read_api"]);
    let base = format!("projects/{}/repository", stand.project.id);

    let (_, branches) = stand.get(&token, &format!("{base}/branches")).await;
    let names: Vec<&str> =
        branches.as_array().unwrap().iter().map(|branch| branch["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["feat/umlaut-ü", "feature/one", "main"]);
    let (status, branch) = stand.get(&token, &format!("{base}/branches/feat%2Fumlaut-%C3%BC")).await;
    assert_eq!((status, &branch["commit"]["title"]), (200, &json!("Add an umlaut")));
    let (status, body) = stand.get(&token, &format!("{base}/branches/none")).await;
    assert_eq!((status, body), (404, json!({ "message": "404 Branch Not Found" })));
    let (_, tags) = stand.get(&token, &format!("{base}/tags")).await;
    assert_eq!((&tags[0]["name"], &tags[0]["message"]), (&json!("v1.1"), &json!("The second one")));
    assert_ne!(tags[0]["target"], tags[0]["commit"]["id"]);
    let (_, commits) = stand.get(&token, &format!("{base}/commits?ref_name=main")).await;
    assert_eq!(commits.as_array().unwrap().len(), 2);
    assert_eq!(commits[0]["parent_ids"][0], commits[1]["id"]);
    let (_, tree) = stand.get(&token, &format!("{base}/tree?ref=main")).await;
    let paths: Vec<_> = tree.as_array().unwrap().iter().map(|entry| entry["path"].clone()).collect();
    assert_eq!(paths, ["docs", "README.md", "main.sh"]);
    let (_, file) = stand.get(&token, &format!("{base}/files/docs%2Fguide.md?ref=main")).await;
    assert_eq!((&file["content"], &file["size"]), (&json!("UmVhZCB0aGlzIGZpcnN0Lgo="), &json!(17)));
    let (_, raw) = stand.get(&token, &format!("{base}/files/docs%2Fguide.md/raw?ref=main")).await;
    assert_eq!(raw, "Read this first.\n");
    let (status, body) = stand.get(&token, &format!("{base}/files/none?ref=main")).await;
    assert_eq!((status, body), (404, json!({ "message": "404 File Not Found" })));
    let (_, compared) = stand.get(&token, &format!("{base}/compare?from=main&to=feature%2Fone")).await;
    assert_eq!(
        (&compared["diffs"][0]["new_path"], &compared["diffs"][0]["new_file"]),
        (&json!("one.txt"), &json!(true))
    );
}

#[tokio::test]
async fn lists_have_pages_by_offset_with_totals_and_by_keyset_with_only_a_next_link() {
    let stand = stand("18.1.1-ee").await;
    for index in 0..4 {
        stand.gitlab.add_empty_project(&format!("group/p{index}"), Visibility::Private, &stand.dev);
    }
    let token = stand.token(&["read_api"]);
    let browser = Browser::new(None);
    let mut url = format!(
        "{}/api/v4/projects?membership=true&pagination=keyset&order_by=id&sort=asc&per_page=2",
        stand.gitlab.url()
    );
    let mut seen = vec![];
    loop {
        let answer = browser.http().get(&url).bearer_auth(&token).send().await.unwrap();
        assert!(answer.headers().get("x-total").is_none());
        let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let page: Vec<Value> = answer.json().await.unwrap();
        seen.extend(page.iter().map(|project| project["id"].as_u64().unwrap()));
        let Some(link) = link else { break };
        assert!(link.ends_with("; rel=\"next\""), "{link}");
        url = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);

    let url = format!("{}/api/v4/projects?per_page=2&page=2", stand.gitlab.url());
    let answer = browser.http().get(&url).bearer_auth(&token).send().await.unwrap();
    let header = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(
        (header("x-total"), header("x-total-pages"), header("x-next-page")),
        ("5".into(), "3".into(), "3".into())
    );
    for name in ["prev", "next", "first", "last"] {
        assert!(header("link").contains(&format!("rel=\"{name}\"")), "{}", header("link"));
    }
}

#[tokio::test]
async fn a_moved_project_answers_301_with_its_number_since_16_7() {
    for (version, status) in [("16.7.0", 301), ("16.6.0", 404)] {
        let stand = stand(version).await;
        let token = stand.token(&["read_api"]);
        stand.gitlab.move_project(&stand.project, "group/sub/renamed");
        let url = format!(
            "{}/api/v4/projects/group%2Fsub%2Fproject/repository/branches?per_page=1",
            stand.gitlab.url()
        );

        let answer = Browser::new(None).http().get(url).bearer_auth(&token).send().await.unwrap();

        assert_eq!(answer.status().as_u16(), status);
        if status == 301 {
            let wanted = format!("{}/api/v4/projects/1/repository/branches?per_page=1", stand.gitlab.url());
            assert_eq!(answer.headers()["location"], wanted);
        }
    }
}

#[tokio::test]
async fn releases_differ_in_what_they_have() {
    let old = stand("15.1.0").await;
    let token = old.token(&["read_api"]);
    assert_eq!(old.get(&token, "metadata").await.0, 404);
    assert_eq!(old.get(&token, "version").await.1, json!({ "version": "15.1.0", "revision": "cc3748fcd2d" }));
    let new = stand("18.1.1-ee").await;
    let token = new.token(&["read_user"]);
    let (_, metadata) = new.get(&token, "metadata").await;
    assert_eq!((&metadata["version"], &metadata["enterprise"]), (&json!("18.1.1-ee"), &json!(true)));
    assert_eq!(new.get("", "version").await.0, 401);
    let (status, body) = new.get(&token, "personal_access_tokens/self").await;
    assert_eq!(status, 400, "{body}");
    let personal = new.gitlab.add_personal_token(&new.dev, &["read_user"]);
    assert_eq!(new.get(&personal, "personal_access_tokens/self").await.1["scopes"], json!(["read_user"]));
}

#[tokio::test]
async fn keys_are_checked_and_belong_to_one_account_of_the_instance() {
    let stand = stand("18.1.1-ee").await;
    let token = stand.token(&["api"]);
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@home";
    let add =
        async |token: &str, body: Value| call(&stand.gitlab, "POST", token, "api/v4/user/keys", body).await;

    let (status, made) = add(&token, json!({ "title": "laptop", "key": key })).await;

    assert_eq!((status, &made["title"]), (201, &json!("laptop")));
    let shown = made["key"].as_str().unwrap();
    assert!(shown.starts_with("ssh-ed25519 AAAA") && !shown.contains("me@home"), "{shown}");
    let stranger = stand.gitlab.add_user("stranger");
    let other = stand.gitlab.add_personal_token(&stranger, &["api"]);
    let (status, body) = add(&other, json!({ "title": "mine", "key": key })).await;
    assert_eq!(
        (status, body),
        (400, json!({ "message": { "fingerprint_sha256": ["has already been taken"] } }))
    );
    let (status, body) = add(&token, json!({})).await;
    assert_eq!((status, body), (400, json!({ "error": "title is missing, key is missing" })));
    let (status, body) = add(&token, json!({ "title": "x", "key": "ssh-ed25519 nonsense" })).await;
    assert_eq!((status, body), (400, json!({ "message": { "key": ["is invalid"] } })));
    let path = format!("api/v4/user/keys/{}", made["id"]);
    assert_eq!(call(&stand.gitlab, "DELETE", &token, &path, Value::Null).await.0, 204);
    let (status, body) = call(&stand.gitlab, "DELETE", &token, &path, Value::Null).await;
    assert_eq!((status, body), (404, json!({ "message": "404 Key Not Found" })));
}

#[tokio::test]
async fn a_merge_request_from_a_fork_names_both_projects_and_can_be_fetched() {
    let stand = stand("18.1.1-ee").await;
    let open = stand.gitlab.add_project("group/open", Visibility::Public, &stand.dev);
    let guest = stand.gitlab.add_user("guest");
    let fork = stand.gitlab.fork_project(&open, &guest);
    let sha = stand.gitlab.push_commit(&fork, &guest, "topic", ("topic.txt", "x\n"));
    let request = stand.gitlab.add_merge_request(&open, &fork, "topic", &guest, "Draft: A topic");
    let token = stand.token(&["read_api"]);

    let (_, shown) = stand.get(&token, &format!("projects/{}/merge_requests/{}", open.id, request.iid)).await;

    assert_eq!(
        (&shown["source_project_id"], &shown["target_project_id"]),
        (&json!(fork.id), &json!(open.id))
    );
    assert_eq!((&shown["sha"], &shown["diff_refs"]["head_sha"]), (&json!(sha), &json!(sha)));
    assert_eq!(shown["draft"], true);
    let head = testkit::git::git(&open.repository, &["rev-parse", "refs/merge-requests/1/head"]);
    assert_eq!(head, sha);
    let (_, all) = stand.get(&token, "merge_requests?scope=all&state=opened").await;
    assert_eq!(all.as_array().unwrap().len(), 1);
    let (_, mine) = stand.get(&token, "merge_requests").await;
    assert_eq!(mine, json!([]));
    let (status, body) = stand.get(&token, &format!("projects/{}/merge_requests/99", open.id)).await;
    assert_eq!((status, body), (404, json!({ "message": "404 Not found" })));
}

#[tokio::test]
async fn guests_see_a_private_project_but_not_its_code() {
    let stand = stand("18.1.1-ee").await;
    let guest = stand.gitlab.add_user("guest");
    stand.gitlab.add_member(&stand.project, &guest, AccessLevel::Guest);
    let token = stand.gitlab.add_personal_token(&guest, &["api"]);
    let base = format!("projects/{}", stand.project.id);

    assert_eq!(stand.get(&token, &base).await.0, 200);
    assert_eq!(stand.get(&token, &format!("{base}/repository/branches")).await.0, 403);
    assert_eq!(stand.get(&token, &format!("{base}/issues")).await.0, 200);
    assert_eq!(stand.get(&token, &format!("{base}/hooks")).await.0, 403);
}

#[tokio::test]
async fn the_feeds_tell_what_happened_newest_first() {
    let stand = stand("18.1.1-ee").await;
    let token = stand.token(&["read_user"]);
    let sha = stand.gitlab.push_commit(&stand.project, &stand.dev, "main", ("new.txt", "x\n"));
    let issue = stand.gitlab.add_issue(&stand.project, &stand.dev, "Broken");
    stand.gitlab.close_issue(issue, &stand.dev);

    let (_, events) = stand.get(&token, "events?scope=all").await;

    let names: Vec<_> = events.as_array().unwrap().iter().map(|event| event["action_name"].clone()).collect();
    assert_eq!(names, ["closed", "opened", "pushed to"]);
    assert_eq!(events[2]["push_data"]["commit_to"], sha);
    assert_eq!(stand.get(&token, "events?scope=all&after=9999-01-01").await.1, json!([]));
}

#[tokio::test]
async fn pipelines_are_listed_with_their_last_status() {
    let stand = stand("18.1.1-ee").await;
    let token = stand.token(&["read_api"]);
    let id = stand.gitlab.run_pipeline(&stand.project, &stand.dev, "main", "running");
    stand.gitlab.set_pipeline(&stand.project, &stand.dev, (id, "main"), "success");
    let path = format!("projects/{}/pipelines", stand.project.id);

    let (_, all) = stand.get(&token, &path).await;
    let (_, one) = stand.get(&token, &format!("{path}/{id}")).await;

    assert_eq!((all.as_array().unwrap().len(), &all[0]["status"]), (1, &json!("success")));
    assert_eq!((&one["ref"], &one["user"]["username"]), (&json!("main"), &json!("dev")));
    assert_eq!(stand.get(&token, &format!("{path}?status=failed")).await.1, json!([]));
}

#[tokio::test]
async fn limits_are_told_in_headers_and_end_in_plain_text() {
    let clock = Arc::new(FakeClock::default());
    let gitlab = GitlabDouble::start(Options { rate_limit: Some(2), clock, ..Options::default() }).await;
    let dev = gitlab.add_user("dev");
    let token = gitlab.add_personal_token(&dev, &["api"]);
    let browser = Browser::new(None);
    let ask = async || {
        let url = format!("{}/api/v4/user", gitlab.url());
        browser.http().get(url).header("private-token", &token).send().await.unwrap()
    };
    assert_eq!(ask().await.headers()["ratelimit-remaining"], "1");
    ask().await;
    let refused = ask().await;

    assert_eq!(refused.status().as_u16(), 429);
    assert_eq!(refused.headers()["retry-after"], "60");
    assert_eq!(refused.text().await.unwrap(), "Retry later\n");
}
