//! The old chat-server's endpoint: a room, a direct message, and the history.

use std::net::TcpListener;

use serde_json::json;

use crate::shell::{follow_with, printed};

/// A free address for the endpoint, beyond the ports of the servers and below those of outgoing connections.
fn free_address() -> String {
    let address = |port| format!("127.0.0.1:{port}");
    (32_000..32_768).map(address).find(|address| TcpListener::bind(address).is_ok()).expect("a port is free")
}

#[tokio::test]
async fn the_page_shows_old_and_new_clients_in_one_room() {
    let address = free_address();
    let (environment, old) = ([("PALABRE_CHAT_SERVER__LISTEN", address.as_str())], format!("ws://{address}"));
    let out = follow_with("docs/features/chat-server-endpoint.md", &environment, &[("OLD", &old)]).await;
    let frames = printed(&out);
    let of_type = |kind: &str| frames.iter().filter(|frame| frame["type"] == kind).collect::<Vec<_>>();
    assert_eq!(frames[0]["name"], "general", "{out}");
    assert_eq!(of_type("join_ack")[0]["data"], json!({"room": "general", "status": "ok"}));
    assert_eq!(of_type("dm")[0]["data"]["content"], "Salut");
    assert_eq!(of_type("dm_sent")[0]["data"]["status"], "ok");
    assert_eq!(of_type("error")[0]["data"]["message"], "Room inexistante.");
    let heard: Vec<_> = of_type("message").iter().map(|frame| frame["data"]["content"].clone()).collect();
    assert_eq!(heard, ["Bonjour", "from the new endpoint"]);
    let history = of_type("room_history");
    let texts: Vec<_> = (0..2).map(|at| &history[0]["data"][at]["content"]).collect();
    assert_eq!((history.len(), texts), (1, vec![&json!("Bonjour"), &json!("from the new endpoint")]));
    assert!(out.ends_with("\n401\n"), "a bad token: {out}");
}
