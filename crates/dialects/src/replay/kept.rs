//! Files, uploads and previews of links in a transcript's answers.

use chat::{
    ConversationId, FileId, Number,
    drafts::{Draft, DraftKey},
    files::{File, FileLink, Thumbnail, ThumbnailSize},
    previews::Preview,
    uploads::Upload,
};
use serde_json::Value;

use super::{
    NOON,
    nouns::{int, optional, text},
    pictures::voice,
};

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

/// `{"id","name","type","size","pixels":[width,height],"blurhash","voice":[duration,bar …]}`.
pub(super) fn file(value: &Value) -> File {
    let pixels = value["pixels"][0].as_i64().zip(value["pixels"][1].as_i64());
    File {
        id: FileId::parse(&text(&value["id"], "00112233445566778899aabbccddeeff")).unwrap(),
        name: text(&value["name"], "tree.png"),
        media_type: text(&value["type"], "image/png"),
        size: int(&value["size"], 1_234_567),
        sha256: "ab".repeat(32),
        pixels,
        blurhash: value["blurhash"].as_str().map(str::to_owned),
        voice: voice(&value["voice"]),
    }
}

/// `{"token"}`: good until noon.
pub(super) fn link(value: &Value) -> FileLink {
    let file = FileId::parse("00112233445566778899aabbccddeeff").unwrap();
    FileLink { file, token: text(&value["token"], "eyJ.eyJ.sig"), expires_at: NOON }
}

/// `{"id","size","type","bytes"}`.
pub(super) fn thumbnail(value: &Value) -> Thumbnail {
    Thumbnail {
        id: FileId::parse(&text(&value["id"], "ffeeddccbbaa99887766554433221100")).unwrap(),
        size: ThumbnailSize::from_name(&text(&value["size"], "small")).unwrap(),
        media_type: text(&value["type"], "image/jpeg"),
        bytes: int(&value["bytes"], 54_321),
    }
}

/// `{"name","size","received","file"}`: unless there is a file, it expires at noon.
pub(super) fn upload(value: &Value) -> Upload {
    let file = value.get("file").map(file);
    Upload {
        id: FileId::parse("00112233445566778899aabbccddeeff").unwrap(),
        name: text(&value["name"], "tree.png"),
        size: int(&value["size"], 1_234_567),
        received: int(&value["received"], 0),
        expires_at: file.is_none().then_some(NOON),
        file,
    }
}

pub(super) fn draft(value: &Value) -> Draft {
    let seq = |value: &Value| value.as_i64().map(Number);
    Draft {
        key: DraftKey { conversation: ConversationId(12), edit: seq(&value["edit"]), thread: seq(&value["thread"]) },
        text: text(&value["text"], "hey"),
        parent: seq(&value["parent"]),
        rev: Number(int(&value["rev"], 7)),
        saved_at: NOON,
    }
}
