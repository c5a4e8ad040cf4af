//! What an administrator decides for everybody.

use control::PlatformWish;
use domain::{Forge, ForgeAuth, ForgeId, ForgeKind, ForgeState, RedirectPath, SignUp, SshAlgorithm};
use store::Identity;
use testkit::SeededEntropy;

use crate::sim::World;
use crate::teams::person;

const PASSWORD: &str = "correct horse battery";

fn wish(password_sign_in: bool) -> PlatformWish {
    PlatformWish {
        ssh_algorithm: "rsa-4096".into(),
        password_sign_in,
        make_teams: "everybody".into(),
        default_team: "everybody".into(),
    }
}

fn a_forge(state: ForgeState, world: &World) -> Forge {
    use domain::Clock;

    let now = world.clock.now();
    Forge {
        id: ForgeId::generate(now, &SeededEntropy::new(7)),
        team: None,
        kind: ForgeKind::Gitlab,
        name: "GitLab".into(),
        web_url: "https://gitlab.example".parse().unwrap(),
        api_url: None,
        git_url: None,
        ssh: None,
        auth: ForgeAuth::Oauth2 { client_id: "app".into() },
        redirect: RedirectPath::Own,
        scopes: vec!["read_user".into()],
        ca_pem: None,
        client_certificate: None,
        proxy: None,
        sign_in: true,
        sign_up: SignUp::Closed,
        state,
        version: None,
        from_file: false,
        created_at: now,
        created_by: None,
        updated_at: now,
    }
}

#[tokio::test]
async fn what_is_decided_is_kept_and_only_administrators_decide() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let eve = person(&server, "eve").await;
    let before = control.platform_settings(&server.admin).await.unwrap();
    assert!(before.password_sign_in);
    assert_eq!(before.ssh_algorithm, SshAlgorithm::Ed25519);

    let after = control.set_platform_settings(&server.admin, wish(true)).await.unwrap();

    assert_eq!(after.ssh_algorithm, SshAlgorithm::Rsa4096);
    assert_eq!(control.platform_settings(&server.admin).await.unwrap(), after);
    assert_eq!(control.platform_settings(&eve).await.unwrap_err().code(), "forbidden");
    assert_eq!(control.set_platform_settings(&eve, wish(true)).await.unwrap_err().code(), "forbidden");
    for bad in [
        PlatformWish { ssh_algorithm: "dsa".into(), ..wish(true) },
        PlatformWish { make_teams: "nobody".into(), ..wish(true) },
        PlatformWish { default_team: "nowhere".into(), ..wish(true) },
        PlatformWish { default_team: String::new(), ..wish(true) },
    ] {
        assert_eq!(control.set_platform_settings(&server.admin, bad).await.unwrap_err().code(), "invalid");
    }
}

#[tokio::test]
async fn passwords_are_switched_off_only_where_an_administrator_has_another_way_in() {
    let world = World::new().await;
    let server = world.server().await;
    let (control, admin) = (&server.control, &server.admin);
    let eve = person(&server, "eve").await;
    let refused = async || control.set_platform_settings(admin, wish(false)).await.unwrap_err().code();
    assert_eq!(refused().await, "no_other_way_in");

    // A forge that nobody has tried yet is no way in, nor is one of somebody who is no administrator.
    let mut forge = a_forge(ForgeState::Pending, &world);
    let identity = |user, subject: &str| Identity {
        issuer: forge.issuer(),
        subject: subject.into(),
        user,
        forge: Some(forge.id),
        created_at: forge.created_at,
        last_used_at: None,
    };
    let (eves, admins) = (identity(eve.user, "1"), identity(admin.user, "2"));
    let mut tx = world.store.begin().await.unwrap();
    tx.insert_forge(&forge).await.unwrap();
    tx.insert_identity(&admins).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(refused().await, "no_other_way_in");
    forge.state = ForgeState::Verified { at: forge.created_at, by: None };
    let mut tx = world.store.begin().await.unwrap();
    tx.save_forge(&forge).await.unwrap();
    tx.delete_identity(&admins.issuer, &admins.subject).await.unwrap();
    tx.insert_identity(&eves).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(refused().await, "no_other_way_in");
    let mut tx = world.store.begin().await.unwrap();
    tx.insert_identity(&admins).await.unwrap();
    tx.commit().await.unwrap();

    control.set_platform_settings(admin, wish(false)).await.unwrap();

    assert!(!control.password_sign_in().await.unwrap());
    let signed_in = control.sign_in("eve", PASSWORD.to_owned().into(), "x").await.err().unwrap();
    assert_eq!(signed_in.code(), "password_sign_in_off");
    assert!(signed_in.mend().contains("providers"));
    assert_eq!(control.local_caller("ada").await.unwrap().user, admin.user, "the local socket stays");
    control.set_platform_settings(admin, wish(true)).await.unwrap();
    control.sign_in("eve", PASSWORD.to_owned().into(), "x").await.unwrap();
}
