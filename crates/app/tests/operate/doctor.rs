//! `palabre doctor` beside real servers, proxies and databases, well and unwell.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use testkit::process::Process;

use crate::beside::{Beside, Folder, SECRET, borrowed, doctor, doctor_in, free_port, server, well};

/// An nginx before the server, with these lines in its `location /`.
fn nginx(folder: &Folder, port: u16, server: &Process, lines: &str) -> Beside {
    let target = server.address();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {};\n", folder.0.join(what).display()))
        .concat();
    let text = format!(
        "daemon off; worker_processes 1; pid {0}/nginx.pid; error_log stderr; events {{}}\n\
         http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port}; location / {{\n\
         proxy_pass http://{target}; {lines} }} }} }}\n",
        folder.0.display()
    );
    let file = folder.0.join("nginx.conf");
    fs::write(&file, text).expect("nginx.conf");
    let program = if Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
    Beside::start(Command::new(program).arg("-p").arg(&folder.0).arg("-c").arg(&file), port)
}

const UPGRADES: &str = "proxy_http_version 1.1; proxy_set_header Host $http_host; \
                        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;";
const SAYS_WHO: &str = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";

const MUTE: &str = "proxy_set_header X-Forwarded-For ''; proxy_set_header Sec-WebSocket-Protocol '';";

#[tokio::test]
async fn a_node_that_lacks_nothing_is_told_so() {
    let folder = Folder::new("well");
    let server = server(&folder, &[("PALABRE_SERVER__TRUSTED_PROXIES", "127.0.0.1")]).await;
    let (port, listen) = (free_port(), server.address().to_string());
    let _nginx = nginx(&folder, port, &server, &format!("{UPGRADES} {SAYS_WHO}"));
    let settings = well(&listen, &format!("http://127.0.0.1:{port}"));
    let said = doctor(&folder.data(), &borrowed(&settings));
    // How this machine's disk flushes, and how full it is, is not ours to say.
    let warnings: Vec<String> =
        said.of("warning").into_iter().filter(|w| !w.starts_with("flush:") && !w.starts_with("space:")).collect();
    assert!(said.code == 0 && warnings.is_empty() && said.report["healthy"] == true, "{said:#?}");
    let good = said.of("good").join("\n");
    for words in [
        "settings: the configuration is acceptable",
        "folder: ",
        "SQLite 3.",
        "durable: journal_mode wal, synchronous 2",
        "tables: the tables are those of this version",
        "integrity_check finds no damage",
        "rows: every row can be read",
        "files: ",
        "server: runs at",
        "leads to a server",
        "under 127.0.0.2",
        "clock: agrees with that of http://127.0.0.1",
        "socket: opens, and a frame is answered",
    ] {
        assert!(good.contains(words), "{words}: {good}");
    }
    assert_eq!(
        fs::read_dir(folder.data())
            .expect("data")
            .filter(|f| { f.as_ref().is_ok_and(|f| f.file_name().to_string_lossy().contains("doctor")) })
            .count(),
        0,
        "nothing is left behind"
    );
}

#[tokio::test]
async fn what_a_proxy_does_wrong_is_told() {
    let folder = Folder::new("proxy");
    let trusting = [("PALABRE_SERVER__TRUSTED_PROXIES", "127.0.0.1")];
    let server = server(&folder, &trusting).await;
    let listen = server.address().to_string();
    let ask = |port: u16, listen: &str| {
        let settings = well(listen, &format!("http://127.0.0.1:{port}"));
        doctor(&folder.data(), &borrowed(&settings))
    };
    let port = free_port();
    {
        let _nginx = nginx(&folder, port, &server, SAYS_WHO);
        ask(port, &listen).has_problem(&["socket:", "status 400", "Upgrade", "behind-a-proxy"]);
    }
    {
        let _nginx = nginx(&folder, port, &server, &format!("{UPGRADES} {MUTE}"));
        let said = ask(port, &listen);
        said.has_problem(&["socket:", "Sec-WebSocket-Protocol"]);
        said.has_warning(&["proxy:", "from 127.0.0.2 under 127.0.0.1", "X-Forwarded-For does not come through"]);
    }
    {
        let lines = format!("{UPGRADES} proxy_set_header X-Forwarded-For $http_x_forwarded_for;");
        let _nginx = nginx(&folder, port, &server, &lines);
        ask(port, &listen).has_warning(&["proxy:", "anybody may claim any"]);
    }
    {
        let _nginx = nginx(&folder, port, &server, "return 200 hello;");
        ask(port, &listen).has_problem(&["proxy:", "not by Palabre"]);
    }
    // Nobody at all is there, and nobody who could be.
    ask(port, &listen).has_problem(&["proxy:", "cannot be reached"]);
    ask(port, "127.0.0.1:1").has_warning(&["proxy:", "start the server"]);
    drop(server);
    let other = Folder::new("other");
    let another = crate::beside::server(&other, &trusting).await;
    let _nginx = nginx(&folder, port, &another, &format!("{UPGRADES} {SAYS_WHO}"));
    ask(port, &another.address().to_string()).has_problem(&["proxy:", "another database"]);
}

