use super::*;

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hearth.toml");
    std::fs::write(&path, file).unwrap();
    Config::load(Some(&path), environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())), &[])
}

#[test]
fn the_default_file_is_valid_and_names_every_field() {
    let config = Config::load(None, [], &[]).unwrap();

    assert_eq!(config.server.listen, "127.0.0.1:8090");
    assert_eq!(config.limits(), Limits::default());
    assert_eq!((config.registry.region.as_str(), config.registry.token_seconds), ("local", 3600));
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "[server]\nlisten = \"0.0.0.0:1\"\n[workspaces]\npids = 100";

    let config = load(
        file,
        &[("HEARTH_SERVER__LISTEN", "0.0.0.0:2"), ("HEARTH_OUTBOUND__ALLOW", "10.0.0.0/8, 192.168.0.0/16")],
    )
    .unwrap();

    assert_eq!(config.server.listen, "0.0.0.0:2");
    assert_eq!(config.workspaces.pids, 100);
    assert_eq!(config.outbound.allow.len(), 2);
}

#[test]
fn every_problem_is_named_at_once() {
    let file = "[server]\nlisten = 5\nport = 1\n[wrkspaces]\na = 1\n";

    let Problems(problems) = load(file, &[("HEARTH_LOG__FORMATT", "x")]).unwrap_err();

    assert_eq!(problems.len(), 4, "{problems:#?}");
}

#[test]
fn every_bad_value_is_named_at_once() {
    let file = "[server]\nlisten = \"nowhere\"\npublic_url = \"ftp://x\"\n[database]\nurl = \"mysql:x\"\n\
                [workspaces]\nrootfs = \"NOT AN IMAGE\"\npids = 1\nstarts_at_once = 0\nper_user = 0\n\
                [outbound]\nallow = [\"everything\"]\n[registry]\nregion = \"a/b\"\ntoken_seconds = 9\nkey_days = 366\n[log]\nformat = \"xml\"\n";

    let Problems(problems) = load(file, &[]).unwrap_err();

    assert_eq!(problems.len(), 12, "{problems:#?}");
}

#[test]
fn forges_come_from_the_file_the_environment_and_flags() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hearth.toml");
    std::fs::write(&path, "[forge.gitlab]\nkind = \"gitlab\"\nurl = \"https://gitlab.example.com\"").unwrap();
    let environment = [("HEARTH_FORGE__GITLAB__SIGN_IN".to_owned(), "true".to_owned())];
    let flags = ["forge.gitlab.scopes=api,read_user".to_owned(), "forge.other.kind=github".to_owned()];

    let config = Config::load(Some(&path), environment, &flags).unwrap();

    let gitlab = &config.forge["gitlab"];
    assert_eq!(gitlab.url, "https://gitlab.example.com");
    assert!(gitlab.sign_in);
    assert_eq!(gitlab.scopes, ["api", "read_user"]);
    assert_eq!(config.forge["other"].kind, "github");
}

#[test]
fn a_bad_forge_is_told_key_by_key() {
    let file = "[forge.a]\nkind = \"svn\"\n[forge.b]\nkind = \"bitbucket_server\"\nsign_up = \"domains\"\n\
                client_secret = \"x\"\nclient_secret_file = \"/nonexistent\"\n";

    let Problems(problems) = load(file, &[]).unwrap_err();

    assert_eq!(problems.len(), 5, "{problems:#?}");
    assert!(!problems.join("").contains("`x`"));
}

#[test]
fn a_key_that_a_forge_does_not_have_is_told() {
    let Problems(problems) = load("[forge.a]\nkind = \"gitlab\"\nsecret = \"x\"\n", &[]).unwrap_err();

    assert!(problems[0].contains("unknown key `forge.a.secret`"), "{problems:#?}");
}
