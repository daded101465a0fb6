//! Layers, names, refusals and documents of the configuration.

mod hosts;

use std::{collections::BTreeMap, net::IpAddr};

use super::{
    Config, Deployment, FilesPlace, Format, Input, Level, Secrecy, Subnet, ValueSource, describe, keys,
    layers::{Loaded, Sources, merge},
    old_names::{How, OLD_NAMES},
};

const SECRET: &str = "n3Wq8ZkP1xVb6TgYc0RmJ5sLd9HfEa2u";

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn from_env(pairs: &[(&str, &str)]) -> Loaded {
    merge(&Sources { environment: environment(pairs), ..Sources::default() })
        .unwrap_or_else(|error| panic!("{pairs:?}: {error}"))
}

fn env_problem(pairs: &[(&str, &str)]) -> String {
    match merge(&Sources { environment: environment(pairs), ..Sources::default() }) {
        Ok(_) => panic!("{pairs:?} was accepted"),
        Err(error) => error.to_string(),
    }
}

fn from_file(text: &str) -> Result<Loaded, String> {
    let file = Some(("palabre.toml".to_owned(), text.to_owned()));
    merge(&Sources { file, ..Sources::default() }).map_err(|error| error.to_string())
}

fn file_problem(text: &str) -> String {
    from_file(text).map(|_| ()).expect_err(text)
}

#[test]
fn nothing_given_means_the_defaults() {
    let loaded = from_env(&[]);
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(loaded.config.database_url().reveal(), "sqlite:./data/palabre.db");
    assert_eq!(loaded.config.chat_server.address(), None);
    assert!(!loaded.config.auth.accepts_host_tokens());
    assert_eq!(loaded.origin("server.listen"), ValueSource::Default);
}

#[test]
fn a_stronger_layer_wins() {
    let mut sources = Sources {
        file: Some(("site.toml".into(), "[server]\nlisten = \"127.0.0.1:1\"\nname = \"Site\"\n".into())),
        ..Sources::default()
    };
    let loaded = merge(&sources).expect("file");
    assert_eq!(loaded.config.server.listen.port(), 1);
    assert_eq!(loaded.origin("server.listen"), ValueSource::File("site.toml".into()));

    sources.environment = environment(&[("CHAT_SERVER_PORT", "2")]);
    let loaded = merge(&sources).expect("old name");
    assert_eq!(loaded.config.server.listen.port(), 2);
    assert_eq!(loaded.origin("server.listen"), ValueSource::Variable("CHAT_SERVER_PORT".into()));

    sources.environment = environment(&[("CHAT_SERVER_PORT", "2"), ("PALABRE_SERVER__LISTEN", "127.0.0.1:3")]);
    let loaded = merge(&sources).expect("own name");
    assert_eq!(loaded.config.server.listen.port(), 3);

    sources.flags = vec![("--listen", "server.listen", "127.0.0.1:4".into())];
    let loaded = merge(&sources).expect("flag");
    assert_eq!(loaded.config.server.listen.port(), 4);
    assert_eq!(loaded.origin("server.listen"), ValueSource::Flag("--listen"));
    assert_eq!(loaded.config.server.name, "Site", "what the stronger layers do not set stays");
}

