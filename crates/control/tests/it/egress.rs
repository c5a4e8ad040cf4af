//! The way out for git: to the workspace's own forge and nowhere else.

use crate::sim::{World, phase_of};

async fn reach(host: &str, port: Option<u16>) -> Result<String, String> {
    let world = World::new().await;
    let own = url::Url::parse(&world.git.url).unwrap().port().unwrap();
    let server = world.server().await;
    world.machine.state().reach = Some((host.into(), port.unwrap_or(own)));

    let id = server.create(&world).await.id;
    server.until(id, phase_of("running")).await;

    world.machine.state().reached.pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn git_inside_reaches_the_repository_through_the_server() {
    assert_eq!(reach("127.0.0.1", None).await.as_deref(), Ok("HTTP/1.1 200 OK"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_or_port_is_refused_with_the_reason() {
    let refused = reach("127.0.0.1", Some(23)).await.unwrap_err();
    assert!(refused.contains("`127.0.0.1:23` is not this workspace's repository host"), "{refused}");

    let refused = reach("169.254.169.254", None).await.unwrap_err();
    assert!(refused.contains("not this workspace's repository host"), "{refused}");
}
