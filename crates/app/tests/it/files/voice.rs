//! Voice messages: recordings that say how long they are and how loud.

use serde_json::{Value, json};
use testkit::Town;

use super::{image, message, uploads};

/// The beginning of what browsers record, and something after it.
fn recording(length: usize) -> Vec<u8> {
    let mut bytes = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm".to_vec();
    bytes.resize(length, 9);
    bytes
}

#[tokio::test]
async fn a_voice_message_says_how_long_it_is_before_anybody_has_heard_it() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let file = uploads(town.rest(), &ann, "voice.webm", recording(5_000)).await;
    assert_eq!(file["voice"], Value::Null);
    let voice = json!({"duration_ms": 4_200, "waveform": [0, 31, 7]});
    let says = |file: &Value, duration: i64, waveform: Value| json!({"file": file["id"], "duration_ms": duration, "waveform": waveform});
    let described = ann.asks("file.voice", says(&file, 4_200, json!([0, 31, 7]))).await.granted();
    assert_eq!(described["voice"], voice);
    // It is its owner's, and nobody else knows of it.
    bob.asks("file.voice", says(&file, 1, json!([0]))).await.refused("not_found");
    ann.asks("message.send", message(&room, "voice", &[&file])).await.granted();
    let heard = bob.asks("message.history", json!({"conversation": room.id})).await.granted();
    assert_eq!(heard["messages"][0]["files"][0]["voice"], voice);
    // Once it was sent it stays as it is; who only repeats is answered.
    ann.asks("file.voice", says(&file, 4_200, json!([0, 31, 7]))).await.granted();
    ann.asks("file.voice", says(&file, 4_201, json!([0, 31, 7]))).await.refused("conflict");
    town.closes().await;
}

#[tokio::test]
async fn what_a_recording_says_of_itself_is_within_bounds() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let file = uploads(town.rest(), &ann, "voice.webm", recording(100)).await;
    let says = async |duration: i64, waveform: Value| {
        ann.asks("file.voice", json!({"file": file["id"], "duration_ms": duration, "waveform": waveform})).await
    };
    says(900_000, json!(vec![31; 100])).await.granted();
    says(1, json!([0])).await.granted();
    for (duration, waveform, field) in [
        (0, json!([1]), "/duration_ms"),
        (900_001, json!([1]), "/duration_ms"),
        (1, json!([]), "/waveform"),
        (1, json!(vec![1; 101]), "/waveform"),
        (1, json!([32]), "/waveform"),
    ] {
        let refused = says(duration, waveform).await.refused("invalid");
        assert_eq!(refused["errors"][0]["pointer"], field, "{refused}");
    }
    let picture = uploads(town.rest(), &ann, "a.png", image(100)).await;
    let no_recording = json!({"file": picture["id"], "duration_ms": 1, "waveform": [1]});
    ann.asks("file.voice", no_recording).await.refused("unsupported_type");
}
