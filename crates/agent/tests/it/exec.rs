use std::time::{Duration, Instant};

use wire::agent::{EXEC_OUTPUT_MAX, ExecRequest};

use crate::bench::{LIMIT, bench, command, is_alive, shell, until};

#[tokio::test]
async fn output_and_code_come_back() {
    let bench = bench().await;

    let result = bench.client.exec(&shell("echo out; echo err >&2; exit 7")).await.unwrap();

    assert_eq!((result.exit_code, &*result.stdout, &*result.stderr), (7, "out\n", "err\n"));
    assert!(!result.truncated && !result.timed_out);
}

#[tokio::test]
async fn input_is_given_and_ends() {
    let bench = bench().await;
    let text = "x".repeat(3 << 20);

    let request = ExecRequest { stdin: Some(text.clone()), ..command(&["cat"]) };
    let result = bench.client.exec(&request).await.unwrap();

    assert!(result.stdout == text);
}

#[tokio::test]
async fn without_input_there_is_end_of_file_at_once() {
    let bench = bench().await;

    let result = bench.client.exec(&command(&["cat"])).await.unwrap();

    assert_eq!((result.exit_code, &*result.stdout), (0, ""));
}

#[tokio::test]
async fn what_cannot_run_answers_as_a_shell_does() {
    let bench = bench().await;
    std::fs::write(bench.folder().join("plain"), "no program").unwrap();

    let missing = bench.client.exec(&command(&["no-such-program"])).await.unwrap();
    let plain = bench.client.exec(&command(&["./plain"])).await.unwrap();

    assert_eq!(missing.exit_code, 127);
    assert!(missing.stderr.contains("there is no such program"), "{}", missing.stderr);
    assert_eq!(plain.exit_code, 126);
}

#[tokio::test]
async fn a_signal_shows_in_the_code() {
    let bench = bench().await;

    let result = bench.client.exec(&shell("kill -TERM $$")).await.unwrap();

    assert_eq!(result.exit_code, 128 + 15);
}

#[tokio::test]
async fn nothing_to_run_is_refused() {
    let bench = bench().await;

    let error = bench.client.exec(&command(&[])).await.unwrap_err();

    assert_eq!(error.problem().unwrap().code, "invalid");
    assert!(!error.problem().unwrap().mend.is_empty());
}

#[tokio::test]
async fn a_folder_that_is_missing_is_named() {
    let bench = bench().await;

    let request = ExecRequest { folder: Some("nowhere".into()), ..command(&["true"]) };
    let error = bench.client.exec(&request).await.unwrap_err();

    assert!(error.is_not_found());
    assert!(error.to_string().contains("workspace/nowhere"), "{error}");
}

#[tokio::test]
async fn too_much_output_is_cut_and_the_command_goes_on() {
    let bench = bench().await;
    let most = EXEC_OUTPUT_MAX;

    let result = bench
        .client
        .exec(&shell(&format!("head -c {} /dev/zero | tr '\\0' x; echo done >&2", most + 1_000_000)))
        .await
        .unwrap();

    assert_eq!((result.exit_code, result.stdout.len(), &*result.stderr), (0, most, "done\n"));
    assert!(result.truncated);
}

#[tokio::test]
async fn output_that_is_not_text_is_replaced() {
    let bench = bench().await;

    let result = bench.client.exec(&shell("printf 'a\\377b\\000'")).await.unwrap();

    assert_eq!(result.stdout, "a\u{fffd}b\0");
}

#[tokio::test]
async fn the_time_out_kills_the_whole_group() {
    let bench = bench().await;
    let begin = Instant::now();

    let request = ExecRequest { timeout_s: Some(1), ..shell("sleep 1000 & echo $!; wait") };
    let result = bench.client.exec(&request).await.unwrap();

    assert_eq!((result.exit_code, result.timed_out), (124, true));
    assert!(begin.elapsed() < Duration::from_secs(5));
    until("the child of the shell is gone", || async { !is_alive(&result.stdout) }).await;
}

