//! Files that messages hold: in backups, and after a crash.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use testkit::Rest;

use crate::beside::{Folder, doctor, server};

const PASSWORD: &str = "a bench under 3 old trees";

fn palabre(data: &Path, words: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_palabre"))
        .args(words)
        .arg("--data-dir")
        .arg(data)
        .env_clear()
        .output()
        .expect("started");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

/// All files below a folder, by their names.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.sort();
    found
}

async fn log_in(rest: &Rest) -> String {
    let account = json!({"username": "ann", "password": PASSWORD});
    let visit = rest.ask("POST", "/v1/sessions", None, &account).await.granted();
    visit["access_token"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn a_backup_takes_the_files_along_once_and_a_restore_brings_them_back() {
    let folder = Folder::new("files");
    let backups = folder.0.join("backups");
    fs::create_dir(&backups).unwrap();
    let running = server(&folder, &[]).await;
    let rest = Rest::to(running.address());
    let account = json!({"username": "ann", "password": PASSWORD});
    rest.ask("POST", "/v1/accounts", None, &account).await.granted();
    let token = log_in(&rest).await;
    let room = json!({"kind": "room", "name": "garden"});
    let room = rest.ask("POST", "/v1/conversations", Some(&token), &room).await.granted();
    let messages = format!("/v1/conversations/{}/messages", room["id"]);
    let mut sent = Vec::new();
    for nth in 0..3 {
        let file = rest.upload(&token, &format!("{nth}.txt"), format!("file {nth}")).await.granted();
        let message = json!({"text": "", "files": [file["id"]]});
        sent.push((file, rest.ask("POST", &messages, Some(&token), &message).await.granted()));
    }
    let data = folder.data();
    let backup = |name: &str| {
        let file = backups.join(name);
        (palabre(&data, &["backup", file.to_str().unwrap()]), file)
    };
    let ((done, said), monday) = backup("monday.backup");
    assert!(done && said.contains("3 files"), "{said}");
    // A message that is deleted takes its file with it, but not out of a backup.
    let gone = format!("{messages}/{}", sent[0].1["seq"]);
    rest.ask("DELETE", &gone, Some(&token), &Value::Null).await.granted();
    let ((done, said), tuesday) = backup("tuesday.backup");
    assert!(done && said.contains("2 files"), "{said}");
    let beside = |file: &Path| PathBuf::from(format!("{}.files", file.display()));
    let (first, second) = (files_in(&beside(&monday)), files_in(&beside(&tuesday)));
    assert_eq!((first.len(), second.len()), (3, 2));
    // The same bytes, not twice on the disk.
    assert!(second.iter().all(|file| fs::metadata(file).unwrap().nlink() >= 2), "{second:?}");
    assert!(!backup("monday.backup").0.0, "no backup takes the place of another");
    drop(running);

    let restored = Folder::new("files-restored");
    let (done, said) = palabre(&restored.data(), &["restore", monday.to_str().unwrap()]);
    assert!(done && said.contains("3 files"), "{said}");
    let running = server(&restored, &[]).await;
    let rest = Rest::to(running.address());
    let token = log_in(&rest).await;
    for (nth, (file, _)) in sent.iter().enumerate() {
        let (answer, bytes) = rest.bytes(&format!("/v1/files/{}", file["id"].as_str().unwrap()), &token, &[]).await;
        assert_eq!((answer.status, bytes), (200, format!("file {nth}").into_bytes()));
    }
    drop(running);
    // Without its folder a backup is restored all the same, and says what is missing.
    fs::remove_dir_all(beside(&tuesday)).unwrap();
    let poorer = Folder::new("files-missing");
    let (done, said) = palabre(&poorer.data(), &["restore", tuesday.to_str().unwrap()]);
    assert!(done && said.contains("2 that are missing"), "{said}");
    doctor(&poorer.data(), &[]).has_problem(&["files: 2 of 2 files are not whole"]);
    let good = doctor(&restored.data(), &[]).of("good");
    assert!(good.iter().any(|line| line.starts_with("files: 3 files")), "{good:?}");
}

#[tokio::test]
async fn a_server_that_is_killed_in_an_upload_has_no_file_of_it_and_all_that_it_has_answered() {
    let folder = Folder::new("files-killed");
    let mut running = server(&folder, &[]).await;
    let rest = Rest::to(running.address());
    let account = json!({"username": "ann", "password": PASSWORD});
    rest.ask("POST", "/v1/accounts", None, &account).await.granted();
    let token = log_in(&rest).await;
    let kept = rest.upload(&token, "kept.txt", "kept").await.granted();
    let mut raw = testkit::Raw::connect(running.address()).await;
    let head = format!(
        "POST /v1/files?name=a HTTP/1.1\r\nhost: p\r\nauthorization: Bearer {token}\r\ncontent-length: 900000\r\n\r\n"
    );
    raw.writes(head).await;
    raw.writes("x".repeat(400_000)).await;
    for _ in 0..200 {
        if files_in(&folder.data().join("files")).len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    running.kill().expect("killed");
    running.restart().await.expect("it comes back");
    let rest = Rest::to(running.address());
    let path = format!("/v1/files/{}", kept["id"].as_str().unwrap());
    let (answer, bytes) = rest.bytes(&path, &token, &[]).await;
    assert_eq!((answer.status, bytes), (200, b"kept".to_vec()));
    let places = files_in(&folder.data().join("files"));
    let left: Vec<&PathBuf> = places.iter().filter(|path| path.to_string_lossy().contains("unfinished")).collect();
    assert_eq!((places.len(), left.len()), (2, 1), "what was broken off waits for the sweep: {places:?}");
}

/// Settings of a server whose files are in a bucket of the store in `PALABRE_TEST_S3`, if there is one.
fn bucket(prefix: &str) -> Option<Vec<(String, String)>> {
    let endpoint = std::env::var("PALABRE_TEST_S3").ok()?;
    let place = format!("s3://palabre/{prefix}-{}", std::process::id());
    let settings = [
        ("PALABRE_DATA__FILES", place.as_str()),
        ("PALABRE_S3__ENDPOINT", &endpoint),
        ("PALABRE_S3__ACCESS_KEY", "testing"),
        ("PALABRE_S3__SECRET_KEY", "testing"),
    ];
    Some(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
}

#[tokio::test]
async fn files_in_a_bucket_are_in_a_backup_and_come_back_into_another_bucket_or_a_folder() {
    let Some(first) = bucket("first") else { return };
    let with = |all: &[(String, String)], data: &Path, words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_palabre"));
        command.args(words).arg("--data-dir").arg(data).env_clear().envs(all.iter().cloned());
        let output = command.output().expect("started");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), said)
    };
    let folder = Folder::new("bucket");
    let settings: Vec<(&str, &str)> = first.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let running = server(&folder, &settings).await;
    let rest = Rest::to(running.address());
    let account = json!({"username": "ann", "password": PASSWORD});
    rest.ask("POST", "/v1/accounts", None, &account).await.granted();
    let token = log_in(&rest).await;
    let mut files = Vec::new();
    for nth in 0..20 {
        files.push(rest.upload(&token, &format!("{nth}.txt"), format!("file {nth}")).await.granted());
    }
    let backup = folder.0.join("monday.backup");
    let backup = backup.to_str().unwrap();
    let (done, said) = with(&first, &folder.data(), &["backup", backup]);
    assert!(done && said.contains("20 files"), "{said}");
    assert_eq!(files_in(Path::new(&format!("{backup}.files"))).len(), 20);
    doctor(&folder.data(), &settings)
        .of("good")
        .iter()
        .find(|line| line.starts_with("files: 20 files, all in s3://"))
        .unwrap();
    drop(running);
    for (name, settings) in [("second", bucket("second").unwrap()), ("folder", Vec::new())] {
        let restored = Folder::new(&format!("bucket-{name}"));
        let (done, said) = with(&settings, &restored.data(), &["restore", backup]);
        assert!(done && said.contains("20 files"), "{said}");
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let running = server(&restored, &settings).await;
        let rest = Rest::to(running.address());
        let token = log_in(&rest).await;
        for (nth, file) in files.iter().enumerate() {
            let (answer, bytes) = rest.bytes(&format!("/v1/files/{}", file["id"].as_str().unwrap()), &token, &[]).await;
            assert_eq!((answer.status, bytes), (200, format!("file {nth}").into_bytes()), "{name}");
        }
    }
    // One that is not there any more is told, and so is one whose files are missing.
    let away = [("PALABRE_S3__ENDPOINT", "http://127.0.0.1:1")];
    let away: Vec<(&str, &str)> = settings.iter().copied().filter(|(name, _)| *name != away[0].0).chain(away).collect();
    doctor(&folder.data(), &away).has_problem(&["files: s3://palabre/first", "cannot be reached", "s3.access_key"]);
    let other = bucket("nobodys").unwrap();
    let other: Vec<(&str, &str)> = other.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    doctor(&folder.data(), &other).has_problem(&["files: 20 of 20 files are not whole in s3://palabre/nobodys"]);
}

#[tokio::test]
async fn the_doctor_tells_of_bytes_that_no_file_has_and_of_a_scanner_that_is_away() {
    let folder = Folder::new("strays");
    let running = server(&folder, &[]).await;
    let stray = folder.data().join("files/00/11/00112233445566778899aabbccddeeff");
    fs::create_dir_all(stray.parent().unwrap()).unwrap();
    fs::write(&stray, "nobody's").unwrap();
    let notes = || doctor(&folder.data(), &[]).of("note");
    assert!(!notes().iter().any(|note| note.starts_with("files:")), "it is young");
    let old = Command::new("touch").args(["-d", "2 days ago"]).arg(&stray).status().unwrap();
    assert!(old.success());
    assert!(notes().iter().any(|note| note.starts_with("files: 1 in ")), "{:?}", notes());
    let nobody = ("PALABRE_DATA__SCANNER", "tcp://127.0.0.1:1");
    doctor(&folder.data(), &[nobody]).has_problem(&["scanner: the scanner cannot be reached", "clamd"]);
    doctor(&folder.data(), &[nobody, ("PALABRE_DATA__ACCEPT_UNSCANNED", "true")]).has_warning(&["accepted unscanned"]);
    drop(running);
}
