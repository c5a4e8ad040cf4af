use super::*;

fn pushed(bytes: u64) -> Output {
    let output = Output::new();
    output.push(&vec![b'x'; usize::try_from(bytes).unwrap()]);
    output
}

async fn is_readable(output: &Output) -> bool {
    tokio::time::timeout(Duration::from_millis(1), output.readable()).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn nobody_watching_holds_nothing_up() {
    let output = pushed(BEHIND_MAX * 3);

    assert!(is_readable(&output).await);
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_falls_behind_holds_the_program_up_until_it_acknowledges() {
    let output = Output::new();
    let (viewer, ..) = output.join(None);

    output.push(&vec![b'x'; usize::try_from(BEHIND_MAX).unwrap() + 1]);
    assert!(!is_readable(&output).await);
    output.acknowledge(viewer, 1);

    assert!(is_readable(&output).await);
}

#[tokio::test(start_paused = true)]
async fn a_silent_viewer_holds_the_program_up_for_five_seconds_and_never_again() {
    let output = Output::new();
    output.join(None);
    let begin = Instant::now();

    output.push(&vec![b'x'; usize::try_from(BEHIND_MAX).unwrap() + 1]);
    output.readable().await;
    output.push(b"more");
    output.readable().await;

    assert_eq!(begin.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_leaves_holds_nothing_up() {
    let output = Output::new();
    let (viewer, ..) = output.join(None);

    output.push(&vec![b'x'; usize::try_from(BEHIND_MAX).unwrap() + 1]);
    output.leave(viewer);

    assert!(is_readable(&output).await);
}

#[test]
fn what_is_gone_or_was_never_there_resets_the_viewer() {
    let output = pushed(5 << 20);

    assert_eq!(output.join(Some(7)), (1, 3 << 20, true));
    assert_eq!(output.join(Some(4 << 20)), (2, 4 << 20, false));
    assert_eq!(output.join(Some(6 << 20)), (3, 3 << 20, true));
    assert!(matches!(output.next(7), Next::Reset(at) if at == 3 << 20));
}

#[test]
fn the_end_comes_after_the_last_byte() {
    let output = pushed(3);
    output.finish(7);

    assert!(matches!(output.next(0), Next::Bytes(bytes, 3) if bytes == b"xxx"));
    assert!(matches!(output.next(3), Next::Ended(7)));
}
