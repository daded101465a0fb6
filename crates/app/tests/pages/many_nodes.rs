//! The guide for three nodes, as pasted: they hear each other, with Redis and without, and nobody loses anything.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::shell::follow_alone;

#[tokio::test]
async fn three_nodes_work_as_pasted() {
    let port = free_row(6);
    // PostgreSQL's user must get through to its own folder in there.
    let folder = std::env::temp_dir().join(format!("palabre-many-nodes-{}", std::process::id()));
    fs::create_dir(&folder)
        .and_then(|()| fs::set_permissions(&folder, fs::Permissions::from_mode(0o711)))
        .expect("folder");
    let (row, place) = (port.to_string(), folder.to_string_lossy().into_owned());
    let out = follow_alone("docs/operate/many-nodes.md", &[("PORT", &row), ("TMPDIR", &place)]).await;
    fs::remove_dir_all(&folder).expect("nobody writes there any more");
    for words in [
        // The doctor's, on a node that lacks nothing but what a test machine cannot have.
        "tables    the tables are those of this version",
        "what is said is heard",
        "socket    opens",
        // Bob's, on the other node.
        "Do you hear me over there?",
        "Redis is gone.",
        "Redis is back.",
        "Bob? Are you there?",
        "forty steps, each once",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    assert!(!out.contains("PROBLEM"), "{out}");
}

/// The first of so many ports in a row that nobody listens on, below those that are given to outgoing connections.
fn free_row(many: u16) -> u16 {
    let begin = 20_000 + u16::try_from(std::process::id() % 1_000).expect("small") * 10;
    let is_free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    (begin..32_000).step_by(10).find(|port| (*port..port + many).all(is_free)).expect("ports are free")
}
