//! The proxies' files under `deploy/` as they stand, but for names, ports and certificates: each lets people in.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::Command,
};

use crate::beside::{Beside, Folder, borrowed, doctor, free_port, server, well};

/// A file of the repository with these words in the place of others, each of which must be there.
fn adapted(path: &str, changes: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let text = fs::read_to_string(&path).expect("the file is there");
    changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from} in {}", path.display());
        text.replace(from, to)
    })
}

fn program(name: &str) -> String {
    let usual = format!("/usr/sbin/{name}");
    if Path::new(&usual).exists() { usual } else { name.to_owned() }
}

/// nginx with a file of its `http` part, or with a whole one.
fn nginx(folder: &Folder, port: u16, text: &str) -> Beside {
    let here = folder.0.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {here}/{what};\n"))
        .concat();
    let whole = if text.contains("\nhttp {") {
        text.replacen("http {", &format!("http {{\n{temporary}"), 1)
    } else {
        format!(
            "pid {here}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{text}}}\n"
        )
    };
    let file = folder.0.join("nginx.conf");
    fs::write(&file, whole).expect("nginx.conf");
    let nginx = || {
        let mut nginx = Command::new(program("nginx"));
        nginx.arg("-p").arg(&folder.0).arg("-c").arg(&file).args(["-g", "daemon off;"]);
        nginx
    };
    let checked = nginx().arg("-t").output().expect("nginx is there");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    Beside::start(&mut nginx(), port)
}

/// The doctor comes in through the proxy, and finds nothing to complain of there.
fn lets_people_in(folder: &Folder, listen: &str, port: u16) {
    lets_people_in_below(folder, listen, port, "");
}

/// The same below a path.
fn lets_people_in_below(folder: &Folder, listen: &str, port: u16, path: &str) {
    let said = doctor(&folder.data(), &borrowed(&well(listen, &format!("http://127.0.0.1:{port}{path}"))));
    let complaints: Vec<String> = said
        .of("warning")
        .into_iter()
        .filter(|w| ["proxy", "socket", "clock"].iter().any(|of| w.starts_with(of)))
        .collect();
    assert!(said.code == 0 && complaints.is_empty(), "{said:#?}");
    let good = said.of("good").join("\n");
    assert!(good.contains("socket: opens") && good.contains("under 127.0.0.2"), "{good}");
    assert_eq!(
        (status(listen, "/metrics"), status(&format!("127.0.0.1:{port}"), &format!("{path}/metrics"))),
        (200, 404)
    );
}

fn status(address: &str, path: &str) -> u16 {
    let mut wire = TcpStream::connect(address).expect("somebody listens");
    write!(wire, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("asked");
    let mut answer = String::new();
    wire.read_to_string(&mut answer).expect("answered");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("HTTP")
}

/// `deploy/proxy/nginx.conf` for a server of the test, with these words in the place of others besides.
fn nginx_before(listen: &str, port: u16, changes: &[(&str, &str)]) -> String {
    let usual = [
        ("    listen 80;\n", &*format!("    listen 127.0.0.1:{};\n", free_port())),
        ("    listen [::]:80;\n", ""),
        ("    listen 443 ssl http2;\n", &*format!("    listen 127.0.0.1:{port};\n")),
        ("    listen [::]:443 ssl http2;\n", ""),
        ("    ssl_certificate ", "    # "),
        ("    ssl_certificate_key ", "    # "),
        ("server_name chat.example.org", "server_name 127.0.0.1"),
        // The other two nodes are away, and nobody notices.
        ("127.0.0.1:8081", listen),
        ("127.0.0.1:8082", "127.0.0.1:1"),
        ("127.0.0.1:8083", "127.0.0.1:2"),
    ];
    adapted("deploy/proxy/nginx.conf", &[&usual, changes].concat())
}

#[tokio::test]
async fn people_come_in_through_nginx() {
    let folder = Folder::new("deploy-nginx");
    let server = server(&folder, &[("PALABRE_SERVER__TRUSTED_PROXIES", "127.0.0.1")]).await;
    let (port, listen) = (free_port(), server.address().to_string());
    let _nginx = nginx(&folder, port, &nginx_before(&listen, port, &[]));
    lets_people_in(&folder, &listen, port);
}

/// As `docs/operate/behind-a-proxy.md` says.
#[tokio::test]
async fn people_come_in_below_a_path_through_nginx() {
    let here = [("location / {", "location /chat/ {"), ("location = /metrics {", "location = /chat/metrics {")];
    let off = [&here[..], &[("proxy_pass http://palabre;", "proxy_pass http://palabre/;")]].concat();
    for (way, changes) in [("on", &here[..]), ("off", &off)] {
        let folder = Folder::new(&format!("deploy-nginx-path-{way}"));
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}/chat");
        let settings = [("PALABRE_SERVER__TRUSTED_PROXIES", "127.0.0.1"), ("PALABRE_SERVER__PUBLIC_URL", &*url)];
        let server = server(&folder, &settings).await;
        let listen = server.address().to_string();
        let _nginx = nginx(&folder, port, &nginx_before(&listen, port, changes));
        lets_people_in_below(&folder, &listen, port, "/chat");
        assert_eq!(status(&format!("127.0.0.1:{port}"), "/chat/c/12"), 200, "{way}");
        assert_eq!(status(&format!("127.0.0.1:{port}"), "/v1/server"), 404, "{way}: it is not at the root");
    }
}

