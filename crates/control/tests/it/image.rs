//! Images that cannot be used: a start still gives a workspace where it can.

use control::NewWorkspace;
use domain::{Rootfs, Workspace};
use runtime::DriverError;

use crate::sim::{Point, Server, World, is_running, phase_of};

async fn with_image(server: &Server) -> Workspace {
    let wish = NewWorkspace { rootfs: Some("debian:13".into()), ..NewWorkspace::default() };
    server.control.create_workspace(&server.admin, wish).await.unwrap()
}

fn broken() -> DriverError {
    DriverError::Image { what: "no such image".into(), mend: "push it first".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_had_or_started_is_replaced_by_the_machine_with_a_notice() {
    for point in [Point::Prepare, Point::Create, Point::Start] {
        let world = World::new().await;
        let server = world.server().await;
        world.machine.fail(point, broken());

        let id = with_image(&server).await.id;
        let workspace = server.until(id, is_running).await;

        assert_eq!(workspace.rootfs, Rootfs::Host, "{point:?}");
        let notice = workspace.notices.iter().find(|notice| notice.contains("docker.io/library/debian:13"));
        assert!(notice.is_some_and(|notice| notice.contains("no such image") && notice.contains("push it")));
        assert_eq!(world.machine.state().sandboxes[&id].spec.rootfs, Rootfs::Host);
        world.assert_no_clash();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_image_is_used() {
    let world = World::new().await;
    let server = world.server().await;

    let id = with_image(&server).await.id;
    let workspace = server.until(id, is_running).await;

    assert_eq!(workspace.rootfs.to_string(), "docker.io/library/debian:13");
    assert_eq!(world.machine.state().sandboxes[&id].spec.rootfs, workspace.rootfs);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_has_files_on_its_image_is_not_moved_to_another() {
    let world = World::new().await;
    let server = world.server().await;
    let id = with_image(&server).await.id;
    server.until(id, is_running).await;
    server.control.stop_workspace(&server.admin, id).await.unwrap();
    server.until(id, phase_of("stopped")).await;
    world.machine.fail(Point::Prepare, broken());

    server.control.start_workspace(&server.admin, id).await.unwrap();
    let failed = server.until(id, phase_of("failed")).await;

    assert_eq!(failed.rootfs.to_string(), "docker.io/library/debian:13");
    assert!(world.machine.state().sandboxes.contains_key(&id), "its files stay");
}

#[tokio::test]
async fn a_driver_without_images_says_so() {
    let world = World::new().await;
    let server = world.server().await;

    let error = server.control.images(&server.admin).await.unwrap_err();

    assert_eq!((error.code(), error.mend().as_str()), ("unavailable", "make workspaces on `host`"));
}