#[tokio::test]
async fn a_proxy_without_its_server_and_one_that_is_not_trusted_are_told() {
    let folder = Folder::new("untrusted");
    let server = server(&folder, &[]).await;
    let port = free_port();
    let listen = server.address().to_string();
    let mut settings = well(&listen, &format!("http://127.0.0.1:{port}"));
    settings.retain(|(name, _)| !name.ends_with("PROXIES"));
    {
        let _nginx = nginx(&folder, port, &server, &format!("{UPGRADES} {SAYS_WHO}"));
        doctor(&folder.data(), &borrowed(&settings)).has_warning(&["trusted_proxies = [\"127.0.0.1\"]"]);
    }
    let elsewhere = Folder::new("elsewhere");
    let gone = crate::beside::server(&elsewhere, &[]).await;
    let _nginx = nginx(&folder, port, &gone, UPGRADES);
    drop(gone);
    doctor(&folder.data(), &borrowed(&settings)).has_problem(&["proxy:", "reaches no server", "502"]);
}

#[test]
fn a_folder_that_is_open_closed_or_nowhere_is_told() {
    let folder = Folder::new("folder");
    let data = folder.data();
    let rights = |mode| fs::set_permissions(&data, fs::Permissions::from_mode(mode)).expect("rights");
    rights(0o777);
    doctor(&data, &[]).has_problem(&["folder:", "everybody may write", "chmod 700"]);
    rights(0o755);
    doctor(&data, &[]).has_warning(&["folder:", "may look into", "755"]);
    rights(0o700);
    fs::write(data.join("jwt.key"), "key").expect("key");
    fs::set_permissions(data.join("jwt.key"), fs::Permissions::from_mode(0o644)).expect("rights");
    doctor(&data, &[]).has_problem(&["folder:", "jwt.key", "chmod 600"]);
    // Not even root may write there.
    doctor(Path::new("/proc/sys"), &[]).has_problem(&["folder:", "cannot be written to"]);
    doctor(Path::new("/proc/sys"), &[]).has_problem(&["flush:", "cannot be written and flushed"]);
    doctor(Path::new("/proc/sys/palabre"), &[]).has_problem(&["folder:", "may not make it in /proc/sys"]);
    let file = folder.0.join("file");
    fs::write(&file, "").expect("file");
    doctor(&file, &[]).has_problem(&["folder:", "is not a folder"]);
}

#[test]
fn too_few_files_are_told() {
    let folder = Folder::new("files");
    let connections = [("PALABRE_LIMITS__CONNECTIONS", "1000")];
    doctor_in("ulimit -n 200;", &folder.data(), &connections).has_problem(&["files: 200", "LimitNOFILE=1084"]);
    let said = doctor_in("ulimit -n 900;", &folder.data(), &connections);
    said.has_warning(&["files: 900", "LimitNOFILE=1084"]);
    assert_eq!(said.code, 0, "{said:#?}");
}

