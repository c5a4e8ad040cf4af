//! kite.js in workspaces: files, commands and terminals, through the relay.

use blackbox::person::Person;
use blackbox::server::PATIENCE;
use serde_json::{Value, json};
use testkit::kite_js::Driver;
use testkit::wait_until;

use super::{Home, Place, TRANSPORTS, client, driver, fetch_until, key_of};

/// A running workspace of this name whose agent has registered, by its id.
pub(crate) async fn workspace(person: &Person, name: &str) -> String {
    let made = person.post("/workspaces", json!({"name": name})).await.ok();
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/workspaces/{id}");
    wait_until(PATIENCE, async || {
        let workspace = person.get(&path).await.ok();
        assert_ne!(workspace["phase"], "failed", "{workspace}");
        workspace["phase"] == "running"
    })
    .await;
    let of_it = format!("/kites?id={id}");
    wait_until(PATIENCE, async || person.get(&of_it).await.ok()["items"][0]["connected"] == true).await;
    id
}

/// Connects to the agent of the workspace of this name. The kite is called `as`, and so on, `.0`.
pub(super) async fn connect(
    driver: &mut Driver,
    kontrol: &str,
    hostname: &str,
    name: &str,
    transport: &str,
) -> Value {
    let query = json!({"environment": "hearth", "name": "klient", "hostname": hostname});
    let found = fetch_until(driver, kontrol, query, name, 1).await;
    let wish = json!({"do": "connect", "kite": format!("{name}.0"), "transport": transport});
    driver.ask(wish).await.unwrap();
    found[0].clone()
}

/// What events of a name print until a text is among it.
async fn printed_until(driver: &mut Driver, event: &str, text: &str) -> String {
    let mut printed = String::new();
    while !printed.contains(text) {
        printed.push_str(driver.event(event).await[0].as_str().unwrap());
    }
    printed
}

#[tokio::test]
async fn it_lists_runs_types_and_watches_by_every_transport() {
    let Some(mut driver) = driver() else { return };
    let place = Place::new().await;
    let id = workspace(&place.ada, "shed").await;
    let key = key_of(&place.ada, None).await;

    for transport in TRANSPORTS {
        let kontrol = format!("kontrol-{transport}");
        place.kontrol(&mut driver, &kontrol, &key, transport).await;
        let name = format!("klient-{transport}");
        let found = connect(&mut driver, &kontrol, "shed", &name, transport).await;
        assert_eq!(found["username"], "ada", "{found}");
        assert_eq!(found["url"], format!("{}/relay/{id}", place.registry()), "{found}");
        let klient = format!("{name}.0");
        let klient = klient.as_str();
        assert_eq!(driver.tell(klient, "kite.ping", Value::Null).await, Ok(json!("pong")));

        run_a_command(&mut driver, klient, transport).await;
        watch_a_folder(&mut driver, klient, transport).await;
        follow_a_process(&mut driver, klient).await;
        use_a_terminal(&mut driver, klient).await;

        let missing = driver.tell(klient, "fs.readFile", json!([{"path": "~/none"}])).await.unwrap_err();
        assert_eq!((missing.kind.as_str(), missing.code.as_str()), ("fsError", "not_found"), "{missing:?}");
        let unknown = driver.tell(klient, "kite.tunnel", json!([{"url": "x"}])).await.unwrap_err();
        assert_eq!(unknown.kind, "methodNotFound", "{unknown:?}");
        driver.ask(json!({"do": "disconnect", "kite": klient})).await.unwrap();
    }
}

async fn run_a_command(driver: &mut Driver, klient: &str, transport: &str) {
    let command =
        format!("mkdir ~/at-{transport} && cd ~/at-{transport} && echo hello > a.txt && cat a.txt; exit 3");
    let done = driver.tell(klient, "exec", json!([{"command": command}])).await.unwrap();
    assert_eq!((&done["stdout"], &done["exitStatus"]), (&json!("hello\n"), &json!(3)), "{done}");
    let name = driver.tell(klient, "os.currentUsername", json!([])).await.unwrap();
    let info = driver.tell(klient, "klient.info", json!([])).await.unwrap();
    assert_eq!(info["username"], name, "{info}");
}

