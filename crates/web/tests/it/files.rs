//! Files: streamed both ways, never shown as pages of ours.

use http::Method;

use crate::app::TestApp;
use crate::http::Call;

struct Files {
    app: TestApp,
    base: String,
}

impl Files {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let id = app.running_workspace(&app.admin).await;
        let base = format!("/api/v1/workspaces/{id}/files{}", app.driver.folder_of(id).display());
        Self { app, base }
    }

    fn call(&self, method: Method, path: &str) -> Call {
        self.app.call(method, &format!("{}{path}", self.base)).session(&self.app.admin.session)
    }
}

#[tokio::test]
async fn a_file_comes_back_as_it_went() {
    let files = Files::start().await;
    let bytes: Vec<u8> = (0..=255u8).cycle().take(5_000_000).collect();

    files.call(Method::PUT, "/new/folder/data.bin").body(bytes.clone()).send().await.expect(204);
    let answer = files.call(Method::GET, "/new/folder/data.bin").send().await.expect(200);

    assert!(answer.body == bytes);
    assert_eq!(answer.header("hearth-kind"), "file");
    assert_eq!(answer.header("content-length"), "5000000");
}

#[tokio::test]
async fn a_page_in_a_workspace_is_not_a_page_of_ours() {
    let files = Files::start().await;

    files.call(Method::PUT, "/evil.html").body("<script>alert(1)</script>").send().await.expect(204);
    let answer = files.call(Method::GET, "/evil.html").send().await.expect(200);

    assert_eq!(answer.header("content-type"), "application/octet-stream");
    assert_eq!(answer.header("content-disposition"), "attachment");
    assert!(answer.header("content-security-policy").contains("sandbox"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_folder_is_listed() {
    let files = Files::start().await;

    files.call(Method::PUT, "/inner?kind=folder").send().await.expect(204);
    files.call(Method::PUT, "/a.txt").body("text").send().await.expect(204);
    let answer = files.call(Method::GET, "").send().await.expect(200);
    let top = format!("/api/v1/workspaces/{}/files/", files.base.split('/').nth(4).unwrap());
    let top = files.app.get(&top).session(&files.app.admin.session).send().await.expect(200);

    assert_eq!(answer.header("hearth-kind"), "folder");
    let listing = answer.json();
    assert_eq!(
        (&listing["entries"][0]["name"], &listing["entries"][0]["kind"]),
        (&"inner".into(), &"folder".into())
    );
    assert_eq!(
        (&listing["entries"][1]["name"], &listing["entries"][1]["size_bytes"]),
        (&"a.txt".into(), &4.into())
    );
    assert!(top.json()["entries"].as_array().unwrap().iter().any(|entry| entry["name"] == "etc"));
}

#[tokio::test]
async fn names_survive_whatever_is_in_them() {
    let files = Files::start().await;

    for name in ["a%20b", "%C3%A4%E2%98%83", "50%25", "q%3Fx%23y", "%2Bplus", "semi;colon"] {
        files.call(Method::PUT, &format!("/{name}")).body(name).send().await.expect(204);
        let answer = files.call(Method::GET, &format!("/{name}")).send().await.expect(200);
        assert_eq!(answer.body, name);
    }
}

#[tokio::test]
async fn what_is_not_there_is_missing_and_deleting_makes_it_so() {
    let files = Files::start().await;

    files.call(Method::GET, "/none").send().await.problem(404, "not_found");
    files.call(Method::PUT, "/some").body("x").send().await.expect(204);
    files.call(Method::DELETE, "/some").send().await.expect(204);
    files.call(Method::GET, "/some").send().await.problem(404, "not_found");
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_the_old_file() {
    let files = Files::start().await;
    files.call(Method::PUT, "/kept").body("old").send().await.expect(204);
    let head = format!(
        "PUT {}/kept HTTP/1.1\r\nhost: {}\r\nsec-fetch-site: same-origin\r\ncookie: hearth_session={}\r\ncontent-length: 1000\r\n\r\nnew",
        files.base, files.app.address, files.app.admin.session,
    );

    // The rest never comes.
    crate::sockets::raw(files.app.address, head.as_bytes()).await;

    assert_eq!(files.call(Method::GET, "/kept").send().await.expect(200).body, "old");
}

#[tokio::test]
async fn the_query_must_make_sense() {
    let files = Files::start().await;

    files.call(Method::PUT, "/x?kind=device").body("x").send().await.problem(400, "malformed");
}
