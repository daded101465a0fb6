//! The sections of host applications.

use super::*;

#[test]
fn hosts_are_sections_of_the_file_and_variables() {
    let other = "b7Yq0tXw2LmE5sVd8RkN1cHu4GzJ6aPf";
    let file = format!(
        "[auth]\njwt_secret = \"{SECRET}\"\nhost_create_users = true\n[matcha]\nhost = \"dating\"\n\
         [hosts.dating]\nsecret = \"{other}\"\ncreate_users = true\noffset = 5000\naudience = \"talk\"\n"
    );
    let config = from_file(&file).expect("two hosts").config;
    let hosts = config.hosts.with_default(&config.auth);
    assert_eq!(hosts.keys().collect::<Vec<_>>(), ["dating", "default"]);
    let (dating, default) = (&hosts["dating"], &hosts["default"]);
    assert_eq!((dating.offset, dating.create_users, dating.audience.as_deref()), (5_000, true, Some("talk")));
    assert_eq!((default.offset, default.create_users), (1_000_000_000, true));
    assert_eq!(default.secret.as_ref().map(|secret| secret.reveal()), Some(SECRET));
    let names = config.endpoint_hosts().map(|(_, host)| host.to_owned());
    assert_eq!(names, ["default", "default", "dating"]);

    let variables = [
        ("PALABRE_HOSTS__DATING__SECRET", other),
        ("PALABRE_HOSTS__DATING__CREATE_USERS", "on"),
        ("PALABRE_HOSTS__DATING__OFFSET", "5000"),
        ("PALABRE_HOSTS__DATING__AUDIENCE", "talk"),
    ];
    assert_eq!(from_env(&variables).config.hosts, config.hosts);
    assert!(describe::template().contains("[hosts.other]") && describe::reference().contains("[hosts.NAME]"));
    let loaded = from_env(&variables);
    let report = describe::report(&loaded);
    assert!(report.contains("hosts.dating.secret = (hidden)") && !report.contains(other), "{report}");
}

#[test]
fn hosts_that_cannot_be_told_apart_are_refused() {
    let other = "b7Yq0tXw2LmE5sVd8RkN1cHu4GzJ6aPf";
    for (file, problem) in [
        ("[hosts.a]\n".to_owned(), "hosts.a has no secret"),
        (format!("[hosts.a]\nsecret = \"{other}\"\n[hosts.b]\nsecret = \"{other}\"\n"), "must not be the same"),
        (
            format!("[auth]\njwt_secret = \"{other}\"\n[hosts.a]\nsecret = \"{other}\"\n"),
            "hosts.a.secret and auth.jwt_secret must not be the same",
        ),
        ("[hosts]\na = 1\n".to_owned(), "not a section [hosts.a]"),
        (format!("[hosts.A-b]\nsecret = \"{other}\"\n"), "no name of a host"),
        (format!("[hosts.a]\nsecret = \"{other}\"\ncolour = 1\n"), "there is no key hosts.a.colour"),
        (format!("[hosts.a]\nsecret = \"{other}\"\noffset = 7\n"), "hosts.a.offset = 7: is out of range"),
        ("[hosts.a]\nsecret = \"short\"\n".to_owned(), "hosts.a.secret: is shorter"),
        ("[matcha]\nhost = \"dating\"\n".to_owned(), "there is no section [hosts.dating]"),
        (
            format!("[auth]\njwt_secret = \"{SECRET}\"\nhost_tokens = true\n[hosts.default]\nsecret = \"{other}\"\n"),
            "the host `default` has one secret",
        ),
    ] {
        let found = file_problem(&file);
        assert!(found.contains(problem), "{file}: {found}");
        assert!(!found.contains(other), "{found}");
    }
}
