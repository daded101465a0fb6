//! The quick start: two people talk, one is cut off and comes back.

use serde_json::Value;

use crate::shell::{follow, printed};

fn texts(messages: &Value) -> Vec<(i64, &str)> {
    let messages = messages.as_array().map(Vec::as_slice).unwrap_or_default();
    messages.iter().filter_map(|m| Some((m["seq"].as_i64()?, m["text"].as_str()?))).collect()
}

#[tokio::test]
async fn the_page_shows_exactly_what_was_missed() {
    let out = follow("docs/quickstart.md", &[]).await;
    let frames = printed(&out);
    let of_type = |kind: &str| frames.iter().filter(|frame| frame["type"] == kind).collect::<Vec<_>>();
    let changes = of_type("conversation.changes");
    assert_eq!(changes.len(), 1, "{out}");
    let missed = &changes[0]["data"];
    assert_eq!((&missed["from"], &missed["to"], &missed["reset"]), (&3.into(), &6.into(), &false.into()));
    assert_eq!(
        texts(&missed["messages"]),
        [(3, "Shall we sit under the tree?"), (4, "I have brought tea."), (5, "And a very long story.")]
    );
    assert_eq!(missed["members"], Value::Array(Vec::new()), "nobody came or went");
    assert_eq!(missed["conversation"]["head"], 6);

    let repeated: Vec<&Value> = of_type("message.sent").into_iter().filter(|f| f["data"]["repeated"] == true).collect();
    assert_eq!(repeated.len(), 1);
    assert_eq!(repeated[0]["data"]["seq"], 7, "a repeat gets the first answer");
    let history = frames.last().expect("the page ends with the history");
    assert_eq!(
        texts(&history["messages"]),
        [
            (3, "Shall we sit under the tree?"),
            (4, "I have brought tea."),
            (5, "And a very long story."),
            (7, "Then begin!")
        ]
    );
}
