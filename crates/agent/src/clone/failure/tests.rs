use wire::agent::CloneRequest;

use super::*;

fn wanted() -> Wanted {
    let request = CloneRequest {
        url: "https://forge.test/a/b".into(),
        reference: Some("topic".into()),
        folder: "/workspace/b".into(),
        ..CloneRequest::default()
    };
    Wanted::read(&request).unwrap()
}

fn explained(said: &str) -> String {
    let wanted = wanted();
    let stopped = Stopped { status: None, said: said.to_owned(), is_missing: false };
    let failure = Failure::explain(&stopped, &wanted, None, None);
    assert!(!failure.mend.is_empty());
    failure.reason
}

#[test]
fn gits_words_are_understood() {
    for (said, expected) in [
        (
            "fatal: write error: No space left on device",
            "cannot clone `https://forge.test/a/b`: the disk is full",
        ),
        ("fatal: Remote branch topic not found in upstream origin", "has no branch, tag or commit `topic`"),
        (
            "fatal: unable to access 'https://forge.test/a/b/': Could not resolve host: forge.test",
            "there is no host `forge.test`",
        ),
        (
            "fatal: could not read Username for 'https://forge.test': terminal prompts disabled",
            "does not exist, or is private",
        ),
        (
            "remote: Not Found\nfatal: repository 'https://forge.test/a/b/' not found",
            "does not exist, or is private",
        ),
        (
            "fatal: unable to access 'https://forge.test/a/b/': SSL certificate problem: self-signed certificate",
            "the certificate of `forge.test`",
        ),
        (
            "fatal: unable to access 'x': Failed to connect to forge.test port 443 after 3 ms",
            "cannot reach `forge.test:443`",
        ),
        ("fatal: early EOF\nfatal: fetch-pack: invalid index-pack output", "the connection broke off"),
        ("fatal: could not create work tree dir: Permission denied", "cannot clone into `/workspace/b`"),
        ("warning: odd\nfatal: something new", "cannot clone `https://forge.test/a/b`: something new"),
        ("", "git gave no reason"),
    ] {
        let reason = explained(said);
        assert!(reason.contains(expected), "{said}: {reason}");
    }
}
