//! Files whose store, or whose server, goes away between any two steps of what is done with them: the
//! database knows no file whose bytes are not there; the store may have some that nobody knows, until they are swept.

use std::{path::PathBuf, sync::Arc, time::Duration};

use blobs::{Blobs, Folder};
use chat::{FileId, Millis};
use palabre::{
    config::Config,
    parts::clock,
    serve::{Additions, Server},
};
use serde_json::json;
use store::{Db, Options};
use testkit::{Breaking, Goes, Rest, until};

const PASSWORD: &str = "the tree in the middle";

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// Somebody uploads a file, sends it, uploads another, takes that back, and deletes the message, as far as they get.
async fn lives(rest: &Rest, token: &str, room: &str) {
    let bytes = || vec![b'x'; 200_000];
    let mut sent = None;
    let first = rest.upload(token, "first.txt", bytes()).await;
    if first.status == 201 {
        let message = json!({"text": "", "files": [first.body["id"]], "client_id": "one"});
        sent = Some(rest.ask("POST", &format!("{room}/messages"), Some(token), &message).await.granted());
    }
    let second = rest.upload(token, "second.txt", bytes()).await;
    if second.status == 201 {
        let path = format!("/v1/files/{}", second.body["id"].as_str().unwrap());
        rest.ask("DELETE", &path, Some(token), &json!(null)).await;
    }
    if let Some(sent) = sent {
        rest.ask("DELETE", &format!("{room}/messages/{}", sent["seq"]), Some(token), &json!(null)).await.granted();
    }
    // The jobs that remove the bytes are done within a moment, or fail.
    tokio::time::sleep(Duration::from_millis(150)).await;
}

/// The ids that the database knows, and those whose bytes are in the folder.
async fn kept(db: &Db, folder: &Folder) -> (Vec<FileId>, Vec<FileId>) {
    let rows = store::files::page(&mut db.read().await.unwrap(), 0, 100).await.unwrap();
    let whole = folder.list(None, Duration::ZERO, 100).await.unwrap();
    for row in &rows {
        assert_eq!(folder.size_of(row.file.id).ok(), u64::try_from(row.file.size).ok(), "a row without its bytes");
    }
    (rows.iter().map(|row| row.file.id).collect(), whole)
}

/// Runs until the store goes away at this step; whether everything was done before.
async fn breaks_at(step: usize, is_done: bool) -> bool {
    let place = std::env::temp_dir().join(format!("palabre-broken-{}-{step}-{is_done}", std::process::id()));
    let _none = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).unwrap();
    let scratch = Scratch(place);
    let mut config = Config::in_folder(&scratch.0);
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.chat_server.listen = None;
    let breaking = Breaking::at(&scratch.0.join("files"), step, is_done, Goes::Store);
    let folder = breaking.folder.clone();
    let additions = Additions { blobs: Some(Arc::new(breaking.clone())), ..Additions::default() };
    let server = Server::start_with(&config, additions).await.unwrap();
    let rest = Rest::to(server.address);
    let account = json!({"username": "ann", "password": PASSWORD});
    let tokens = rest.ask("POST", "/v1/accounts", None, &account).await.granted();
    let token = tokens["access_token"].as_str().unwrap();
    let room = rest.ask("POST", "/v1/conversations", Some(token), &json!({"kind": "room", "name": "garden"})).await;
    let room = format!("/v1/conversations/{}", room.granted()["id"]);
    lives(&rest, token, &room).await;
    let options =
        Options { url: config.database_url().reveal().to_owned(), readers: 1, connect_timeout: Duration::from_secs(5) };
    let db = Db::open(&options).await.unwrap();
    kept(&db, &folder).await;
    server.stop(Duration::from_secs(5)).await;
    // The store comes back with a new server, which does what was left to do.
    let server = Server::start(&config).await.unwrap();
    let soon = Millis(clock()().0 + 3_600_000);
    until(async || match store::jobs::overdue(&mut db.read().await.unwrap(), soon).await.unwrap() {
        0 => Ok(()),
        left => Err(format!("step {step}: {left} jobs are left")),
    })
    .await;
    let (rows, whole) = kept(&db, &folder).await;
    let orphans = whole.iter().filter(|id| !rows.contains(id)).count();
    assert!(orphans <= 1, "step {step}: {rows:?} {whole:?}");
    db.close().await;
    server.stop(Duration::from_secs(5)).await;
    breaking.is_there()
}

#[tokio::test]
async fn a_store_that_goes_away_between_any_two_steps_leaves_no_row_without_its_bytes() {
    for is_done in [false, true] {
        for wave in 0.. {
            // Some at a time: each waits for jobs that are tried again a second later.
            let steps = (1 + wave * 6..7 + wave * 6).map(|step| breaks_at(step, is_done));
            if futures_util::future::join_all(steps).await.contains(&true) {
                break;
            }
            assert!(wave < 10, "it never comes to its end");
        }
    }
}