#[tokio::test]
async fn what_is_left_in_the_background_does_not_hold_the_answer_up() {
    let bench = bench().await;
    let begin = Instant::now();

    let result = bench.client.exec(&shell("sleep 1000 & echo $!")).await.unwrap();

    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(is_alive(&result.stdout), "the background job goes on");
    bench.client.exec(&command(&["kill", result.stdout.trim()])).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_the_command_with_it() {
    let bench = bench().await;
    let path = bench.folder().join("pid");
    let request = shell("echo $$ > pid.new; mv pid.new pid; sleep 1000");

    let gone = tokio::time::timeout(LIMIT, async {
        tokio::select! {
            result = bench.client.exec(&request) => panic!("ended: {result:?}"),
            () = until("it runs", || async { path.exists() }) => {}
        }
    });
    gone.await.unwrap();

    let pid = std::fs::read_to_string(&path).unwrap();
    until("the command is gone", || async { !is_alive(&pid) }).await;
}

#[tokio::test]
async fn children_have_a_clean_environment() {
    let bench = bench().await;
    let mut request = command(&["env"]);
    request.env.insert("FROM_CALLER".into(), "yes".into());

    let result = bench.client.exec(&request).await.unwrap();

    let mut names: Vec<&str> = result.stdout.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    let expected = [
        "FROM_CALLER",
        "FROM_CONFIG",
        "HEARTH",
        "HEARTH_WORKSPACE_ID",
        "HOME",
        "LANG",
        "LOGNAME",
        "PATH",
        "PS1",
        "SHELL",
        "SSH_AUTH_SOCK",
        "TERM",
        "USER",
    ];
    assert_eq!(names, expected);
    assert!(!result.stdout.contains("hearth_agent_secret"));
    assert!(result.stdout.contains("HEARTH_WORKSPACE_ID=ws_"));
}

#[tokio::test]
async fn children_inherit_no_descriptors_and_no_ignored_signals() {
    let bench = bench().await;
    // Held open without close-on-exec, as one the agent itself was started with.
    let file = std::fs::File::open("/dev/null").unwrap();
    let inherited = rustix::io::fcntl_dupfd_cloexec(&file, 20).unwrap();
    rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty()).unwrap();

    let result = bench
        .client
        .exec(&shell("ls /proc/self/fd; grep -E 'Sig(Ign|Blk)' /proc/self/status"))
        .await
        .unwrap();

    let descriptors: Vec<&str> = result.stdout.lines().take_while(|line| line.len() < 3).collect();
    // 3 is the folder that `ls` itself has open.
    assert_eq!(descriptors, ["0", "1", "2", "3"]);
    for line in result.stdout.lines().filter(|line| line.starts_with("Sig")) {
        let mask = u64::from_str_radix(line.split_whitespace().last().unwrap(), 16).unwrap();
        assert_eq!(mask & 0x7fff_ffff, 0, "{line}");
    }
}

#[tokio::test]
async fn the_folder_is_the_workspaces_unless_named() {
    let bench = bench().await;
    std::fs::create_dir(bench.folder().join("inner")).unwrap();

    let plain = bench.client.exec(&command(&["pwd"])).await.unwrap();
    let inner = ExecRequest { folder: Some("inner".into()), ..command(&["pwd"]) };
    let inner = bench.client.exec(&inner).await.unwrap();

    assert_eq!(plain.stdout.trim(), bench.folder().to_str().unwrap());
    assert_eq!(inner.stdout.trim(), bench.path("inner"));
}

#[tokio::test]
async fn a_hundred_commands_run_at_once() {
    let bench = bench().await;

    let runs = (0..100).map(|number| {
        let client = bench.client.clone();
        async move { client.exec(&shell(&format!("echo {number}"))).await.unwrap().stdout }
    });
    let outputs = futures_util::future::join_all(runs).await;

    for (number, output) in outputs.iter().enumerate() {
        assert_eq!(output.trim(), number.to_string());
    }
}