/// A value that each key accepts and that is not its default, as text.
fn another_value(path: &str) -> &'static str {
    match path {
        "server.listen" => "0.0.0.0:9999",
        "server.name" => "Kiosk",
        "server.public_url" => "https://chat.example.org/talk",
        "server.allowed_origins"
        | "chat_server.allowed_origins"
        | "dreametrix.allowed_origins"
        | "matcha.allowed_origins" => "https://a.example.org,http://localhost:5173",
        "server.trusted_proxies" => "10.0.0.0/8",
        "server.metrics_listen" => "127.0.0.1:9090",
        "server.environment" => "dev",
        "database.url" => "postgres://p:q@db/palabre",
        "redis.url" => "redis://p:q@cache:6380/1",
        "redis.cluster" => "true",
        "data.dir" => "/srv/palabre",
        "database.auto_migrate" | "auth.open_registration" | "chat_server.enabled" | "push.enabled" | "web.client" => {
            "false"
        }
        "auth.jwt_secret" | "redis.secret" | "redis.accepted_secret" => SECRET,
        "auth.host_tokens" => "no",
        "auth.host_create_users" => "on",
        "auth.host_offset" => "2000",
        "chat_server.host" | "dreametrix.host" | "matcha.host" => "default",
        "chat_server.listen" => "127.0.0.1:9001",
        "dreametrix.listen" => "127.0.0.1:8000",
        "matcha.listen" => "127.0.0.1:8004",
        "web.playground" => "on",
        "log.level" => "debug",
        "log.filter" => "info,sqlx=debug",
        "log.format" => "json",
        "outgoing.allow" => "10.0.0.0/8,wiki.internal:8080",
        "push.contact" => "mailto:admin@example.org",
        "data.file_types" => "image,pdf",
        "data.scanner" => "tcp://clamd:3310",
        "data.accept_unscanned" | "s3.path_style" | "previews.enabled" => "true",
        "s3.endpoint" => "https://minio.example.org:9000",
        "s3.encryption" => "aws:kms=a-key",
        "limits.files_per_message"
        | "limits.message_burst"
        | "database.connect_timeout_seconds"
        | "limits.history_page" => "7",
        "limits.frame_bytes"
        | "limits.queue_bytes"
        | "limits.avatar_bytes"
        | "limits.emoji_bytes"
        | "limits.voice_ms" => "20000",
        "limits.typing_ms" => "700",
        "auth.refresh_absolute_days" => "40",
        _ => "17",
    }
}

#[test]
fn every_key_is_set_by_its_own_variable_and_by_the_file() {
    for key in keys() {
        let (path, text) = (key.path(), another_value(&key.path()));
        let mut expected = Config::default();
        key.set(&mut expected, Input::Text(text)).unwrap_or_else(|problem| panic!("{problem}"));
        assert_ne!(expected, Config::default(), "{path}");

        let loaded = from_env(&[(&key.variable(), text)]);
        assert_eq!(loaded.config, expected, "{path}");
        assert_eq!(loaded.origin(&path), ValueSource::Variable(key.variable()));

        let value = key.get(&expected).unwrap_or_else(|| panic!("{path} is not shown"));
        let file = format!("[{}]\n{} = {value}\n", key.section, key.name);
        assert_eq!(from_file(&file).unwrap_or_else(|problem| panic!("{problem}")).config, expected, "{file}");
    }
}

#[test]
fn every_old_name_sets_its_key() {
    for old in OLD_NAMES {
        let base = [("DB_HOST", "db"), ("DB_NAME", "matcha_dev")];
        let (text, expected): (&str, &str) = match (old.how, old.key, old.name) {
            (How::DatabasePart, _, "DB_HOST") => ("pg", "postgres://postgres@pg:5432/matcha_dev"),
            (How::DatabasePart, _, "DB_PORT") => ("6000", "postgres://postgres@db:6000/matcha_dev"),
            (How::DatabasePart, _, "DB_NAME") => ("chat", "postgres://postgres@db:5432/chat"),
            (How::DatabasePart, _, "DB_USER") => ("m@t", "postgres://m%40t@db:5432/matcha_dev"),
            (How::DatabasePart, ..) => ("p:w", "postgres://postgres:p%3Aw@db:5432/matcha_dev"),
            (How::Host | How::LooseHost, ..) => ("0.0.0.0", "0.0.0.0:8080"),
            (How::Port, ..) => ("3001", "127.0.0.1:3001"),
            (How::Duration(60), ..) => ("20m", "20"),
            (How::Duration(86_400), ..) => ("7d", "7"),
            (How::Duration(_), ..) => ("12s", "12"),
            (How::Same, "server.environment", _) => ("dev", "development"),
            (How::Same, key, _) => (another_value(key), another_value(key)),
        };
        let mut pairs = vec![(old.name, text)];
        if old.how == How::DatabasePart {
            pairs.extend(base.iter().filter(|(name, _)| *name != old.name));
        }
        let loaded = from_env(&pairs);
        let key = keys().into_iter().find(|key| key.path() == old.key).expect(old.name);
        let mut wanted = Config::default();
        key.set(&mut wanted, Input::Text(expected)).expect(old.name);
        assert_eq!(key.get(&loaded.config), key.get(&wanted), "{}", old.name);
        assert!(matches!(loaded.origin(old.key), ValueSource::Variable(_)), "{}", old.name);
    }
}

