//! What somebody who works in a sandbox relies on.

use domain::Rootfs;
use runtime::{Boot, Driver, DriverError, SandboxState};

use super::lab::{Lab, is_root, skip};

/// Everyday tools do their work.
pub(crate) async fn works(lab: &Lab) {
    let id = lab.created().await;
    let script = "set -e; id -un; hostname; pwd; echo $HOME; getent passwd hearth | cut -d: -f6; \
        cd /workspace; mkdir project; cd project; echo 'int main(void){return 7;}' > a.c; \
        printf 'a: a.c\\n\\tcp a.c a\\n' > Makefile; test -e /usr/bin/make && make -s || cp a.c a; ls; \
        git -c init.defaultBranch=main init -q . && git add . && \
        git -c user.name=n -c user.email=e@example.org commit -q -m first && git log --format=%s; \
        echo through | cat; for i in 1 2 3; do true & done; wait; \
        test -w /tmp && test -w /dev/shm && test -w /run/user/1000 && test -c /dev/null && echo fresh; \
        ulimit -c; umask; trap 'echo pipe' PIPE; (sleep 0.01; echo x) | true; \
        nproc >/dev/null; ls /proc/self/fd >/dev/null; date >/dev/null; cat /etc/ssl/certs/ca-certificates.crt | wc -c";
    let outcome = lab.run(id, script).await;
    let lines: Vec<&str> = outcome.output.lines().collect();

    assert_eq!(outcome.status, 0, "{}", outcome.output);
    assert_eq!(
        lines[..5],
        ["hearth", "lab", "/home/hearth", "/home/hearth", "/home/hearth"],
        "{}",
        outcome.output
    );
    assert_eq!(
        lines[5..12],
        ["Makefile", "a", "a.c", "first", "through", "fresh", "0"],
        "{}",
        outcome.output
    );
    let kept = lab.run(id, "cat /workspace/project/a.c").await;
    assert!(kept.output.contains("return 7"), "{}", kept.output);
    let traced = lab
        .run(id, "command -v gdb >/dev/null || exit 0; gdb -q -batch -ex run -ex quit --args /bin/true")
        .await;
    assert!(!traced.output.contains("not permitted"), "{}", traced.output);
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn everyday_tools_do_their_work() {
    if is_root() {
        works(&Lab::open().await).await;
    } else {
        skip("this test needs root");
    }
}

#[tokio::test]
async fn a_command_that_fails_is_started_again_and_one_that_succeeds_is_not() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let script = "echo run >> /.hearth/run/runs; test $(wc -l < /.hearth/run/runs) -ge 3";

    let id = lab.started(script).await;
    tokio::time::timeout(super::lab::PATIENCE, lab.driver.ended(id)).await.unwrap().unwrap();

    assert_eq!(lab.lines("runs", 3).await.len(), 3);
    assert_eq!(lab.driver.list().await.unwrap()[0].state, SandboxState::Stopped);
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn every_start_of_the_command_gets_its_secret() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let script = "cat <&3 >> /.hearth/run/secrets; echo >> /.hearth/run/secrets; test $(wc -l < /.hearth/run/secrets) -ge 2";

    let id = lab.started(script).await;
    lab.driver.ended(id).await.unwrap();

    assert_eq!(lab.lines("secrets", 2).await, ["the secret", "the secret"]);
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn a_large_secret_arrives_whole() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let id = lab.created().await;
    let mut boot = lab.boot("wc -c <&3 > /.hearth/run/size");
    boot.descriptor_3 = vec![b'x'; 300_000];

    lab.driver.start(id, boot).await.unwrap();
    lab.driver.ended(id).await.unwrap();

    assert_eq!(lab.lines("size", 1).await, ["300000"]);
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn the_environment_is_what_was_given_and_nothing_else() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;

    let output = lab.output_of("tr '\\0' '\\n' < /proc/$$/environ | sort").await;

    assert_eq!(output, "HOME=/home/hearth\nPATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
}

#[tokio::test]
async fn a_stop_asks_first() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let script = "trap 'echo asked >> /.hearth/run/asked; exit 0' TERM; echo up >> /.hearth/run/up; \
                  while :; do sleep 0.05; done";
    let id = lab.started(script).await;
    lab.lines("up", 1).await;

    lab.driver.stop(id, super::lab::PATIENCE).await.unwrap();

    assert_eq!(lab.lines("asked", 1).await, ["asked"]);
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn what_does_not_listen_is_killed_after_its_grace() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let id = lab.started("trap '' TERM HUP; echo up >> /.hearth/run/up; while :; do sleep 1; done").await;
    lab.lines("up", 1).await;

    lab.driver.stop(id, std::time::Duration::from_millis(100)).await.unwrap();

    assert_eq!(lab.driver.list().await.unwrap()[0].state, SandboxState::Stopped);
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn a_command_that_is_not_there_is_named_and_leaves_nothing() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let id = lab.created().await;
    let boot = Boot { command: vec!["/no/such/program".into()], ..lab.boot("") };

    let error = lab.driver.start(id, boot).await.unwrap_err();

    let DriverError::System { what, source } = &error else { panic!("{error:?}") };
    assert_eq!(what, "cannot execute `/no/such/program` in the sandbox");
    assert_eq!(source.raw_os_error(), Some(libc::ENOENT));
    assert_eq!(lab.driver.list().await.unwrap()[0].state, SandboxState::Stopped);
    assert_eq!(super::recovery::traces(&lab, id), Vec::<String>::new());
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn a_place_that_cannot_be_shown_is_named_and_leaves_nothing() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let id = lab.created().await;
    let mut boot = lab.boot("true");
    boot.mounts[0].host = "/no/such/folder".into();

    let error = lab.driver.start(id, boot).await.unwrap_err();

    assert_eq!(error.to_string(), "cannot take a mount of `/no/such/folder`");
    assert_eq!(super::recovery::traces(&lab, id), Vec::<String>::new());
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn an_image_that_is_not_there_is_named() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let mut spec = super::lab::a_spec();
    spec.rootfs = Rootfs::Image("registry.invalid/nobody/nothing".parse().unwrap());

    let error = lab.driver.create(&spec).await.unwrap_err();

    assert!(matches!(&error, DriverError::Image { what, .. } if what.contains("nobody/nothing")), "{error}");
    assert_eq!(lab.driver.list().await.unwrap(), []);
}