#[test]
fn a_database_that_is_damaged_or_not_there_is_told() {
    let folder = Folder::new("database");
    let dead = format!("postgres://palabre:{}@127.0.0.1:1/palabre", SECRET.replace([' ', ','], "_"));
    doctor(&folder.data(), &[("DATABASE_URL", &dead)]).has_problem(&["database:", "(hidden)@127.0.0.1:1", "refused"]);
    fs::write(folder.data().join("palabre.db"), "this is a letter, and no database at all").expect("letter");
    doctor(&folder.data(), &[]).has_problem(&["database:", "not a database", "backup"]);
    fs::remove_file(folder.data().join("palabre.db")).expect("thrown away");
    let made = Command::new(env!("CARGO_BIN_EXE_palabre")).arg("migrate").arg("--data-dir").arg(folder.data()).output();
    assert!(made.is_ok_and(|made| made.status.success()));
    let mut pages = fs::read(folder.data().join("palabre.db")).expect("pages");
    let end = pages.len();
    pages[end - 3 * 4096..].fill(0x5a);
    fs::write(folder.data().join("palabre.db"), pages).expect("damage");
    doctor(&folder.data(), &[]).has_problem(&["database:", "is damaged", "backup"]);
    fs::write(folder.data().join("palabre.db"), "").expect("empty");
    let by_hand = doctor(&folder.data(), &[("PALABRE_DATABASE__AUTO_MIGRATE", "false")]);
    by_hand.has_problem(&["tables:", "there are no tables yet", "palabre migrate"]);
    assert!(doctor(&folder.data(), &[]).of("note").iter().any(|note| note.contains("the next start makes them")));
}

#[test]
fn what_contradicts_itself_is_told() {
    let folder = Folder::new("settings");
    let data = folder.data();
    doctor(&data, &[("PALABRE_SERVER__COLOUR", "green")]).has_problem(&["settings:", "PALABRE_SERVER__COLOUR"]);
    doctor(&data, &[("PALABRE_REDIS__URL", "redis://127.0.0.1:1")]).has_warning(&["redis.url is set", "SQLite"]);
    let alone = [("PALABRE_REDIS__URL", "redis://127.0.0.1:1"), ("DATABASE_URL", "postgres://127.0.0.1:1/palabre")];
    doctor(&data, &alone).has_problem(&["auth.jwt_secret is not set", "openssl rand"]);
    let said = doctor(&data, &[]);
    said.has_warning(&["server.public_url is not set"]);
    said.has_warning(&["/metrics", "metrics_listen"]);
    doctor(&data, &[("PALABRE_SERVER__TRUSTED_PROXIES", "0.0.0.0/0")])
        .has_warning(&["trusted_proxies holds everybody"]);
    let bare = [("PALABRE_SERVER__PUBLIC_URL", "http://chat.example.invalid")];
    doctor(&data, &bare).has_warning(&["without TLS"]);
}

#[test]
fn a_redis_that_is_well_shut_or_dead_is_told() {
    let folder = Folder::new("redis");
    let port = free_port();
    let mut redis = Command::new("redis-server");
    redis.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--requirepass", "garden"]);
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{port}");
    let ask = |url: &str, cluster: &str| {
        doctor(&folder.data(), &[("PALABRE_REDIS__URL", url), ("PALABRE_REDIS__CLUSTER", cluster)])
    };
    {
        let _redis = Beside::start(redis.current_dir(&folder.0), port);
        let said = ask(&url("garden"), "false");
        let good = said.of("good").join("\n");
        assert!(good.contains("redis: what is said is heard") && good.contains(": Redis "), "{said:#?}");
        assert_eq!(said.code, 0, "{said:#?}");
        let refused = ask(&url("orchard"), "false");
        refused.has_problem(&["redis:", "(hidden)@127.0.0.1"]);
        assert!(!format!("{refused:?}").contains("orchard"));
        ask(&url("garden"), "true").has_problem(&["redis.cluster is true, but it is a single server"]);
    }
    ask(&url("garden"), "false").has_problem(&["redis:", "refused", "once a second"]);
}

/// The PostgreSQL of `cargo xtask check` does not flush, which spares the machine and is just what we look for.
#[test]
fn a_postgresql_that_does_not_flush_is_told() {
    let Ok(url) = std::env::var("PALABRE_TEST_POSTGRES") else { return };
    let folder = Folder::new("postgres");
    let said = doctor(&folder.data(), &[("DATABASE_URL", &url)]);
    said.has_warning(&["durable:", "fsync is off", "postgresql.conf"]);
    let good = said.of("good").join("\n");
    assert!(good.contains("PostgreSQL 1") && good.contains("room for 19 nodes"), "{good}");
    assert!(good.contains("clock: agrees with the database's"), "{good}");
    assert_eq!(said.code, 0, "{said:#?}");
}
