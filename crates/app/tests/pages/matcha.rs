//! Matcha's page: the service's socket beside the gateway's.

use serde_json::{Value, json};

use crate::shell::{follow, printed};

#[tokio::test]
async fn the_page_shows_both_endpoints_at_work() {
    let out = follow("docs/features/matcha-endpoint.md", &[]).await;
    let frames = printed(&out);
    let of_type = |kind: &str| frames.iter().filter(|frame| frame["type"] == kind).collect::<Vec<_>>();
    let said = |kind: &str| of_type(kind).iter().map(|frame| frame["data"]["message"].clone()).collect::<Vec<_>>();
    assert_eq!(said("new_message"), ["Coucou", "Salut !"], "{out}");
    assert_eq!(said("chat_message"), ["Coucou"]);
    assert_eq!(of_type("chat_ack")[0]["data"]["status"], "success");
    let reactions: Vec<&Value> = of_type("reaction_update").iter().map(|frame| &frame["data"]["action"]).collect();
    assert_eq!(reactions, ["add", "remove"]);
    assert_eq!(of_type("error")[0]["data"]["error_type"], "access_denied");

    let answers: Vec<&Value> = frames.iter().filter(|frame| frame["success"].is_boolean()).collect();
    let [array, refused, object, read, messages, deleted, empty] = answers[..] else { panic!("{out}") };
    assert_eq!(array["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(refused, &json!({"success": false, "error": "access denied"}));
    let listed = &object["data"]["conversations"][0];
    assert_eq!((&listed["last_message"], &listed["unread_count"]), (&json!("Salut !"), &json!(1)));
    assert_eq!(listed["other_user"]["username"], "alice");
    assert_eq!((&read["success"], &deleted["success"]), (&json!(true), &json!(true)));
    let texts: Vec<&Value> = messages["data"].as_array().into_iter().flatten().map(|message| &message["msg"]).collect();
    assert_eq!(texts, ["Salut !", "Coucou"]);
    assert!(messages["data"][1]["read_at"].is_string(), "{messages}");
    assert_eq!(empty["data"], json!([]));
}
