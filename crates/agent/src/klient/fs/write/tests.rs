use std::time::{Duration, Instant};

use super::*;

struct Counting(std::sync::atomic::AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let count = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        buffer.copy_from_slice(&count.to_ne_bytes()[..buffer.len()]);
    }
}

#[test]
fn a_file_that_cannot_be_filled_is_not_there_by_half() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");

    let full = create_in_place(&path, |file| {
        file.write_all(b"half")?;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert!(!path.exists());

    create_in_place(&path, |file| file.write_all(b"whole")).unwrap();
    let again = create_in_place(&path, |_| panic!("somebody else's file is touched"));
    assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "whole");
}

/// A write that was begun goes on after its caller has gone. One that comes later must not overtake it, or what it
/// wrote would be replaced by something older.
#[tokio::test]
async fn a_write_waits_for_one_whose_caller_has_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let (writer, entropy) = (Writer::new(), Counting(0.into()));
    let writing = |byte: u8| Writing {
        path: path.clone(),
        content: vec![byte; 8 << 20],
        place: Place::Whole,
        existing: Existing::Written,
        last_hash: None,
    };

    for round in 0..20 {
        let mut given_up = Box::pin(writer.write(writing(b'a'), &entropy));
        let begin = Instant::now();
        // Until there is a draft: it is in the middle of its work.
        while std::fs::read_dir(folder.path())
            .unwrap()
            .flatten()
            .all(|found| !part_file::is_one(&found.file_name()))
        {
            assert!(begin.elapsed() < Duration::from_secs(30), "it does not begin");
            tokio::select! {
                biased;
                _ = &mut given_up => break,
                () = tokio::time::sleep(Duration::from_micros(200)) => {}
            }
        }
        drop(given_up);

        writer.write(writing(b'0' + round), &entropy).await.unwrap();

        // Whatever was under way has ended before.
        assert_eq!(std::fs::read(&path).unwrap().first(), Some(&(b'0' + round)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }
}
