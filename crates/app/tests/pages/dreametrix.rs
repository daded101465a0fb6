//! The school messenger's endpoint: a teacher and a pupil, as the old clients speak.

use serde_json::{Value, json};

use crate::shell::{follow, printed};

#[tokio::test]
async fn the_page_shows_both_dialects_the_requests_and_the_cookie() {
    let out = follow("docs/features/dreametrix-endpoint.md", &[]).await;
    let frames = printed(&out);
    let heard = |kind: &str| frames.iter().filter(|frame| frame["type"] == kind).collect::<Vec<_>>();
    let (messages, typing) = (heard("message"), heard("typing"));
    let said: Vec<_> = messages.iter().map(|frame| frame["data"]["content"].as_str().unwrap_or_default()).collect();
    assert_eq!(said, ["Bonjour", "Salut", "Psst", "Encore là ?"], "{out}");
    assert_eq!((typing.len(), &typing[0]["data"]["user_name"]), (1, &json!("bob")));
    assert!(out.contains("\n0\nbob heard nothing of it\n"), "{out}");
    // The requests: a page of two of the four messages, and the refusal of a file.
    let pages: Vec<&Value> = frames.iter().filter(|body| body["results"].is_array()).collect();
    assert_eq!((pages.len(), &pages[0]["count"]), (1, &json!(4)));
    let contents: Vec<_> = (0..2).map(|at| &pages[0]["results"][at]["content"]).collect();
    assert_eq!(contents, ["Psst", "Salut"]);
    let refusals: Vec<&Value> = frames.iter().filter(|body| body["detail"].is_string()).collect();
    assert_eq!(refusals.len(), 1);
    assert!(refusals[0]["detail"].as_str().is_some_and(|words| words.starts_with("Files")));
    assert!(out.ends_with("\n403\n403\n401\n"), "a cookie elsewhere, a cookie from nowhere, nothing: {out}");
}