async fn watch_a_folder(driver: &mut Driver, klient: &str, transport: &str) {
    let folder = format!("~/at-{transport}");
    let wish = json!([{"path": folder, "onChange": {"$event": "change"}}]);
    let listed = driver.tell(klient, "fs.readDirectory", wish).await.unwrap();
    let files = listed["files"].as_array().unwrap();
    assert_eq!(files.len(), 1, "{listed}");
    assert_eq!(
        (&files[0]["name"], &files[0]["isDir"], &files[0]["size"]),
        (&json!("a.txt"), &json!(false), &json!(6))
    );

    // "written" in base64.
    let wish = json!([{"path": format!("{folder}/b.txt"), "content": "d3JpdHRlbg=="}]);
    assert_eq!(driver.tell(klient, "fs.writeFile", wish).await, Ok(json!(7)));
    let change = driver.event("change").await;
    assert_eq!(
        (&change[0]["event"], &change[0]["file"]["name"]),
        (&json!("added"), &json!("b.txt")),
        "{change}"
    );
    let read =
        driver.tell(klient, "fs.readFile", json!([{"path": format!("{folder}/b.txt")}])).await.unwrap();
    assert_eq!(read["content"], "d3JpdHRlbg==");
    driver.invoke(&listed["stopWatching"], json!([])).await;
    let wish = json!([{"path": format!("{folder}/b.txt")}]);
    assert_eq!(driver.tell(klient, "fs.remove", wish).await, Ok(json!(true)));
}

async fn follow_a_process(driver: &mut Driver, klient: &str) {
    let wish = json!([{
        "cmd": "sh", "args": ["-c", "echo one; echo two >&2; echo three; exit 5"],
        "stdout": {"$event": "stdout"}, "stderr": {"$event": "stderr"}, "exit": {"$event": "exit"},
    }]);
    let started = driver.tell(klient, "os.exec", wish).await.unwrap();
    assert!(started["pid"].is_u64(), "{started}");
    assert_eq!(driver.event("exit").await, json!([5]));
    // The exit is told last.
    assert_eq!(driver.came("stdout"), [json!(["one"]), json!(["three"])]);
    assert_eq!(driver.came("stderr"), [json!(["two"])]);
}

async fn use_a_terminal(driver: &mut Driver, klient: &str) {
    let wish = json!([{
        "remote": {"output": {"$event": "screen"}, "sessionEnded": {"$event": "ended"}},
        "session": "", "sizeX": 80, "sizeY": 24, "mode": "create",
    }]);
    let terminal = driver.tell(klient, "webterm.connect", wish).await.unwrap();
    let session = terminal["session"].as_str().unwrap();
    let sessions = driver.tell(klient, "webterm.getSessions", json!([])).await.unwrap();
    assert!(sessions.as_array().unwrap().iter().any(|name| name == session), "{sessions}");

    driver.invoke(&terminal["setSize"], json!([100, 30])).await;
    driver.invoke(&terminal["input"], json!(["stty size; printf 'sm%s\\n' iles😀"])).await;
    driver.invoke(&terminal["controlSequence"], json!(["\r"])).await;
    let printed = printed_until(driver, "screen", "smiles😀").await;
    assert!(printed.contains("30 100"), "{printed}");
    driver.invoke(&terminal["input"], json!(["exit"])).await;
    driver.invoke(&terminal["controlSequence"], json!(["\r"])).await;
    assert_eq!(driver.event("ended").await, json!([]));
    driver.came("screen");
}

#[tokio::test]
async fn the_documented_client_runs_a_command_in_a_workspace() {
    let Some(_driver) = driver() else { return };
    let place = Place::new().await;
    workspace(&place.ada, "shed").await;
    let home = Home::with(&key_of(&place.ada, None).await);

    let arguments = ["hearth", "klient", "exec", r#"{"command": "echo hello"}"#];
    let line = client(&home, &arguments, &[("KITE_HOST", "shed".as_ref())]).line().await;

    let answer: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&answer["stdout"], &answer["exitStatus"]), (&json!("hello\n"), &json!(0)), "{line}");
}

#[tokio::test]
async fn the_agent_of_a_workspace_is_found_again_after_the_server_was_killed() {
    let Some(mut driver) = driver() else { return };
    let front = super::front::Front::open().await;
    let server = blackbox::server::Server::start_with(front.options());
    front.lead_to(&server);
    let ada = Person::first(&server, "ada").await;
    let mut place = Place { server, ada };
    workspace(&place.ada, "shed").await;
    let key = key_of(&place.ada, None).await;
    place.kontrol(&mut driver, "kontrol", &key, "").await;
    let before = connect(&mut driver, "kontrol", "shed", "before", "").await;
    let echo = json!([{"command": "echo hello"}]);
    assert_eq!(driver.tell("before.0", "exec", echo.clone()).await.unwrap()["stdout"], "hello\n");

    place.server.kill();
    front.cut();
    driver.event("before.0.close").await;
    driver.event("before.0.open").await;
    place.server.run();
    front.lead_to(&place.server);

    // kite.js connects again by itself, with the token that it had.
    driver.event("before.0.open").await;
    wait_until(PATIENCE, async || driver.tell("before.0", "exec", echo.clone()).await.is_ok()).await;
    place.kontrol(&mut driver, "again", &key, "").await;
    let after = connect(&mut driver, "again", "shed", "after", "").await;
    assert_eq!((&after["url"], &after["name"]), (&before["url"], &before["name"]));
}
