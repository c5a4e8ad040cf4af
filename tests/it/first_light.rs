use blackbox::leftovers;
use blackbox::server::{Server, text, wait_for};

#[test]
fn a_pasted_url_becomes_a_workspace_whose_git_just_works() {
    let repository = testkit::git::Repository::sample();
    let git = testkit::git::serve(repository.parent());
    let server = Server::start();

    let workspace = server.json(&["start", &format!("{}/sample.git", git.url)]);

    let id = workspace["id"].as_str().unwrap();
    assert_eq!(workspace["phase"], "running");
    assert_eq!(workspace["name"], "sample");
    assert_eq!(server.exec(id, &["git", "log", "-1", "--format=%H"]), repository.head());
    assert_eq!(server.exec(id, &["git", "status", "--porcelain"]), "");
    assert_eq!(server.exec(id, &["pwd"]), "/workspace/sample");
    server.exec(id, &["sh", "-c", "echo new > new.txt && git add new.txt && git commit -qm 'Add a file'"]);
    assert_eq!(server.exec(id, &["git", "log", "-1", "--format=%s"]), "Add a file");
    server.exec(id, &["git", "fetch", "-q"]);
}

#[test]
fn files_survive_stop_and_start_and_a_fork_has_them_too() {
    let server = Server::start();
    let id = server.json(&["start", &sample_url()])["id"].as_str().unwrap().to_owned();
    server.exec(&id, &["sh", "-c", "echo precious > ~/precious"]);

    server.json(&["stop", &id]);
    let refused = server.cli(&["exec", &id, "true"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("mend:"), "{}", text(&refused.stderr));
    let fork = server.json(&["fork", &id])["id"].as_str().unwrap().to_owned();
    server.json(&["start", &id]);
    wait_for("the fork to run", || {
        let found = server.json(&["list"]);
        let found = found["items"].as_array()?.iter().find(|item| item["id"] == fork.as_str())?.clone();
        (found["phase"] == "running").then_some(())
    });

    assert_eq!(server.exec(&id, &["sh", "-c", "cat ~/precious"]), "precious");
    assert_eq!(server.exec(&fork, &["sh", "-c", "cat ~/precious"]), "precious");
    server.exec(&fork, &["sh", "-c", "echo other > ~/precious"]);
    assert_eq!(server.exec(&id, &["sh", "-c", "cat ~/precious"]), "precious");
}

#[test]
fn a_deleted_workspace_leaves_nothing_behind() {
    let mut server = Server::start();
    let id = server.json(&["start", &sample_url()])["id"].as_str().unwrap().to_owned();
    assert!(!leftovers::of(server.data()).is_empty(), "the check sees a running workspace");

    server.json(&["delete", &id]);
    server.stop();

    wait_for("everything to be gone", || leftovers::of(server.data()).is_empty().then_some(()));
    assert_eq!(leftovers::cgroups(std::slice::from_ref(&id)), Vec::<String>::new());
}

#[test]
fn exec_passes_input_output_and_exit_code() {
    let server = Server::start();
    let id = server.json(&["start", &sample_url()])["id"].as_str().unwrap().to_owned();

    let failed = server.cli(&["exec", &id, "--", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    let json = server.json(&["exec", &id, "--", "echo", "hello"]);

    assert_eq!((failed.status.code(), text(&failed.stdout).as_str()), (Some(7), "out\n"));
    assert_eq!(text(&failed.stderr), "err\n");
    assert_eq!(json["stdout"], "hello\n");
    assert_eq!(json["exit_code"], 0);
}

#[test]
fn an_agent_that_is_killed_comes_back() {
    let server = Server::start();
    let id = server.json(&["start", &sample_url()])["id"].as_str().unwrap().to_owned();
    let pid = agent_pid(&server);

    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();

    wait_for("a new agent", || {
        let output = server.cli(&["exec", &id, "--", "echo", "back"]);
        (text(&output.stdout) == "back\n" && agent_pid(&server) != pid).then_some(())
    });
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let server = Server::start();

    let second = server.cli(&["up", "--listen", "127.0.0.1:0"]);

    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("another hearth server"), "{}", text(&second.stderr));
}

/// The process of the only agent of this server, seen from the machine.
fn agent_pid(server: &Server) -> i32 {
    let shown = server.data().display().to_string();
    let mut found = vec![];
    for entry in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let mounts = std::fs::read_to_string(entry.path().join("mountinfo")).unwrap_or_default();
        if command.starts_with(b"/.hearth/agent") && mounts.contains(&shown) {
            found.push(pid);
        }
    }
    found.into_iter().min().unwrap_or(0)
}

fn sample_url() -> String {
    // One git server for the whole process, alive until it ends.
    static GIT: std::sync::OnceLock<(testkit::git::Repository, testkit::git::GitServer)> =
        std::sync::OnceLock::new();
    let (_, git) = GIT.get_or_init(|| {
        let repository = testkit::git::Repository::sample();
        let server = testkit::git::serve(repository.parent());
        (repository, server)
    });
    format!("{}/sample.git", git.url)
}
