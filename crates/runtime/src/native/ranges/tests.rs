use super::*;

fn an_id(text: &str) -> WorkspaceId {
    text.parse().unwrap()
}

const ONE: &str = "ws_01890000000000000000000001";

#[test]
fn the_same_workspace_gets_the_same_range_again() {
    assert_eq!(choose(Sharing::Own, an_id(ONE), &[]), choose(Sharing::Own, an_id(ONE), &[]));
}

#[test]
fn a_range_in_use_is_passed_over() {
    let first = choose(Sharing::Own, an_id(ONE), &[]).unwrap();

    let second = choose(Sharing::Own, an_id(ONE), &[first]).unwrap();

    assert_ne!(first, second);
}

#[test]
fn every_range_is_tried_once_and_lies_in_what_is_set_aside() {
    let all: std::collections::BTreeSet<u32> = candidates(an_id(ONE)).collect();

    assert_eq!(all.len(), candidates(an_id(ONE)).count());
    assert_eq!(*all.first().unwrap(), FIRST);
    assert!(all.last().unwrap() + (IDS_EACH - 1) <= LAST);
}

#[test]
fn a_range_given_to_a_user_is_never_chosen() {
    assert!(overlaps(&[(600_000, 65_536)], 589_824));
    assert!(overlaps(&[(600_000, 65_536)], 655_360));
    assert!(!overlaps(&[(600_000, 65_536)], 720_896));
}
