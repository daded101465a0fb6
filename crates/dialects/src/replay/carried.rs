//! What a message of a script carries: files, and the preview of its link.

use chat::{FileId, files::File, previews::Preview};
use serde_json::Value;

use super::nouns::{int, optional, text};

/// `{"url","site","title","about","image":{…}}`.
pub(super) fn preview(value: &Value) -> Preview {
    Preview {
        url: text(&value["url"], "https://a.example/"),
        site: optional(&value["site"]),
        title: text(&value["title"], "A page"),
        description: optional(&value["about"]),
        image: value.get("image").map(file),
    }
}

/// `{"id","name","type","size","pixels":[width,height]}`.
pub(super) fn file(value: &Value) -> File {
    let pixels = value["pixels"][0].as_i64().zip(value["pixels"][1].as_i64());
    File {
        id: FileId::parse(&text(&value["id"], "00112233445566778899aabbccddeeff")).unwrap(),
        name: text(&value["name"], "tree.png"),
        media_type: text(&value["type"], "image/png"),
        size: int(&value["size"], 1_234_567),
        sha256: "ab".repeat(32),
        pixels,
    }
}
