//! The texts of `docs/protocol/text-vectors.json`.

use serde_json::{Value, json};

use super::*;

const VECTORS: &str = include_str!("../../../../docs/protocol/text-vectors.json");

/// A part as the vectors write it.
fn written(part: &Part<'_>) -> Value {
    let mut value = json!({"kind": "text", "from": part.place.start, "to": part.place.end, "text": part.text});
    let more = match &part.meaning {
        Meaning::Text => return value,
        Meaning::Link(address) => ("link", "address", json!(address)),
        Meaning::Mention(name) => ("mention", "name", json!(name)),
        Meaning::Code { block } => ("code", "block", json!(block)),
    };
    value["kind"] = more.0.into();
    value[more.1] = more.2;
    value
}

#[test]
fn texts_have_the_parts_that_the_vectors_say() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    for vector in vectors["texts"].as_array().expect("texts") {
        let text = vector["text"].as_str().expect("a text");
        let found: Vec<Value> = parts(text).iter().map(written).collect();
        assert_eq!(json!(found), vector["parts"], "{text:?}");
    }
}

#[test]
fn parts_follow_each_other_without_gaps_whatever_comes() {
    let pieces = [
        "https://",
        "www.",
        "mailto:",
        "@",
        "＠",
        "ann",
        "a.example",
        "/",
        "(",
        ")",
        ".",
        " ",
        "\r\n",
        "`",
        "```",
        "你",
        "é",
        "👍",
        "\u{202e}",
        ":",
        "。",
    ];
    let mut dice = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..10 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[usize::try_from(dice >> 33).expect("small") % pieces.len()]);
        }
        let mut at = 0;
        for part in parts(&text) {
            assert!(part.place.start == at && part.place.end > at, "{text:?}");
            let whole: String = text.chars().skip(at).take(part.place.end - at).collect();
            assert!(whole.contains(part.text), "{text:?}");
            at = part.place.end;
        }
        assert_eq!(at, text.chars().count(), "{text:?}");
    }
}

#[test]
fn a_long_hostile_text_takes_no_long_time() {
    for piece in [
        "`",
        "```",
        "``` ",
        "(",
        "https://a.example/(",
        "@a.",
        "@",
        "https://",
        ".",
        ")",
        "mailto:a@",
        "a@",
        "www.",
        "a.",
        "`a\n",
    ] {
        let begin = std::time::Instant::now();
        assert!(!parts(&piece.repeat(10_000)).is_empty());
        assert!(begin.elapsed().as_secs() < 5, "{piece}");
    }
}

#[test]
fn a_mention_is_compared_as_names_are() {
    assert!(mentions("hi @Ann!", "ann") && mentions("＠ＡＮＮ", "Ann") && mentions("@annさん", "ann"));
    assert!(
        !mentions("@anna", "ann")
            && !mentions("mail@ann", "ann")
            && !mentions("`@ann`", "ann")
            && !mentions("@annë", "ann")
    );
}
