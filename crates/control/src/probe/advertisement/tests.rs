use proptest::prelude::*;

use super::{Advertisement, NotGit};

fn packet(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

const A: &str = "1111111111111111111111111111111111111111";
const B: &str = "2222222222222222222222222222222222222222";

fn answer() -> String {
    [
        packet("# service=git-upload-pack\n"),
        "0000".into(),
        packet(&format!("{A} HEAD\0multi_ack thin-pack symref=HEAD:refs/heads/main\n")),
        packet(&format!("{A} refs/heads/main\n")),
        packet(&format!("{B} refs/heads/feature/login\n")),
        packet(&format!("{A} refs/tags/v1.0\n")),
        packet(&format!("{B} refs/tags/v1.0^{{}}\n")),
        packet(&format!("{B} refs/merge-requests/1/head\n")),
        "0000".into(),
    ]
    .concat()
}

#[test]
fn branches_tags_and_commits_are_found_under_every_name_git_takes() {
    let mut refs = Advertisement::default();

    refs.feed(answer().as_bytes()).unwrap();

    assert!(refs.is_git() && refs.is_finished());
    assert_eq!(refs.names(), ["main", "feature/login", "v1.0"]);
    for reference in ["main", "refs/heads/main", "feature/login", "v1.0", "refs/tags/v1.0", A, B] {
        assert!(refs.has(reference), "{reference}");
    }
    assert!(!refs.has("login") && !refs.has("mai") && !refs.has(""));
}

#[test]
fn it_does_not_matter_where_the_network_cuts_the_answer() {
    for size in [1, 2, 3, 5, 7, 64] {
        let mut refs = Advertisement::default();

        for piece in answer().as_bytes().chunks(size) {
            refs.feed(piece).unwrap();
        }

        assert!(refs.is_finished() && refs.has("feature/login"), "pieces of {size}");
    }
}

#[test]
fn an_empty_repository_is_a_repository() {
    let capabilities = format!("{} capabilities^{{}}\0agent=git\n", "0".repeat(40));
    let text = [packet("# service=git-upload-pack\n"), "0000".into(), packet(&capabilities), "0000".into()];
    let mut refs = Advertisement::default();

    refs.feed(text.concat().as_bytes()).unwrap();

    assert!(refs.is_git() && refs.is_finished() && refs.names().is_empty());
}

#[test]
fn a_web_page_and_the_dumb_protocol_are_not_smart_git() {
    for text in [
        "<!DOCTYPE html><html>sign in</html>",
        "1111111111111111111111111111111111111111\trefs/heads/main\n",
        "001e# service=git-receive-pack\n",
        "0003abc",
        "+01e# service=git-upload-pack\n",
        "ffff",
    ] {
        let mut refs = Advertisement::default();
        let fed = refs.feed(text.as_bytes());
        assert!(fed == Err(NotGit) || !refs.is_git(), "{text}");
    }
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..2000 {
        let mut refs = Advertisement::default();
        let mut bytes = answer().into_bytes();
        for _ in 0..4 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = usize::try_from(state >> 33).unwrap() % bytes.len();
            bytes[at] = state.to_le_bytes()[1];
        }
        refs.feed(&bytes).ok();
    }
}

#[test]
fn a_repository_with_more_names_than_are_kept_is_not_said_to_lack_one() {
    let mut refs = Advertisement::default();
    let many: String =
        (0..30_000).map(|number| packet(&format!("{A} refs/heads/branch-{number}\n"))).collect();

    refs.feed(format!("{}0000{many}0000", packet("# service=git-upload-pack\n")).as_bytes()).unwrap();

    assert!(refs.is_finished() && !refs.is_whole());
    assert!(refs.has("branch-7") && !refs.has("branch-29999"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_the_same_however_they_are_cut(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        place in any::<prop::sample::Index>(),
        cut in 1usize..64,
    ) {
        let mut bytes = answer().into_bytes();
        let place = place.index(bytes.len());
        bytes.splice(place..place, noise);
        let (mut whole, mut pieces) = (Advertisement::default(), Advertisement::default());

        let at_once = whole.feed(&bytes);
        let in_pieces = bytes.chunks(cut).try_for_each(|piece| pieces.feed(piece));

        prop_assert_eq!(at_once, in_pieces);
        if at_once.is_ok() {
            prop_assert_eq!(whole.names(), pieces.names());
            prop_assert_eq!(whole.is_finished(), pieces.is_finished());
        }
    }
}
