//! The same once more as an ordinary user: this executable runs itself again as one.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::lab::{Lab, is_root, skip};
use super::{contract, escapes, limits, network, workspace};

/// Says in the environment that this process is the second one.
const AGAIN: &str = "HEARTH_TEST_ORDINARY";
/// An ordinary user that owns nothing: `nobody`.
const NOBODY: u32 = 65_534;

/// Runs the test of this name again as an ordinary user. `true` if this already is that run.
fn is_ordinary(name: &str) -> bool {
    if !is_root() || std::env::var_os(AGAIN).is_some() {
        return true;
    }
    let folder = tempfile::Builder::new().prefix("hearth-user-").tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    // The build folder may be where only root may look.
    let copy = |from: &Path, name: &str| {
        let to = folder.path().join(name);
        std::fs::copy(from, &to).unwrap();
        to
    };
    let own = copy(&std::env::current_exe().unwrap(), "tests");
    copy(Path::new(env!("CARGO_BIN_EXE_sandbox")), "sandbox");
    let room = folder.path().join("room");
    std::fs::create_dir(&room).unwrap();
    chown(&room, Some(NOBODY), Some(NOBODY)).unwrap();
    let test = format!("native::ordinary::{name}");
    let mut command = shown_a_tunnel_device(&own);
    let output = command
        .args(["--exact", &test, "--nocapture", "--include-ignored"])
        .env_clear()
        .env(AGAIN, "1")
        .env("TMPDIR", &room)
        .env("HOME", &room)
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .current_dir(&room)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "as an ordinary user it fails; see above");
    assert!(text.contains("1 passed"), "the test `{test}` exists");
    false
}

/// A command that is `nobody`, with a tunnel device that everybody may open: the usual permissions, which
/// not every machine has. Only the command's own mount namespace sees it.
fn shown_a_tunnel_device(program: &Path) -> Command {
    let works =
        Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success());
    if !works || !Path::new("/dev/net").is_dir() {
        // Groups go with the user here; see `CommandExt::uid`.
        let mut command = Command::new(program);
        command.uid(NOBODY).gid(NOBODY);
        return command;
    }
    let script = "mount -t tmpfs tmpfs /dev/net && mknod -m 0666 /dev/net/tun c 10 200 || exit 1; \
                  exec setpriv --reuid 65534 --regid 65534 --clear-groups -- \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(program);
    command
}

#[tokio::test]
async fn the_contract_holds_for_an_ordinary_user() {
    if is_ordinary("the_contract_holds_for_an_ordinary_user") {
        let lab = Lab::open().await;
        contract::holds(&lab.driver, || lab.boot("exec sleep 1000")).await;
    }
}

#[tokio::test]
async fn an_ordinary_user_is_told_what_is_lacking() {
    if !is_ordinary("an_ordinary_user_is_told_what_is_lacking") {
        return;
    }
    let lab = Lab::open().await;
    let support = runtime::Driver::support(&lab.driver);

    assert!(support.summary.starts_with("as an ordinary user"), "{}", support.summary);
    let lack = support.lacks.iter().find(|lack| lack.what.contains("one user id")).unwrap();
    assert!(!lack.fatal && lack.mend.contains("root"));
}

#[tokio::test]
async fn a_workspace_of_an_ordinary_user_works() {
    if is_ordinary("a_workspace_of_an_ordinary_user_works") {
        workspace::works(&Lab::open().await).await;
    }
}

#[tokio::test]
async fn no_trick_gets_out_of_an_ordinary_users_workspace() {
    if is_ordinary("no_trick_gets_out_of_an_ordinary_users_workspace") {
        escapes::all_fail(&Lab::open().await).await;
    }
}

#[tokio::test]
async fn an_ordinary_users_fork_bomb_is_contained() {
    if is_ordinary("an_ordinary_users_fork_bomb_is_contained") {
        limits::a_fork_bomb_is_contained(&Lab::open().await).await;
    }
}

#[tokio::test]
async fn an_ordinary_users_workspace_reaches_the_network_and_not_the_machine() {
    if !is_ordinary("an_ordinary_users_workspace_reaches_the_network_and_not_the_machine") {
        return;
    }
    let lab = Lab::open().await;
    if let Some(why) = network::missing(&lab) {
        return skip(&why);
    }
    network::is_closed_to_the_machine(&lab).await;
    network::names_are_asked_for(&lab).await;
}
