//! Files that nobody needs are removed from the folder, and nothing else, however old it is.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use palabre::config::FilesPlace;
use serde_json::json;
use testkit::Town;

use super::{image, path, status, uploads};

const DAY: Duration = Duration::from_secs(86_400);

/// Makes it so that this was last changed so long ago.
fn is_of(path: &Path, age: Duration) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

/// A blob that no row knows, as a crash before the commit leaves it.
fn orphan(folder: &Path, id: &str, age: Duration) -> PathBuf {
    let inner = folder.join(&id[..2]).join(&id[2..4]);
    fs::create_dir_all(&inner).unwrap();
    let path = inner.join(id);
    fs::write(&path, b"nobody's").unwrap();
    is_of(&path, age);
    path
}

#[tokio::test]
async fn what_no_row_knows_is_removed_a_day_after_it_was_written_and_at_the_second_sweep() {
    let mut kept = None;
    // In a folder, also where others are in a bucket: only there can a test say when something was written.
    let mut town = Town::with(|config| {
        config.data.files = Some(FilesPlace::Folder(config.data.dir.join("files")));
        kept = Some(config.clone());
    })
    .await;
    let config = kept.unwrap();
    let ann = town.person("ann").await;
    let picture = super::pictures::photo(2_000, 100);
    let file = uploads(town.rest(), &ann, "a.jpg", picture).await;
    let begun = super::super::uploads::begins(town.rest(), &ann, "b.png", 100).await.0;
    super::super::uploads::goes_on(town.rest(), &ann, &begun, 0, image(40)).await.granted();
    // A picture with two thumbnails, and a part of an upload; all of them old.
    let known = town.blobs();
    assert_eq!(known.len(), 4, "{known:?}");
    known.iter().for_each(|path| is_of(path, DAY * 3));
    let folder = config.data.dir.join("files");
    let old = orphan(&folder, "00112233445566778899aabbccddeeff", DAY * 2);
    let young = orphan(&folder, "ffeeddccbbaa99887766554433221100", DAY / 2);
    let left = folder.join("unfinished").join("0a112233445566778899aabbccddeeff.0");
    fs::write(&left, b"half").unwrap();
    is_of(&left, DAY * 2);

    // A node of its own, whose sweeps are these.
    let db = palabre::parts::database(&config).await.unwrap();
    let (outlet, _batches) = tokio::sync::mpsc::channel(1);
    let (writer, _task) = store::Writer::start(db.clone(), palabre::parts::clock(), outlet);
    let settings = palabre::parts::engine_settings(&config, None).unwrap();
    let here = std::sync::Arc::new(|_| chat::presence::Seen {
        presence: chat::presence::Presence::Offline,
        last_seen_at: None,
    });
    let engine = engine::Engine::new(db, writer, palabre::parts::clock(), here, settings);
    let first = engine.sweep_files(DAY).await.unwrap();
    assert_eq!((first.unfinished, first.removed, first.suspected), (1, 0, 1));
    assert!(old.exists() && young.exists() && !left.exists(), "once is not enough");
    let second = engine.sweep_files(DAY).await.unwrap();
    assert_eq!((second.unfinished, second.removed, second.suspected), (0, 1, 0));
    assert!(!old.exists() && young.exists());
    assert!(known.iter().all(|path| path.exists()), "what a row knows stays, however old");
    assert_eq!(status(town.rest(), &ann, &file).await, 200, "{}", path(&file));
    // A day later, the young one's time has come.
    is_of(&young, DAY * 2);
    engine.sweep_files(DAY).await.unwrap();
    engine.sweep_files(DAY).await.unwrap();
    assert!(!young.exists());
    super::super::uploads::gives_up(town.rest(), &ann, &begun).await.granted();
    ann.asks("file.remove", json!({"file": file["id"]})).await.granted();
    town.keeps(0).await;
    town.closes().await;
}