#[test]
fn vezas_own_form_is_accepted_as_veza_wrote_it() {
    for name in ["CHAT_SERVER_limits__max_message_length", "CHAT_SERVER__LIMITS__MAX_MESSAGE_LENGTH"] {
        assert_eq!(from_env(&[(name, "500")]).config.limits.message_length, 500, "{name}");
    }
}

#[test]
fn the_quick_starts_of_the_old_systems_work() {
    let veza = from_env(&[
        ("CHAT_SERVER_HOST", "0.0.0.0"),
        ("CHAT_SERVER_PORT", "8080"),
        ("CHAT_ENVIRONMENT", "production"),
        ("DATABASE_URL", "postgresql://veza:secret@localhost/veza_chat"),
        ("DATABASE_MAX_CONNECTIONS", "20"),
        ("JWT_SECRET", SECRET),
        ("JWT_ACCESS_DURATION", "15m"),
        ("JWT_REFRESH_DURATION", "7d"),
        ("ENABLE_FILE_UPLOADS", "true"),
        ("MAX_MESSAGE_LENGTH", "2000"),
        ("MAX_CONNECTIONS_PER_USER", "5"),
        ("RATE_LIMIT_MESSAGES_PER_MINUTE", "60"),
        ("RUST_LOG", "chat_server=debug,info"),
        ("LOG_LEVEL", "info"),
    ])
    .config;
    assert_eq!(veza.server.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(veza.database_url().reveal(), "postgres://veza:secret@localhost/veza_chat");
    assert_eq!((veza.auth.access_minutes, veza.auth.refresh_days), (15, 7));
    assert_eq!(veza.limits.connections_per_user, 5);
    assert!(veza.auth.accepts_host_tokens(), "an operator's secret is the host application's");
    assert_eq!(veza.log.directives(), "chat_server=debug,info");

    let chat_server = from_env(&[("WS_BIND_ADDR", "0.0.0.0:9001"), ("DATABASE_URL", "postgres://u:p@db/chat")]).config;
    assert_eq!(chat_server.chat_server.address().map(|at| at.to_string()).as_deref(), Some("0.0.0.0:9001"));
}

#[test]
fn old_names_that_disagree_are_both_named() {
    for (pairs, wanted) in [
        ([("CHAT_SERVER_PORT", "1"), ("PORT", "2")], ["CHAT_SERVER_PORT", "PORT"]),
        (
            [("SERVER_BIND_ADDR", "127.0.0.1:1"), ("CHAT_SERVER_HOST", "0.0.0.0")],
            ["SERVER_BIND_ADDR", "CHAT_SERVER_HOST"],
        ),
        ([("JWT_ACCESS_DURATION", "15m"), ("JWT_EXPIRY_MINUTES", "20")], ["JWT_ACCESS_DURATION", "JWT_EXPIRY_MINUTES"]),
        ([("DB_AUTO_MIGRATE", "false"), ("AUTO_MIGRATE", "true")], ["DB_AUTO_MIGRATE", "AUTO_MIGRATE"]),
    ] {
        let problem = env_problem(&pairs);
        assert!(wanted.iter().all(|name| problem.contains(name)) && problem.contains("disagree"), "{problem}");
    }
    let problem = env_problem(&[("DATABASE_URL", "postgres://a:geheim@b/c"), ("DB_HOST", "b"), ("DB_NAME", "d")]);
    assert!(
        problem.contains("DATABASE_URL") && problem.contains("DB_HOST") && !problem.contains("geheim"),
        "{problem}"
    );

    let same =
        from_env(&[("JWT_ACCESS_DURATION", "15m"), ("JWT_EXPIRY_MINUTES", "15"), ("HOST", "0.0.0.0"), ("PORT", "80")]);
    assert_eq!(same.config.server.listen.to_string(), "0.0.0.0:80");
    let own = from_env(&[("CHAT_SERVER_PORT", "1"), ("PORT", "2"), ("PALABRE_SERVER__LISTEN", "[::]:3")]);
    assert_eq!(own.config.server.listen.to_string(), "[::]:3");
}

#[test]
fn what_other_programs_set_is_left_alone() {
    let config = from_env(&[
        ("HOST", "x86_64-conda-linux-gnu"),
        ("PALABRE_PORT", "tcp://10.0.0.1:8080"),
        ("PALABRE_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("PALABRE_SERVICE_HOST", "10.0.0.1"),
        ("CHAT_SERVER_PORT", "tcp://10.0.0.1:8080"),
        ("PALABRE_TEST_POSTGRES", "postgres://x"),
        ("PALABRE_BENCH_SECRET", "of the load, not of the server"),
        ("PALABRE_MOVE_TO", "postgres://x"),
        ("PALABRE_CONFIG", "elsewhere.toml"),
        ("DATABASE_URL", ""),
        ("PALABRE_SERVER__NAME", ""),
    ])
    .config;
    assert_eq!(config, Config::default());
}

#[test]
fn unknown_names_are_refused_with_what_is_allowed() {
    let problem = file_problem("[server]\nlisen = \"127.0.0.1:1\"\n");
    assert!(problem.contains("server.lisen") && problem.contains("listen, name"), "{problem}");
    let problem = file_problem("[sever]\nlisten = 1\n");
    assert!(problem.contains("[sever]") && problem.contains("database"), "{problem}");
    let problem = file_problem("listen = 1\n");
    assert!(problem.contains("listen"), "{problem}");
    let problem = file_problem("server = 1\n");
    assert!(problem.contains("not a section"), "{problem}");
    let problem = env_problem(&[("PALABRE_SERVER__LISEN", "x")]);
    assert!(problem.contains("PALABRE_SERVER__LISEN") && problem.contains("PALABRE_SERVER__LISTEN"), "{problem}");
    for name in ["PALABRE_LISTEN", "PALABRE_NOPE__KEY", "PALABRE_SERVER_LISTEN"] {
        assert!(env_problem(&[(name, "x")]).contains(name));
    }
}

#[test]
fn nonsense_is_refused_with_the_keys_name_and_what_is_allowed() {
    for (section, line) in [
        ("server", "listen = \"8080\""),
        ("server", "listen = 8080"),
        ("server", "listen = \"chat.example.org:80\""),
        ("server", "listen = \"127.0.0.1:65536\""),
        ("server", "name = \" \""),
        ("server", "public_url = \"chat.example.org\""),
        ("server", "allowed_origins = [\"*\"]"),
        ("server", "allowed_origins = [\"https://a.example/path\"]"),
        ("server", "allowed_origins = [\"null\"]"),
        ("server", "allowed_origins = \"https://a.example\""),
        ("server", "trusted_proxies = [\"10.0.0.0/33\"]"),
        ("server", "trusted_proxies = [\"proxy\"]"),
        ("server", "environment = \"qa\""),
        ("server", "shutdown_seconds = 0"),
        ("database", "url = \"mysql://u:p@h/d\""),
        ("database", "url = \"sqlite:\""),
        ("database", "url = \"sqlite:file:x.db\""),
        ("database", "url = \"sqlite::memory:\""),
        ("database", "max_connections = 1"),
        ("database", "max_connections = \"20\""),
        ("database", "auto_migrate = \"yes\""),
        ("data", "dir = \"\""),
        ("auth", "jwt_secret = \"too short\""),
        ("auth", "access_minutes = 0"),
        ("auth", "refresh_days = 3.5"),
        ("limits", "message_length = 10001"),
        ("limits", "message_length = 0"),
        ("chat_server", "enabled = 1"),
        ("web", "client = \"maybe\""),
        ("web", "playground = 1"),
        ("log", "level = \"loud\""),
        ("log", "filter = \"a=b=c\""),
        ("log", "format = \"xml\""),
    ] {
        let problem = file_problem(&format!("[{section}]\n{line}\n"));
        let key = format!("{section}.{}", line.split(' ').next().unwrap_or_default());
        assert!(problem.contains(&key) && problem.contains("allowed: "), "{line}: {problem}");
    }
    for (variable, text) in [
        ("JWT_ACCESS_DURATION", "15 parsecs"),
        ("JWT_ACCESS_DURATION", "90s"),
        ("CHAT_SERVER_PORT", "0"),
        ("CHAT_SERVER_HOST", "chat.example.org"),
        ("MAX_MESSAGE_LENGTH", "lots"),
        ("DB_HOST", "only"),
    ] {
        assert!(env_problem(&[(variable, text)]).contains(variable), "{variable}={text}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let problem = file_problem("[server]\nname = 1\nshutdown_seconds = 0\n[log]\nlevel = \"loud\"\n");
    for key in ["server.name", "server.shutdown_seconds", "log.level"] {
        assert!(problem.contains(key), "{problem}");
    }
}

#[test]
fn keys_that_contradict_each_other_are_refused() {
    for (text, wanted) in [
        ("[auth]\nhost_tokens = true\n", "auth.jwt_secret"),
        ("[auth]\nrefresh_days = 60\nrefresh_absolute_days = 30\n", "auth.refresh_absolute_days"),
        ("[server]\nmetrics_listen = \"127.0.0.1:8080\"\n", "server.metrics_listen"),
        ("[chat_server]\nlisten = \"127.0.0.1:8080\"\n", "chat_server.listen"),
        ("[matcha]\nlisten = \"127.0.0.1:8080\"\n", "matcha.listen"),
        ("[matcha]\nlisten = \"127.0.0.1:8000\"\n[dreametrix]\nlisten = \"127.0.0.1:8000\"\n", "dreametrix.listen"),
    ] {
        assert!(file_problem(text).contains(wanted), "{text}");
    }
}

#[test]
fn sample_secrets_are_refused_and_no_secret_is_told() {
    for sample in [
        "your_secret_key_that_is_long_enough_now",
        "your-super-secret-key-with-some-more-text",
        "my_very_secret_key_2024_for_production",
        "change-me-please-0f9a8b7c6d5e4f3a2b1c",
        "ChangeMeInProduction1234567890!!!!",
        "veza_jwt_secret_key_minimum_32_characters_long",
        "dev-secret-dev-secret-0f9a8b7c6d5e",
        "0123456789abcdef0123456789abcdef",
        "this-is-an-example-of-0f9a8b7c6d5e4f3a",
        "x9Q2mZ7kx9Q2mZ7kx9Q2mZ7kx9Q2mZ7kx9",
        "n3Wq8ZkP1xVb6TgYc0RmJ5sLd9HfEa2",
        &"a".repeat(40),
    ] {
        let problem = env_problem(&[("JWT_SECRET", sample)]);
        assert!(problem.contains("auth.jwt_secret") && !problem.contains(sample), "{problem}");
    }
    let problem = file_problem("[auth]\njwt_secret = \"geheim-geheim\n");
    assert!(problem.contains("line 2") && !problem.contains("geheim"), "{problem}");
    let problem = file_problem("[database]\nurl = \"mysql://root:geheim@h/d\"\n");
    assert!(!problem.contains("geheim"), "{problem}");

    let loaded = from_env(&[("JWT_SECRET", SECRET), ("DATABASE_URL", "postgres://me:geheim@h/d?password=geheim&x=1")]);
    let report = describe::report(&loaded);
    assert!(!report.contains(SECRET) && !report.contains("geheim"), "{report}");
    assert!(report.contains("# JWT_SECRET") && report.contains("postgres://me:(hidden)@h/d"), "{report}");
    assert!(report.contains("# default"), "{report}");
    let debug = format!("{:?}", loaded.config);
    assert!(!debug.contains(SECRET) && !debug.contains("geheim"), "{debug}");
}

#[test]
fn redis_is_named_with_or_without_its_scheme_and_never_told_whole() {
    let url = |text| from_env(&[("REDIS_URL", text)]).config.redis.url.map(|url| url.reveal().to_owned());
    assert_eq!(url("localhost:6379").as_deref(), Some("redis://localhost:6379"));
    assert_eq!(url("redis://h/2").as_deref(), Some("redis://h/2"));
    for wrong in ["rediss://geheim@h", "redis://", "http://geheim", "geheim"] {
        let problem = env_problem(&[("REDIS_URL", wrong)]);
        assert!(problem.contains("redis.url") && !problem.contains("geheim"), "{problem}");
    }
    let report = describe::report(&from_env(&[("REDIS_URL", "redis://me:geheim@h")]));
    assert!(report.contains("redis://me:(hidden)@h") && !report.contains("geheim"), "{report}");
}

#[test]
fn a_level_from_a_stronger_layer_ends_a_filter() {
    let mut sources = Sources { environment: environment(&[("RUST_LOG", "warn,engine=trace")]), ..Sources::default() };
    assert_eq!(merge(&sources).expect("filter").config.log.directives(), "warn,engine=trace");
    sources.flags = vec![("--log-level", "log.level", "debug".into())];
    let log = merge(&sources).expect("level").config.log;
    assert_eq!((log.level, log.directives().as_str()), (Level::Debug, "debug,sqlx=warn,hyper=warn"));
    assert_eq!(log.format, Format::Pretty);
}

#[test]
fn origins_are_kept_as_browsers_write_them() {
    let config = from_env(&[("ALLOWED_ORIGINS", "HTTPS://Chat.Example.org:443, http://[::1]:3000")]).config;
    assert_eq!(config.matcha.allowed_origins, ["https://chat.example.org", "http://[::1]:3000"]);
    assert_eq!(config.server.environment, Deployment::Production);
}

#[test]
fn the_origins_of_two_old_systems_do_not_contradict_each_other() {
    let config = from_env(&[
        ("ALLOWED_ORIGINS", "https://dates.example.org"),
        ("CORS_ALLOWED_ORIGINS", "https://school.example.org"),
    ])
    .config;
    assert_eq!(config.matcha.allowed_origins, ["https://dates.example.org"]);
    assert_eq!(config.dreametrix.allowed_origins, ["https://school.example.org"]);
    // Veza's clients speak our own protocol.
    assert_eq!(config.server.allowed_origins, ["https://school.example.org"]);
    assert_eq!(config.chat_server.allowed_origins, [] as [&str; 0]);
}

#[test]
fn addresses_that_say_the_same_are_kept_in_one_form() {
    for (written, kept) in [
        ("https://Chat.Example.org:443", "https://chat.example.org"),
        ("https://chat.example.org./", "https://chat.example.org"),
        ("HTTP://chat.example.org:80/talk/", "http://chat.example.org/talk"),
        ("https://bücher.example:8443/A", "https://xn--bcher-kva.example:8443/A"),
        ("http://[2001:DB8::1]:80", "http://[2001:db8::1]"),
    ] {
        let config = from_env(&[("PALABRE_SERVER__PUBLIC_URL", written)]).config;
        assert_eq!(config.server.public_url.as_deref(), Some(kept), "{written}");
    }
    for (wrong, reason) in [
        ("https://ann:pw@chat.example.org", "names a user"),
        ("https://chat.example.org/?a", "has a query"),
        ("https://chat.example.org/#a", "a fragment"),
        ("https://chat.example.org/v1", "cannot be told from the server's own path /v1"),
        ("https://chat.example.org/c/", "cannot be told from the server's own path /c"),
        ("https://*.example.org", "has no valid host"),
    ] {
        let problem = env_problem(&[("PALABRE_SERVER__PUBLIC_URL", wrong)]);
        assert!(problem.contains("server.public_url") && problem.contains(reason), "{wrong}: {problem}");
    }
}

#[test]
fn a_network_has_one_form_however_it_was_written() {
    for (written, kept) in [
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("127.0.0.1", "127.0.0.1/32"),
        (" 127.0.0.1 ", "127.0.0.1/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("1.2.3.4/0", "0.0.0.0/0"),
        ("::ffff:10.1.2.3", "10.1.2.3/32"),
        ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("2001:DB8::1/32", "2001:db8::/32"),
        ("::1", "::1/128"),
        ("::/0", "::/0"),
    ] {
        assert_eq!(Subnet::parse(written).expect(written).to_string(), kept, "{written}");
    }
    let mapped = Subnet::parse("::ffff:10.0.0.0/104").expect("a network");
    for address in ["10.1.2.3", "::ffff:10.1.2.3"] {
        assert!(mapped.contains(address.parse().expect("an address")), "{address}");
    }
    for wrong in [
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "10.0.0.0/-1",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/8/8",
        "::ffff:10.0.0.0/95",
        "10.0.0.1:80",
        "[::1]",
        "10.0.0",
        "010.0.0.1",
        "fe80::1%eth0",
    ] {
        assert!(Subnet::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_network_contains_its_addresses_and_no_others() {
    let ip = |text: &str| text.parse::<IpAddr>().expect(text);
    for (network, inside, outside) in [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
        ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
        ("fd00::/8", "fd12::1", "fe80::1"),
        ("0.0.0.0/0", "1.2.3.4", "::1"),
        ("::/0", "::1", "1.2.3.4"),
    ] {
        let parsed = Subnet::parse(network).expect(network);
        assert!(parsed.contains(ip(inside)) && !parsed.contains(ip(outside)), "{network}");
    }
}

#[test]
fn the_template_holds_every_key_and_parses_back_to_the_defaults() {
    let template = describe::template();
    assert_eq!(from_file(&template).expect("as it is").config, Config::default());
    for key in keys() {
        assert!(template.contains(&format!("\n#{} = ", key.name)), "{}", key.path());
        if let Some((example, _)) = key.unset.filter(|_| key.secrecy == Secrecy::Open) {
            let file = format!("[{}]\n{} = {example}\n", key.section, key.name);
            let problem = from_file(&file).err().unwrap_or_default();
            assert!(problem.is_empty() || problem.contains("auth.jwt_secret to check"), "{problem}");
        }
    }
    // With its `#` taken away, every key that has a default says just that default.
    let optional = keys().iter().filter(|key| key.unset.is_some()).count();
    let mut before = "";
    let mut uncommented = String::new();
    for line in template.lines() {
        // Names repeat between sections (`listen`), so the line before says whether this one has a default.
        let is_example = before.ends_with("For example:");
        let key = line.strip_prefix('#').filter(|key| !key.starts_with(' ') && !is_example);
        uncommented.extend([key.unwrap_or(line), "\n"]);
        before = line;
    }
    let loaded = from_file(&uncommented).expect("uncommented");
    assert_eq!(loaded.config, Config::default());
    let set = keys().iter().filter(|key| loaded.origin(&key.path()) != ValueSource::Default).count();
    let unread: Vec<String> = keys()
        .iter()
        .filter(|key| key.unset.is_none() && loaded.origin(&key.path()) == ValueSource::Default)
        .map(|key| key.path())
        .collect();
    assert_eq!(set + optional, keys().len(), "every key was read, but not {unread:?}");
}

#[test]
fn the_reference_names_every_key_and_every_old_name() {
    let reference = describe::reference();
    for key in keys() {
        assert!(reference.contains(&format!("| `{}` |", key.name)), "{}", key.path());
    }
    for old in OLD_NAMES {
        assert!(reference.contains(&format!("| `{}` | `{}` |", old.name, old.key)), "{}", old.name);
        assert!(keys().iter().any(|key| key.path() == old.key), "{} sets no key", old.name);
    }
}

#[test]
fn the_committed_reference_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operate/configuration.md");
    let committed = std::fs::read_to_string(path).expect(path);
    assert!(committed.trim_end() == describe::reference().trim_end(), "run: cargo xtask gen");
}

#[test]
fn files_are_kept_in_a_folder_or_in_a_bucket_that_somebody_may_use() {
    let place = |text: &str| from_env(&[("PALABRE_DATA__FILES", text)]).config.files_place();
    assert_eq!(place("/srv/files"), FilesPlace::Folder("/srv/files".into()));
    let with_keys = |text: &str| {
        let keys = [("PALABRE_S3__ACCESS_KEY", "key"), ("PALABRE_S3__SECRET_KEY", "secret")];
        from_env(&[keys[0], keys[1], ("PALABRE_DATA__FILES", text)]).config.files_place()
    };
    let bucket = |name: &str, prefix: &str| FilesPlace::Bucket { name: name.into(), prefix: prefix.into() };
    for (text, wanted) in [
        ("s3://my-bucket", bucket("my-bucket", "")),
        ("s3://my.bucket/", bucket("my.bucket", "")),
        ("s3://my-bucket/some/prefix/", bucket("my-bucket", "some/prefix")),
    ] {
        assert_eq!(with_keys(text), wanted);
        assert_eq!(wanted.to_string(), text.trim_end_matches('/'));
    }
    for (bad, says) in [
        ("s3://", "bucket"),
        ("s3://Bucket", "bucket"),
        ("s3://a/b", "bucket"),
        ("s3://bucket/a//b", "prefix"),
        ("s3://bucket/a b", "prefix"),
        ("s3://bucket/..", "prefix"),
        ("s3://bucket/a?b", "prefix"),
        ("s3://bucket", "s3.access_key or s3.secret_key"),
    ] {
        let problems = env_problem(&[("PALABRE_DATA__FILES", bad)]);
        assert!(problems.contains(says), "{bad}: {problems}");
    }
}
