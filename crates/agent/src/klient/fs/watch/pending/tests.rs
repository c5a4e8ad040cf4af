use super::*;

fn told(pending: &mut Pending) -> Vec<(String, Change)> {
    pending
        .take_first(usize::MAX)
        .into_iter()
        .map(|(path, change)| (path.display().to_string(), change))
        .collect()
}

fn settled() -> Pending {
    let mut pending = Pending::default();
    pending.settle();
    pending
}

fn path(name: &str) -> &Path {
    Path::new(name)
}

fn renamed(from: &str, modified: bool) -> Change {
    Change::Renamed { from: path(from).into(), modified }
}

#[test]
fn many_changes_of_a_file_become_one() {
    let mut pending = Pending::default();
    pending.added(path("/a")).unwrap();
    for _ in 0..100_000 {
        pending.modified(path("/a")).unwrap();
    }
    pending.modified(path("/b")).unwrap();

    assert_eq!(told(&mut pending), [("/a".into(), Change::Added), ("/b".into(), Change::Modified)]);
    assert!(pending.is_empty());
    assert_eq!(pending.bytes, 0);
}

#[test]
fn what_was_removed_and_made_again_is_told_as_both() {
    let mut pending = Pending::default();
    pending.removed(path("/a"), true).unwrap();
    pending.added(path("/a")).unwrap();
    pending.modified(path("/a")).unwrap();

    assert_eq!(told(&mut pending), [("/a".into(), Change::Replaced { was_dir: true })]);
}

#[test]
fn a_move_of_something_that_is_removed_then_is_a_removal() {
    let mut pending = settled();
    assert_eq!(pending.renamed(path("/a"), path("/b"), false, Target::Free), Ok(Move::AsOne));
    pending.modified(path("/b")).unwrap();
    pending.removed(path("/b"), false).unwrap();

    assert_eq!(
        told(&mut pending),
        [("/a".into(), Change::Removed { is_dir: false }), ("/b".into(), Change::Removed { is_dir: false })]
    );
}

#[test]
fn a_changed_file_is_told_as_moved_and_as_changed() {
    let mut pending = settled();
    pending.modified(path("/a")).unwrap();
    assert_eq!(pending.renamed(path("/a"), path("/b"), false, Target::Free), Ok(Move::AsOne));

    assert_eq!(told(&mut pending), [("/b".into(), renamed("/a", true))]);
}

#[test]
fn a_folder_that_moves_with_changes_in_it_is_told_in_two() {
    let mut pending = settled();
    pending.modified(path("/a/inner")).unwrap();
    assert_eq!(pending.renamed(path("/a"), path("/b"), true, Target::Free), Ok(Move::InTwo));

    assert_eq!(
        told(&mut pending),
        [("/a".into(), Change::Removed { is_dir: true }), ("/b".into(), Change::Added)]
    );

    pending.missed(path("/b/inner").into()).unwrap();
    assert_eq!(pending.renamed(path("/b"), path("/c"), true, Target::Free), Ok(Move::InTwo));
    assert_eq!(pending.renamed(path("/d"), path("/e"), true, Target::Free), Ok(Move::AsOne));
}

#[test]
fn more_than_is_kept_is_said() {
    let mut pending = Pending::default();

    let full = (0..=MOST).find(|number| pending.added(&path("/").join(number.to_string())) == Err(Full));

    assert_eq!(full, Some(MOST));
    pending.clear();
    let long = path("/").join("x".repeat(4000));
    let full = (0..MOST).find(|number| pending.added(&long.join(number.to_string())) == Err(Full));
    assert!(full.is_some_and(|number| number < 300));
}