#[tokio::test]
async fn people_come_in_through_the_nginx_of_compose() {
    let folder = Folder::new("deploy-compose");
    let server = server(&folder, &[("PALABRE_SERVER__TRUSTED_PROXIES", "127.0.0.1")]).await;
    let port = free_port();
    let listen = server.address().to_string();
    let text = adapted(
        "deploy/compose/nginx.conf",
        &[
            ("listen 8080;", &format!("listen 127.0.0.1:{port};")),
            ("pid /tmp/nginx.pid;", &format!("pid {}/nginx.pid;", folder.0.display())),
            ("worker_rlimit_nofile 65536;", ""),
            ("worker_connections 16384;", "worker_connections 512;"),
            ("172.31.250.11:8080", &listen),
            ("172.31.250.12:8080", "127.0.0.1:1"),
        ],
    );
    let _nginx = nginx(&folder, port, &text);
    lets_people_in(&folder, &listen, port);
}

#[tokio::test]
async fn people_come_in_through_haproxy() {
    let folder = Folder::new("deploy-haproxy");
    let server = server(&folder, &[("PALABRE_SERVER__TRUSTED_PROXIES", "127.0.0.1")]).await;
    let (port, listen) = (free_port(), server.address().to_string());
    let _haproxy = haproxy(&folder, &listen, port, &[]);
    lets_people_in(&folder, &listen, port);
}

/// As `docs/operate/behind-a-proxy.md` says.
#[tokio::test]
async fn people_come_in_below_a_path_through_haproxy() {
    let here = [
        ("default_backend palabre", "use_backend palabre if { path /chat } or { path_beg /chat/ }"),
        ("{ path /metrics }", "{ path /chat/metrics }"),
    ];
    let off = [("balance leastconn", "balance leastconn\n    http-request replace-path /chat/?(.*) /\\1")];
    let off = [&here[..], &off].concat();
    for (way, changes) in [("on", &here[..]), ("off", &off)] {
        let folder = Folder::new(&format!("deploy-haproxy-path-{way}"));
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}/chat");
        let settings = [("PALABRE_SERVER__TRUSTED_PROXIES", "127.0.0.1"), ("PALABRE_SERVER__PUBLIC_URL", &*url)];
        let server = server(&folder, &settings).await;
        let listen = server.address().to_string();
        let _haproxy = haproxy(&folder, &listen, port, changes);
        lets_people_in_below(&folder, &listen, port, "/chat");
        assert_eq!(status(&format!("127.0.0.1:{port}"), "/chat"), 200, "{way}");
        assert_eq!(status(&format!("127.0.0.1:{port}"), "/v1/server"), 503, "{way}: it is not at the root");
    }
}

/// HAProxy with `deploy/proxy/haproxy.cfg`, with these words in the place of others besides.
fn haproxy(folder: &Folder, listen: &str, port: u16, changes: &[(&str, &str)]) -> Beside {
    let bind = format!("bind 127.0.0.1:{port}");
    let usual = [
        ("    maxconn 200000\n", "    maxconn 500\n"),
        ("    bind :80\n", ""),
        ("bind :443 ssl crt /etc/haproxy/certs/chat.example.org.pem alpn h2,http/1.1", &*bind),
        ("    http-request redirect scheme https code 301 unless { ssl_fc }\n", ""),
        ("127.0.0.1:8081", listen),
        ("127.0.0.1:8082", "127.0.0.1:1"),
        ("127.0.0.1:8083", "127.0.0.1:2"),
    ];
    let file = folder.0.join("haproxy.cfg");
    fs::write(&file, adapted("deploy/proxy/haproxy.cfg", &[&usual, changes].concat())).expect("haproxy.cfg");
    let checked = Command::new(program("haproxy")).arg("-c").arg("-f").arg(&file).output().expect("haproxy is there");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    Beside::start(Command::new(program("haproxy")).arg("-db").arg("-f").arg(&file), port)
}
