use rustix::io::Errno;

use super::*;

#[test]
fn every_refusal_of_the_file_system_has_a_word_and_a_mend() {
    let cases = [
        (Errno::NOENT, 404, "not_found"),
        (Errno::ACCESS, 403, "permission"),
        (Errno::PERM, 403, "permission"),
        (Errno::ROFS, 403, "permission"),
        (Errno::NOSPC, 507, "no_space"),
        (Errno::DQUOT, 507, "no_space"),
        (Errno::FBIG, 400, "invalid"),
        (Errno::TXTBSY, 400, "invalid"),
        (Errno::ISDIR, 409, "is_folder"),
        (Errno::NOTDIR, 400, "invalid"),
        (Errno::EXIST, 409, "exists"),
        (Errno::NAMETOOLONG, 400, "invalid"),
        (Errno::IO, 500, "internal"),
    ];

    for (errno, status, code) in cases {
        let problem = Problem::of_path("write", Path::new("/a/b"), &errno.into());
        assert_eq!((problem.status.as_u16(), &*problem.problem.code), (status, code), "{errno:?}");
        assert!(problem.problem.detail.starts_with("cannot write `/a/b`: "), "{problem:?}");
        assert!(!problem.problem.mend.is_empty());
    }
}
