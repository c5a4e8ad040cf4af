use proptest::prelude::*;

use super::*;

fn progress(phase: &str, percent: u8, detail: &str) -> Said {
    Said::Progress { phase: phase.into(), percent, detail: detail.into() }
}

#[test]
fn progress_and_lines_are_told_apart() {
    let text = "Cloning into '/w/.a.hearth-clone'...\n\
        remote: Enumerating objects: 3\rremote: Enumerating objects: 12, done.        \n\
        remote: Counting objects:  50% (6/12)        \rremote: Counting objects: 100% (12/12), done.\u{1b}[K\n\
        Receiving objects:  50% (6/12), 1.20 MiB | 3.10 MiB/s\r\
        Receiving objects:  50% (6/12), 1.30 MiB | 3.10 MiB/s\r\
        Receiving objects: 100% (12/12), 2.00 MiB | 3.10 MiB/s, done.\n\
        warning: be careful\n";

    let said = Lines::default().push(text.as_bytes());

    assert_eq!(
        said,
        [
            Said::Line("remote: Enumerating objects: 12, done.".into()),
            progress("Counting objects", 50, "6/12"),
            progress("Counting objects", 100, "12/12"),
            progress("Receiving objects", 50, "1.20 MiB | 3.10 MiB/s"),
            progress("Receiving objects", 100, "2.00 MiB | 3.10 MiB/s"),
            Said::Line("warning: be careful".into()),
        ]
    );
}

#[test]
fn bytes_may_come_one_by_one() {
    let mut lines = Lines::default();

    let said: Vec<Said> =
        b"Resolving deltas:  33% (1/3)\rfatal: no\n".chunks(1).flat_map(|byte| lines.push(byte)).collect();

    assert_eq!(said, [progress("Resolving deltas", 33, "1/3"), Said::Line("fatal: no".into())]);
}

#[test]
fn an_endless_line_is_cut() {
    let mut lines = Lines::default();

    lines.push(&vec![b'x'; 1 << 20]);
    let said = lines.push(b"\n");

    assert_eq!(said, [Said::Line("x".repeat(LINE_MAX))]);
}

proptest! {
    #[test]
    fn any_words_of_a_remote_become_short_lines_and_true_percentages(
        text in prop::collection::vec(prop_oneof![
            "[a-zA-Z ]{0,12}: {0,3}[0-9]{0,4}%? ?\\(?[0-9/]{0,6}\\)?(, done\\.)?",
            "\\PC{0,3000}",
        ], 0..6),
        cut in 1usize..50,
    ) {
        let text = text.join("\r") + "\n";
        let mut lines = Lines::default();

        let said: Vec<Said> = text.as_bytes().chunks(cut).flat_map(|piece| lines.push(piece)).collect();

        for said in said {
            match said {
                Said::Progress { percent, .. } => prop_assert!(percent <= 100),
                // A cut character becomes three bytes.
                Said::Line(line) => prop_assert!(line.len() <= LINE_MAX + 3),
            }
        }
    }
}
