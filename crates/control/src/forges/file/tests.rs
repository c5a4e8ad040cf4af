use super::{FileForge, check_key};

#[test]
fn a_key_gives_the_same_id_everywhere_and_another_key_another() {
    let id = FileForge::id_of("gitlab");

    // Written down: redirect addresses that are registered at forges depend on it.
    assert_eq!(id, FileForge::id_of("gitlab"));
    assert_ne!(id, FileForge::id_of("gitlab2"));
    assert_eq!(id.to_bytes()[6] >> 4, 8);
    assert_eq!(id.to_bytes()[8] >> 6, 2);
    assert_eq!(id.to_string().parse::<domain::ForgeId>(), Ok(id));
}

#[test]
fn a_key_is_a_word() {
    assert!(check_key("git-lab_1").is_ok());
    for key in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
        assert!(check_key(key).is_err(), "{key}");
    }
}
