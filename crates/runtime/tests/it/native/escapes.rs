//! Ways out of a sandbox that must not work, each failing for the reason it should.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::TcpListener;

use domain::WorkspaceId;
use runtime::{BindMount, Driver, SandboxState};

use super::lab::{Lab, is_root, skip};
use super::tricks::{self, TRICKS};

/// Tries every trick of the table in one sandbox of a lab.
pub(crate) async fn all_fail(lab: &Lab) {
    let id = lab.created().await;
    let outcome = lab.run(id, &tricks::command_line()).await;
    let seen: BTreeMap<&str, &str> = outcome
        .output
        .lines()
        // The harness writes the test's name in front of its first line.
        .filter_map(|line| line.split_once("trick ")?.1.split_once(": "))
        .collect();
    let mut worked = Vec::new();
    for trick in TRICKS {
        let found = seen.get(trick.name).copied().unwrap_or("nothing was said");
        println!("{}: {found}", trick.name);
        if !trick.harmless.contains(&found) {
            worked.push(format!("{}: {found}, not {:?}", trick.name, trick.harmless));
        }
    }
    assert!(worked.is_empty(), "{worked:#?}\n{}", outcome.output);
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn no_trick_gets_out() {
    if is_root() {
        assert!(TRICKS.len() >= 25);
        all_fail(&Lab::open().await).await;
    } else {
        skip("this test needs root");
    }
}

#[tokio::test]
async fn killing_everything_does_not_kill_init() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;

    let id = lab.started("echo began >> /.hearth/run/began; kill -9 1; kill -9 -1; kill -9 $$").await;

    // The command is among everything, so init starts it again, and again.
    lab.lines("began", 3).await;
    assert_eq!(lab.driver.list().await.unwrap()[0].state, SandboxState::Running);
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn hearths_own_data_is_nowhere_to_be_found() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;

    let data = lab.data().display().to_string();
    let script = format!("ls {data} 2>&1; find / -name spec.json -path '*sandboxes*' 2>/dev/null; true");
    let output = lab.output_of(&script).await;
    let groups = lab.output_of("cat /proc/self/cgroup").await;

    assert!(output.contains("No such file"), "{output}");
    assert!(!output.contains("spec.json"), "{output}");
    assert!(groups.lines().all(|line| line.ends_with(":/")), "the name of a control group shows: {groups}");
}

#[tokio::test]
async fn mounts_tell_nothing_about_the_machines_folders() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;

    let mounts = lab.output_of("cat /proc/self/mounts").await;

    assert!(!mounts.contains(&lab.data().display().to_string()), "{mounts}");
    for line in mounts.lines().filter(|line| !line.contains(" /dev/")) {
        assert!(line.contains("nosuid"), "{line}");
    }
}

#[tokio::test]
async fn a_link_left_in_a_sandbox_leads_no_mount_outside() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let outside = lab.shared().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let id = lab.created().await;
    let target = outside.display();
    lab.run(id, &format!("ln -s {target} /home/hearth/link; ln -s /proc/1/root /home/hearth/magic")).await;

    let mut boot = lab.boot("exit 0");
    boot.mounts.push(BindMount {
        host: lab.shared(),
        inside: "/home/hearth/link/deep".into(),
        read_only: true,
    });
    // Inside, the link leads to a place of that name inside, where there is none.
    let error = lab.driver.start(id, boot).await.unwrap_err();

    assert!(error.to_string().contains("`/home/hearth/link`"), "{error}");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0, "something was made outside");
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn a_socket_of_the_machine_without_a_file_is_out_of_reach() {
    use std::os::linux::net::SocketAddrExt;
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let name = format!("hearth-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind_addr(&address).unwrap();
    std::os::unix::net::UnixStream::connect_addr(&address).expect("it is in reach from outside");

    let output = lab.output_of("cat /proc/net/unix").await;

    assert!(!output.contains(&name), "{output}");
}

#[tokio::test]
async fn one_sandbox_reaches_no_other() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let other = lab.started(&listening_script("up")).await;
    lab.lines("up", 1).await;
    let script = "for host in 127.0.0.1 $(hostname -I); do \
                  bash -c \"exec 9<>/dev/tcp/$host/7007\" 2>&1 && echo reached; done; true";

    let output = lab.output_of(script).await;

    assert!(!output.contains("reached"), "{output}");
    let files = lab.output_of("ls /home/hearth; ps -e 2>/dev/null | wc -l").await;
    assert!(!files.contains("mark"), "{files}");
    remove(&lab, other).await;
}

/// A shell that listens on a port of every address of its sandbox, and says so.
fn listening_script(name: &str) -> String {
    format!(
        "touch /home/hearth/mark; exec perl -MIO::Socket::INET -e '\
         $s = IO::Socket::INET->new(LocalPort => 7007, Listen => 5, ReuseAddr => 1) or die; \
         open F, \">>/.hearth/run/{name}\"; print F \"up\\n\"; close F; while ($s->accept) {{}}'"
    )
}

#[tokio::test]
async fn a_service_on_the_machines_loopback_is_out_of_reach() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    super::network::is_closed_to_the_machine(&lab).await;
}

#[tokio::test]
async fn the_secret_is_read_once_and_kept_from_everybody_else() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let script = "cat <&3 > /.hearth/run/first; cat <&3 > /.hearth/run/second; \
                  grep -rl 'the secret' /proc/1/ /home /tmp /run /etc 2>/dev/null > /.hearth/run/found; \
                  echo done >> /.hearth/run/done; sleep 1000";

    let id = lab.started(script).await;
    lab.lines("done", 1).await;

    let read = |name: &str| std::fs::read_to_string(lab.shared().join(name)).unwrap();
    assert_eq!((read("first").as_str(), read("second").as_str()), ("the secret", ""));
    assert_eq!(read("found"), "");
    let mut on_disk = String::new();
    std::fs::File::open(lab.data().join("sandboxes").join(id.to_string()).join("state.json"))
        .unwrap()
        .read_to_string(&mut on_disk)
        .unwrap();
    assert!(!on_disk.contains("secret"));
    remove(&lab, id).await;
}

async fn remove(lab: &Lab, id: WorkspaceId) {
    lab.driver.remove(id).await.unwrap();
}

/// A listener on the machine's loopback, and whether anybody came.
pub(crate) fn a_trap() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Whether the trap was stepped into. A connection is in its queue before the other side knows of it.
pub(crate) fn was_sprung(trap: &TcpListener) -> bool {
    trap.accept().is_ok()
}
